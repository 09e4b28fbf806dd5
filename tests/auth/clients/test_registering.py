"""Clients: registered by a registrar, given what they prove themselves with once, disabled at once."""

import time
from typing import Any

import msgspec
import pytest

from auth.grants import disabled
from auth.secrets import hashed
from ecard.client.actors import new_signer
from ecard.ids import new_id
from ecard.keys import thumbprint
from ecard.settings import Settings
from tests.bureau import Bureau, RegisteredClient, key_set, new_uscc, outcomes, refused, rows
from tests.conftest import first_operators, serving

SECRET = {"profile": "standard", "auth_method": "client_secret_basic"}
PUBLIC = {"profile": "standard", "auth_method": "none"}


def body(bureau: Bureau, **changed: object) -> dict[str, Any]:
    """Return what registers a client of the strict profile; what is None is left out."""
    whole = {
        "name": "网上办事大厅",
        "agency": bureau.agency,
        "profile": "fapi2",
        "auth_method": "private_key_jwt",
        "redirect_uris": ["https://client.example/callback"],
        "jwks": key_set(new_signer()),
        "items": ["A1-01"],
        "grant_types": ["authorization_code"],
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not None}


def register(bureau: Bureau, **changed: object) -> dict[str, Any]:
    made: dict[str, Any] = bureau.registrar.call("POST", "/v1/clients", body(bureau, **changed)).json()
    return made


def refuse(bureau: Bureau, code: str, pointer: str, **changed: object) -> Any:
    """Expect a registration to be refused; return the problem."""
    with refused(code) as refusal:
        register(bureau, **changed)
    assert refusal.value.problem["pointer"] == pointer
    return refusal.value.problem


def listed(bureau: Bureau, client: str) -> dict[str, Any]:
    every: list[dict[str, Any]] = bureau.registrar.call("GET", "/v1/clients").json()
    return next(one for one in every if one["client_id"] == client)


def kept(settings: Settings, client: str) -> Any:
    return rows(settings, "SELECT * FROM client WHERE id = $1::text::uuid", client)[0]


# ---- what is registered, is listed ----------------------------------------------------------------------


def test_a_client_is_listed_as_it_was_registered_without_what_it_proves_itself_with(bureau: Bureau) -> None:
    signer = new_signer()
    made = register(
        bureau,
        jwks=key_set(signer),
        items=["A1-94", "A1-01", "A1-94"],
        grant_types=["refresh_token", "authorization_code"],
        post_logout_redirect_uris=["https://client.example/bye"],
        backchannel_logout_uri="https://client.example/logout",
    )
    assert made.keys() == {"client_id"}
    shown = listed(bureau, made["client_id"])
    assert shown.pop("created_at")
    assert shown == {
        "client_id": made["client_id"],
        "name": "网上办事大厅",
        "agency": str(bureau.agency),
        "agency_name": "测试人社局",
        "profile": "fapi2",
        "auth_method": "private_key_jwt",
        "redirect_uris": ["https://client.example/callback"],
        "post_logout_redirect_uris": ["https://client.example/bye"],
        "backchannel_logout_uri": "https://client.example/logout",
        "keys": [thumbprint(signer.suite, signer.public)],
        "sector": str(bureau.agency),
        "items": ["A1-01", "A1-94"],
        "grant_types": ["authorization_code", "refresh_token"],
        "sandbox": False,
    }


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_secret_is_shown_once_and_its_hash_alone_is_kept(bureau: Bureau, settings: Settings, method: str) -> None:
    client = bureau.client(profile="standard", auth_method=method)
    secret = str(client.secret)
    assert len(secret) == 43
    assert bytes(kept(settings, client.client_id)["secret_sha256"]) == hashed(secret)
    shown = bureau.registrar.call("GET", "/v1/clients").text
    assert client.client_id in shown
    assert secret not in shown
    assert hashed(secret).hex() not in shown


