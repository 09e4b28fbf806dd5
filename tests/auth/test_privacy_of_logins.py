"""After a day of logins at a real server: no token, code, secret, QR or name in its log, nothing redeemable kept."""

import re
import subprocess
import sys
from typing import Any, NamedTuple

import msgspec
import pytest
import redis

from ecard.client.actors import new_signer
from ecard.settings import Settings
from tests.auth.acts import begin_device, confirm, hearing, introspect, poll
from tests.auth.party import Party, Tab, fapi, new_pkce, query, standard
from tests.bureau import PASSWORD, Bureau, environment, new_database, outcomes, rows
from tests.conftest import first_operators
from tests.ecard.test_privacy import await_ready, forms, tables

Secrets = dict[str, str]


class Day(NamedTuple):
    """What a day of logins leaves behind, and what must be seen nowhere in it."""

    log: str
    rows: dict[str, list[str]]
    redis: str
    metrics: str
    personal: Secrets
    secret: Secrets


@pytest.fixture(scope="module")
def day(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Day:
    folder = tmp_path_factory.mktemp("logins")
    own = msgspec.structs.replace(new_database(settings), data_dir=folder)
    log = folder / "said"
    with log.open("wb") as said:
        command = [sys.executable, "-m", "ecard.cli", "serve", "--sandbox", "--port", "0"]
        server = subprocess.Popen(command, env=environment(own), stdout=said, stderr=said)
        try:
            bureau = Bureau(await_ready(log, server), first_operators(own))
            personal, secret = work(bureau, own)
            metrics = bureau.http.get("/metrics").text
            bureau.http.close()
        finally:
            server.terminate()
            server.wait(20)
    cache = redis.Redis.from_url(str(own.redis_url))
    kept = repr([(key, cache.dump(key)) for key in cache.scan_iter()])
    cache.close()
    return Day(log.read_text(), tables(own), kept, metrics, personal, secret)


def work(bureau: Bureau, own: Settings) -> tuple[Secrets, Secrets]:
    """Log in in every way, right and wrong; return what must be seen nowhere."""
    person = bureau.register(mobile="13987654321")
    phone = bureau.phone(person)
    with hearing() as heard:
        party = fapi(bureau, backchannel_logout_uri=f"{heard.url}/out")
        web = standard(bureau, auth_method="client_secret_basic")
        secret = by_page(party, phone) | by_device(party, phone)
        secret |= {"client secret": str(web.client.secret), "password": PASSWORD}
        pair = (web.client.client_id, str(web.client.secret))
        assert web.http.post("/oauth/introspect", data={"token": secret["code"]}, auth=pair).status_code == 200
        wrong(party, phone, secret)
        fault(party, own, secret)
        phone.report_lost()
    personal = {key: person.facts[key] for key in ("name", "id_no", "card_no", "mobile")}
    return personal, secret


def by_page(party: Party, phone: Any) -> Secrets:
    """Log in on a page; return all that was secret in it."""
    pkce, tab = new_pkce(), Tab(party.bureau.base_url)
    pushed = party.push(pkce, state="st-7Yq2wZ", nonce="no-9Lk3xV")
    answer = tab.get("/oauth/authorize", client_id=party.client.client_id, request_uri=pushed)
    page = answer.headers["location"].partition("?")[0]
    [cookie] = [value for (name, _), value in tab._jar.items() if name.startswith("__Host-ecard_login_")]
    qr = tab.status(page)["qr"]
    party.approve(phone, tab, page, busi_seq=phone.prove(PASSWORD), remember=True)
    code = query(tab.get(f"{page}/done").headers["location"])["code"]
    [browser] = [value for (name, _), value in tab._jar.items() if name.endswith("ecard_browser")]
    tokens = party.redeem(code, pkce).json()
    again = party.refresh(tokens["refresh_token"]).json()
    assertion = party.assertion()
    assert introspect(party, assertion, token=again["access_token"]).json()["active"]
    made = {"qr": qr[5:], "poll cookie": cookie, "browser cookie": browser, "code": code, "verifier": pkce.verifier}
    made |= {"request_uri": pushed.rpartition(":")[2], "state": "st-7Yq2wZ", "nonce": "no-9Lk3xV"}
    made |= {"assertion": assertion.rpartition(".")[2], "dpop nonce": party._nonce}
    for when, given in (("first", tokens), ("second", again)):
        made |= {f"{when} {name}": given[name][-40:] for name in ("access_token", "id_token", "refresh_token")}
    return made


def by_device(party: Party, phone: Any) -> Secrets:
    begun = begin_device(party)
    confirm(phone, begun["qr"])
    tokens = poll(party, begun["device_code"]).json()
    sub = party.userinfo(tokens["access_token"]).json()["sub"]
    form = {"scope": "openid", "login_hint": sub, "binding_message": "BM-4417-XQ"}
    asked = party.post("/oauth/ciba", form).json()["auth_req_id"]
    made = {"device code": begun["device_code"], "user code": begun["user_code"].replace("-", "")}
    made |= {"device qr": begun["qr"][5:31], "device token": tokens["access_token"][-40:], "auth_req_id": asked}
    return made


def wrong(party: Party, phone: Any, secret: Secrets) -> None:
    """Do what is refused, with secrets in every place of a request."""
    tab, page = party.begin(new_pkce())
    login = phone.call("POST", "/v1/logins/scan", {"qr": tab.status(page)["qr"]}).json()["id"]
    guess = str(10 + (int(tab.status(page)["number"]) - 9) % 90)
    body = {"number": guess}
    assert outcomes([lambda: phone.call("POST", f"/v1/logins/{login}/confirm", body)])["ok"] == 0
    for name in ("code", "first refresh_token", "device code", "assertion", "client secret"):
        value = secret[name]
        for path in ("token", "par", "introspect", "device", "ciba"):
            party.http.post(f"/oauth/{path}", data={"client_id": value, "client_secret": value, "grant_type": value})
            party.post(f"/oauth/{path}", {"scope": value, "grant_type": "refresh_token", "refresh_token": value})
            party.http.post(f"/oauth/{path}", params={"code": [value, value]}, data={"code": [value, value]})
        party.http.get(f"/oauth/authorize?client_id={value}&request_uri={value}&{value}={value}")
        party.http.get(f"/login/{value}", headers={"Cookie": f"__Host-ecard_login_{value}={value}"})
        party.http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {value}", "DPoP": value})
        party.http.get(f"/oauth/logout?id_token_hint={value}&post_logout_redirect_uri=https://{value}.example")
    assert party.post("/oauth/token", {}, key=new_signer()).status_code == 400


def fault(party: Party, own: Settings, secret: Secrets) -> None:
    """Let requests with secrets run into a fault of the server."""
    rows(own, "ALTER TABLE refresh_token RENAME TO refresh_away")
    try:
        assert party.refresh(secret["code"]).status_code == 500
        assert party.post("/oauth/revoke", {"token": secret["code"]}).status_code == 500
    finally:
        rows(own, "ALTER TABLE refresh_away RENAME TO refresh_token")


def test_the_log_has_a_line_for_each_request_and_none_says_what_was_in_it(day: Day) -> None:
    lines = [msgspec.json.decode(line, type=dict[str, Any]) for line in day.log.splitlines() if line.startswith("{")]
    seen = {line["operation"] for line in lines}
    assert {"oauth_token", "oauth_par", "oauth_authorize", "login_status", "login_scan", "oauth_ciba"} <= seen
    assert {key for line in lines for key in line} == {
        "at", "operation", "status", "ms", "request_id", "problem", "actor", "why",
    }  # fmt: skip
    # Why a client was refused is told here and nowhere else, in words of ours.
    assert all(line["problem"] == "oauth_invalid_client" for line in lines if "why" in line)
    assert "unhandled UndefinedTableError request_id=" in day.log


def test_nothing_secret_is_in_the_log(day: Day) -> None:
    secret = {what: value for what, value in day.secret.items() if what != "password"}
    assert {what for what, value in secret.items() for form in forms(value) if form in day.log} == set()
    assert not re.search(rf"(?<![0-9a-f.]){PASSWORD}(?![0-9a-f])", day.log)
    for sign in ("eyJ", "ECL1:", "EC1:", "request_uri:", "Bearer ", "DPoP ey", "BM-4417-XQ"):
        assert sign not in day.log


def test_nothing_personal_is_in_the_log_the_database_redis_or_the_metrics(day: Day) -> None:
    for what, value in day.personal.items():
        for form in forms(value):
            assert form not in day.log, what
            assert form not in day.redis, what
            assert form not in day.metrics, what
            assert not [name for name, kept in day.rows.items() if any(form in row for row in kept)], what


def test_nothing_that_could_be_redeemed_is_kept_in_the_database_redis_or_the_metrics(day: Day) -> None:
    # What the client itself chose to be told again stands in its request; the letters are looked for as they are.
    kept = {"state", "nonce", "password", "user code"}
    for what, value in day.secret.items():
        if what in kept:
            continue
        for form in forms(value)[:3]:
            assert form not in day.redis, what
            assert form not in day.metrics, what
            assert not [name for name, rows_ in day.rows.items() if any(form in row for row in rows_)], what