def test_a_lost_answer_is_given_again_with_its_secret_and_is_not_to_be_stored(bureau: Bureau) -> None:
    key, asked = new_id().hex, body(bureau, **SECRET, jwks=None)
    first, again = (bureau.registrar.call("POST", "/v1/clients", asked, key=key) for _ in range(2))
    assert first.json()["client_secret"] == again.json()["client_secret"]
    assert {one.headers["cache-control"] for one in (first, again)} == {"no-store"}


def test_no_secret_is_in_the_log_or_beside_the_idempotency_key(bureau: Bureau, settings: Settings) -> None:
    key = new_id().hex
    made = bureau.registrar.call("POST", "/v1/clients", body(bureau, **SECRET, jwks=None), key=key).json()
    renewed = bureau.registrar.call("POST", f"/v1/clients/{made['client_id']}/credentials", {}).json()
    bureau.registrar.call("DELETE", f"/v1/clients/{made['client_id']}")
    log = rows(
        settings,
        "SELECT kind, outcome, actor, detail::text AS detail FROM audit_event WHERE detail->>'client' = $1 ORDER BY n",
        made["client_id"],
    )
    assert [row["kind"] for row in log] == ["client_registered", "client_rotated", "client_disabled"]
    assert {(row["outcome"], row["actor"]) for row in log} == {("ok", bureau.registrar.actor)}
    answers = rows(settings, "SELECT response FROM idempotency WHERE actor = $1", bureau.registrar.actor)
    for secret in (made["client_secret"], renewed["client_secret"]):
        assert not any(secret in row["detail"] for row in log)
        assert not any(secret.encode() in bytes(row["response"]) for row in answers)


def test_a_public_client_is_given_nothing(bureau: Bureau, settings: Settings) -> None:
    client = bureau.client(**PUBLIC)
    assert (client.secret, client.signer) == (None, None)
    row = kept(settings, client.client_id)
    assert (row["secret_sha256"], row["jwks"], row["jwks_uri"]) == (None, None, None)


# ---- of whom --------------------------------------------------------------------------------------------


def test_an_agency_may_be_named_by_its_social_credit_code(bureau: Bureau) -> None:
    code = new_uscc()
    agency = bureau.registrar.register_agency("测试医保局", code)
    for said in (code, code.lower()):
        made = register(bureau, agency=None, agency_uscc=said)
        assert listed(bureau, made["client_id"])["agency"] == str(agency)


def test_an_agency_is_named_once_rightly_and_is_registered(bureau: Bureau) -> None:
    code = new_uscc()
    refuse(bureau, "client_agency_ambiguous", "/agency", agency=None)
    refuse(bureau, "client_agency_ambiguous", "/agency", agency_uscc=code)
    refuse(bureau, "not_found", "/agency", agency=str(new_id()))
    refuse(bureau, "not_found", "/agency_uscc", agency=None, agency_uscc=code)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert refuse(bureau, "uscc_refused", "/agency_uscc", agency=None, agency_uscc=wrong)["reason"] == "check_digit"


# ---- with what ------------------------------------------------------------------------------------------


def test_items_are_of_the_catalogue(bureau: Bureau) -> None:
    refuse(bureau, "item_unknown", "/items/1", items=["A1-01", "A1-9999"])
    assert listed(bureau, register(bureau, items=[])["client_id"])["items"] == []


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_the_strict_profile_needs_a_key(bureau: Bureau, method: str) -> None:
    refuse(bureau, "auth_method_refused", "/auth_method", auth_method=method, jwks=None)


def test_keys_are_given_in_one_way_by_whom_they_are_asked_of(bureau: Bureau) -> None:
    uri = "https://client.example/jwks"
    assert refuse(bureau, "client_keys_refused", "/jwks", jwks=None)["reason"] == "missing"
    assert refuse(bureau, "client_keys_refused", "/jwks", jwks_uri=uri)["reason"] == "both"
    assert refuse(bureau, "client_keys_refused", "/jwks", **SECRET)["reason"] == "not_expected"
    assert refuse(bureau, "client_keys_refused", "/jwks_uri", **PUBLIC, jwks=None, jwks_uri=uri)["reason"] == (
        "not_expected"
    )
    made = register(bureau, jwks=None, jwks_uri=uri)
    assert listed(bureau, made["client_id"])["jwks_uri"] == uri


def test_a_private_key_is_sent_back_and_not_kept(bureau: Bureau, settings: Settings) -> None:
    [jwk] = key_set(new_signer())["keys"]
    problem = refuse(bureau, "client_keys_refused", "/jwks", jwks={"keys": [{**jwk, "d": "dearest"}]})
    assert problem["reason"] == "private"
    assert "dearest" not in str(problem)
    assert rows(settings, "SELECT FROM client WHERE jwks::text LIKE '%' || $1 || '%'", jwk["x"]) == []


@pytest.mark.parametrize("jwks", [{}, {"keys": []}, {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}])
def test_a_set_of_keys_has_one_that_can_be_used(bureau: Bureau, jwks: dict[str, Any]) -> None:
    assert refuse(bureau, "client_keys_refused", "/jwks", jwks=jwks)["reason"] == "unusable"


@pytest.mark.parametrize("field", ["jwks_uri", "backchannel_logout_uri"])
def test_we_call_https_alone_and_loopback_for_sandbox_clients(bureau: Bureau, field: str) -> None:
    changed = {"jwks": None} if field == "jwks_uri" else {}
    for uri in ("http://client.example/x", "ftp://client.example/x", "https://a:b@client.example/x", "x\x00"):
        refuse(bureau, "client_address_refused", f"/{field}", **changed, **{field: uri}, sandbox=True)
    local = "http://127.0.0.1:9/x"
    refuse(bureau, "client_address_refused", f"/{field}", **changed, **{field: local})
    assert listed(bureau, register(bureau, **changed, **{field: local}, sandbox=True)["client_id"])[field] == local


@pytest.mark.parametrize("field", ["redirect_uris", "post_logout_redirect_uris"])
def test_a_browser_is_sent_to_https_alone_and_to_loopback_for_sandbox_clients(bureau: Bureau, field: str) -> None:
    good, local = "https://client.example/callback", "http://127.0.0.1:9/callback"
    refuse(bureau, "redirect_uri_refused", f"/{field}/1", **{field: [good, "http://client.example/callback"]})
    refuse(bureau, "redirect_uri_refused", f"/{field}/1", **{field: [good, local]})
    made = register(bureau, **{field: [good, local]}, sandbox=True)
    assert listed(bureau, made["client_id"])[field] == [good, local]


def test_grant_types_go_together(bureau: Bureau) -> None:
    ciba = "urn:openid:params:grant-type:ciba"
    problem = refuse(bureau, "grant_types_refused", "/grant_types", grant_types=["refresh_token"])
    assert problem["reason"] == "refresh_alone"
    problem = refuse(bureau, "grant_types_refused", "/grant_types", **PUBLIC, jwks=None, grant_types=[ciba])
    assert problem["reason"] == "public_client"
    problem = refuse(bureau, "grant_types_refused", "/redirect_uris", redirect_uris=[])
    assert problem["reason"] == "redirect_uri_missing"
    refuse(bureau, "invalid_request", "/grant_types", grant_types=[])
    refuse(bureau, "invalid_request", "/grant_types/0", grant_types=["password"])
    register(bureau, redirect_uris=[], grant_types=[ciba, "refresh_token"])


def test_outside_a_sandbox_no_sandbox_client_is_registered(settings: Settings) -> None:
    real = msgspec.structs.replace(settings, sandbox=False)
    with serving(real) as url:
        own = Bureau(url, first_operators(real))
        refuse(own, "sandbox_client_refused", "/sandbox", sandbox=True)
        refuse(own, "redirect_uri_refused", "/redirect_uris/0", redirect_uris=["http://127.0.0.1:9/callback"])
        assert register(own)["client_id"]
        own.http.close()


# ---- sectors --------------------------------------------------------------------------------------------


def test_clients_of_an_agency_may_share_a_sector_of_its_own(bureau: Bureau) -> None:
    sector = f"{new_id().hex}.example"
    for _ in range(2):
        assert listed(bureau, register(bureau, sector=sector)["client_id"])["sector"] == sector


def test_a_sector_is_one_agencys_alone_also_after_its_client_is_gone(bureau: Bureau) -> None:
    sector = f"{new_id().hex}.example"
    other = bureau.registrar.register_agency("测试医保局", new_uscc())
    first = register(bureau, sector=sector)["client_id"]
    refuse(bureau, "sector_taken", "/sector", sector=sector, agency=other)
    bureau.registrar.call("DELETE", f"/v1/clients/{first}")
    refuse(bureau, "sector_taken", "/sector", sector=sector, agency=other)
    # Another agency's id is its sector, also before it has a client.
    refuse(bureau, "sector_taken", "/sector", sector=str(other))
    register(bureau, sector=str(bureau.agency))


def test_of_two_agencies_that_name_one_sector_at_once_one_gets_it(bureau: Bureau, settings: Settings) -> None:
    sector = f"{new_id().hex}.example"
    agencies = [bureau.registrar.register_agency("测试局", new_uscc()) for _ in range(6)]
    found = outcomes([lambda agency=one: register(bureau, sector=sector, agency=agency) for one in agencies])  # type: ignore[misc]
    assert found == {"ok": 1, "sector_taken": 5}
    assert len(rows(settings, "SELECT DISTINCT agency FROM client WHERE sector = $1", sector)) == 1


@pytest.mark.parametrize("sector", ["", "Client.example", "https://client.example", "a b", "a\n", "-a", "a" * 254])
def test_a_sector_is_a_host_in_lower_case(bureau: Bureau, sector: str) -> None:
    refuse(bureau, "invalid_request", "/sector", sector=sector)


# ---- renewed and disabled -------------------------------------------------------------------------------


def rotate(bureau: Bureau, client: RegisteredClient, **asked: object) -> dict[str, Any]:
    path = f"/v1/clients/{client.client_id}/credentials"
    made: dict[str, Any] = bureau.registrar.call("POST", path, asked).json()
    return made


def test_a_new_secret_replaces_the_old_one(bureau: Bureau, settings: Settings) -> None:
    client = bureau.client(profile="standard", auth_method="client_secret_post")
    made = rotate(bureau, client)
    assert made["client_id"] == client.client_id
    assert made["client_secret"] != client.secret
    assert bytes(kept(settings, client.client_id)["secret_sha256"]) == hashed(made["client_secret"])


def test_new_keys_replace_the_old_ones_inline_or_by_address(bureau: Bureau, settings: Settings) -> None:
    client, signer, uri = bureau.client(), new_signer(), "https://client.example/jwks"
    assert rotate(bureau, client, jwks=key_set(signer)) == {"client_id": client.client_id}
    assert listed(bureau, client.client_id)["keys"] == [thumbprint(signer.suite, signer.public)]
    rotate(bureau, client, jwks_uri=uri)
    row = kept(settings, client.client_id)
    assert (row["jwks"], row["jwks_uri"]) == (None, uri)
    wrong: list[dict[str, Any]] = [{}, {"jwks": key_set(signer), "jwks_uri": uri}, {"jwks": {"keys": []}}]
    for asked in wrong:
        with refused("client_keys_refused", 400):
            rotate(bureau, client, **asked)
    with refused("client_address_refused", 400):
        rotate(bureau, client, jwks_uri="http://client.example/jwks")


def test_a_client_keeps_its_way_of_authentication(bureau: Bureau) -> None:
    with refused("client_keys_refused", 400):
        rotate(bureau, bureau.client(**SECRET), jwks=key_set(new_signer()))
    with refused("client_has_no_credentials", 409):
        rotate(bureau, bureau.client(**PUBLIC))


def test_a_disabled_client_is_listed_as_such_and_is_nobody_to_renew_or_disable(bureau: Bureau) -> None:
    client = bureau.client()
    assert "disabled_at" not in listed(bureau, client.client_id)
    path = f"/v1/clients/{client.client_id}"
    assert bureau.registrar.call("DELETE", path).status_code == 204
    assert listed(bureau, client.client_id)["disabled_at"]
    with refused("not_found", 404):
        bureau.registrar.call("DELETE", path)
    with refused("not_found", 404):
        rotate(bureau, client, jwks=key_set(new_signer()))
    with refused("not_found", 404):
        bureau.registrar.call("DELETE", f"/v1/clients/{new_id()}")


GRANTED = """
    INSERT INTO consent_grant (id, client, holder, card, item, catalogue, fields, scope, sub, acr, amr, auth_time,
                               expires_at)
    SELECT {id}, $1::text::uuid, c.holder, c.seq, 'A1-01', '', '{{}}', '{{}}', 's', 'a', '{{}}', now(),
           now() + make_interval(days => $3)
    FROM card c JOIN device d ON d.card = c.seq, {of} WHERE d.actor = $2
"""


def test_what_a_client_was_granted_ends_with_it_and_a_disabled_client_is_told_nothing(
    bureau: Bureau, settings: Settings
) -> None:
    client = bureau.client(backchannel_logout_uri="https://client.example/logout").client_id
    phone, grant, over = bureau.phone(), new_id(), new_id()
    for one, days in ((grant, 1), (over, -1)):
        sql = GRANTED.format(id=f"'{one}'::uuid", of="generate_series(1, 1)")
        rows(settings, sql, client, phone.actor, days)
    bureau.registrar.call("DELETE", f"/v1/clients/{client}")
    wanted = "SELECT id, why FROM consent_grant WHERE client = $1::text::uuid AND revoked_at IS NOT NULL"
    deadline = time.monotonic() + 3
    while not (ended := rows(settings, wanted, client)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [tuple(row) for row in ended] == [(grant, "client")]
    assert rows(settings, "SELECT body FROM outbox WHERE body->>'client' = $1", client) == []


def test_a_client_with_very_many_grants_is_disabled_at_once_and_they_end_in_batches(
    bureau: Bureau, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disabled, "_SETTLED", 0)
    client, phone = bureau.client().client_id, bureau.phone()
    days_old = "first_id(now() - n * interval '20 seconds')"
    # 60 000 of the last two weeks, each with an id of its time.
    of_its_time = f"(left({days_old}::text, 24) || lpad(to_hex(n), 12, '0'))::uuid"
    sql = GRANTED.format(id=of_its_time, of="generate_series(1, 60000) n")
    rows(settings, sql, client, phone.actor, 10)
    began = time.monotonic()
    bureau.registrar.call("DELETE", f"/v1/clients/{client}")
    assert time.monotonic() - began < 0.5
    left = "SELECT count(*) FROM consent_grant WHERE client = $1::text::uuid AND revoked_at IS NULL"
    deadline = time.monotonic() + 60
    while rows(settings, left, client)[0][0]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    rows(settings, "DELETE FROM consent_grant WHERE client = $1::text::uuid", client)


@pytest.mark.parametrize("field", ["jwks_uri", "backchannel_logout_uri"])
@pytest.mark.parametrize(
    "host",
    [
        *("10.0.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
        *("[::1]", "[fe80::1]", "[fd00::1]", "[::ffff:10.0.0.1]", "[2002:a00:1::1]", "[64:ff9b::a00:1]"),
        *("localhost", "x.localhost", "LOCALHOST.", "127.1", "2130706433", "0x7f000001", "127.0.0.0x1", "10.0.0.1."),
    ],
)
def test_an_address_inside_a_network_is_never_called_for_a_client_of_real_people(
    bureau: Bureau, field: str, host: str
) -> None:
    changed = {"jwks": None} if field == "jwks_uri" else {}
    refuse(bureau, "client_address_refused", f"/{field}", **changed, **{field: f"https://{host}/x"})


def test_a_public_address_may_be_called_and_a_sandbox_client_may_be_anywhere(bureau: Bureau) -> None:
    for host in ("client.example", "8.8.8.8", "[2606:4700::1111]", "10.example"):
        register(bureau, jwks=None, jwks_uri=f"https://{host}/x")
    register(bureau, backchannel_logout_uri="https://10.0.0.1/x", sandbox=True)
