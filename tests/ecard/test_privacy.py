"""After a day's work of a real server: nothing personal and no secret in its log, database, Redis or metrics."""

import base64
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
import redis

from ecard.cards.sandbox import FACE_PASSED
from ecard.ids import new_id
from ecard.settings import Settings
from tests.bureau import PASSWORD, Bureau, environment, new_database, new_person, outcomes, refused, rows, send
from tests.conftest import first_operators

WRONG, NEW = "271828", "314159"
LINE = {"at", "operation", "status", "ms", "request_id", "problem", "actor"}


class Day(NamedTuple):
    """What a day's work leaves behind: the log, the database's rows, Redis's keys and values, the metrics."""

    log: str
    rows: dict[str, list[str]]
    redis: str
    metrics: str
    personal: dict[str, str]
    secret: dict[str, str]


@pytest.fixture(scope="module")
def day(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Day:
    folder = tmp_path_factory.mktemp("privacy")
    own = msgspec.structs.replace(new_database(settings), data_dir=folder)
    log = folder / "stderr"
    with log.open("wb") as stderr:
        server = subprocess.Popen(
            [sys.executable, "-m", "ecard.cli", "serve", "--sandbox", "--port", "0"],
            env=environment(own),
            stderr=stderr,
        )
        try:
            url = await_ready(log, server)
            bureau = Bureau(url, first_operators(own))
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


def await_ready(log: Path, server: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"(?<=Serving on )http://127\.0\.0\.1:\d+", log.read_text())
        if found:
            try:
                httpx.get(f"{found[0]}/ready").raise_for_status()
            except httpx.HTTPError:
                pass
            else:
                return found[0]
        time.sleep(0.05)
    pytest.fail(f"the server did not start: {log.read_text()}")


def tables(own: Settings) -> dict[str, list[str]]:
    """Return every row of every table as PostgreSQL writes it (bytea in hexadecimal digits)."""
    names = rows(own, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {
        name: [row[0] for row in rows(own, f"SELECT t::text FROM {name} AS t")]
        for name in (str(row["tablename"]) for row in names)
    }


def work(bureau: Bureau, own: Settings) -> tuple[dict[str, str], dict[str, str]]:
    """Let everybody do what they do, right and wrong; return what must be seen nowhere."""
    person = bureau.register(address="测试市某某路一百号", mobile="13912345678", bank_account="6299991234567890123")
    relative = bureau.register()
    phone = bureau.phone(person, level=2)
    shown = phone.codes(count=3)
    drawn = phone.call("POST", "/v1/me/codes", {"scene": "identity"}, accept="image/svg+xml")
    first = bureau.terminal().visit("A1-01", shown[0]["code"])
    second = bureau.terminal().visit("A1-02", shown[1]["number"])
    bureau.terminal().introspect(first["assertion"])
    phone.uses()
    phone.call("POST", f"/v1/me/uses/{second['visit']}/dispute")
    bureau.phone(relative)
    kin = bureau.add_relative(phone, relative)
    bureau.terminal().visit("A1-01", phone.codes(relative=kin)[0]["code"])
    certificate = phone.call("POST", "/v1/me/code-certificates", {"hours": 1}).json()["certificate"]
    busi_seq = phone.prove(PASSWORD)
    phone.call("PUT", "/v1/me/password", {"password": NEW, "busi_seq": busi_seq})
    phone.call("PUT", "/v1/me/password", {"password": PASSWORD, "face": FACE_PASSED})
    wrong(bureau, phone, person.facts, shown)
    rows(own, "ALTER TABLE audit_event RENAME TO audit_away")
    body = {**person.facts, **{key: new_person().facts[key] for key in ("id_no", "card_no")}}
    fault = send(bureau.cards, "POST", "/v1/holders", msgspec.json.encode(body), key=new_id().hex)
    assert fault.status_code == 500
    rows(own, "ALTER TABLE audit_away RENAME TO audit_event")
    personal = {key: person.facts[key] for key in ("name", "id_no", "card_no", "mobile", "bank_account", "address")}
    personal |= {f"relative's {key}": relative.facts[key] for key in ("name", "id_no", "card_no")}
    secret = {f"code {n}": code["code"][4:60] for n, code in enumerate(shown)}
    secret |= {f"number {n}": code["number"] for n, code in enumerate(shown)}
    secret |= {"assertion": first["assertion"][-40:], "ticket": phone._ticket[-40:], "key": phone._key.hex()}
    client = bureau.client(profile="standard", auth_method="client_secret_basic")
    renewed = bureau.registrar.call("POST", f"/v1/clients/{client.client_id}/credentials", {}).json()["client_secret"]
    secret |= {"client's secret": str(client.secret), "client's new secret": renewed}
    secret |= {"certificate": certificate[-40:], "master key": own.master_key.hex(), "face": FACE_PASSED}
    assert drawn.is_success
    return personal, secret


def wrong(bureau: Bureau, phone: Any, facts: dict[str, str], shown: list[dict[str, Any]]) -> None:
    """Do what is refused, with personal data in every place of a request."""
    acts = [
        lambda: phone.call("POST", "/v1/me/verifications", {"password": WRONG}),
        lambda: bureau.terminal().visit("A1-01", shown[0]["code"]),
        lambda: bureau.terminal().visit(facts["id_no"][:16], shown[2]["code"]),
        lambda: bureau.terminal().visit("A1-01", facts["name"]),
        lambda: bureau.cards.register_holder(**facts),
        lambda: bureau.cards.register_holder(**{**facts, "mobile": facts["id_no"]}),
        lambda: bureau.cards.set_card_status(facts["name"], "lost"),
        lambda: phone.call("GET", f"/v1/{facts['id_no']}"),
        lambda: phone.call("GET", "/v1/me/uses", query=f"limit={facts['id_no']}"),
        lambda: phone.call("DELETE", f"/v1/me/relatives/{facts['card_no']}"),
        lambda: bureau.phone(bureau.register(), password="111111"),
    ]
    for act in acts:
        assert outcomes([act])["ok"] == 0
    for body in (facts["name"].encode(), b'{"name":"%s","name":1}' % facts["name"].encode()):
        assert send(bureau.cards, "POST", "/v1/holders", body, key="k").status_code == 400
    with refused("not_found", 404):
        bureau.channel.call("POST", f"/v1/issuances/{facts['mobile']}", facts)


def forms(value: str) -> list[str]:
    """Return how `value` could stand in a row or a line: as it is, escaped, in hexadecimal digits, in Base64."""
    raw = value.encode()
    return [value, json.dumps(value)[1:-1], raw.hex(), base64.b64encode(raw).decode().rstrip("=")[:-1]]


def test_the_log_has_a_line_for_each_request_with_allowed_members_only(day: Day) -> None:
    lines = [json.loads(line) for line in day.log.splitlines() if line.startswith("{")]
    assert len(lines) > 40
    assert {key for line in lines for key in line} == LINE
    seen = {line["operation"] for line in lines}
    assert {"visit_create", "password_prove", "holder_register", "unrouted"} <= seen
    assert {"code_replayed", "password_wrong", "internal_error"} <= {line.get("problem") for line in lines}


def test_the_log_of_a_fault_says_where_and_not_with_what(day: Day) -> None:
    assert "unhandled UndefinedTableError request_id=" in day.log
    assert "Exception: message withheld" in day.log


def test_nothing_personal_is_in_the_log(day: Day) -> None:
    found = {what for what, value in day.personal.items() for form in forms(value) if form in day.log}
    assert found == set()


def test_nothing_secret_is_in_the_log(day: Day) -> None:
    assert {what for what, value in day.secret.items() if value in day.log} == set()
    for password in (PASSWORD, WRONG, NEW, "111111"):
        assert not re.search(rf"(?<![0-9a-f.]){password}(?![0-9a-f])", day.log)
    assert "$argon2" not in day.log
    assert "eyJ" not in day.log  # the beginning of every JWT
    assert "EC1:" not in day.log


def test_nothing_personal_is_in_the_database_in_plain(day: Day) -> None:
    assert len(day.rows) >= 14
    found = {
        (table, what)
        for table, kept in day.rows.items()
        for what, value in day.personal.items()
        for form in forms(value)
        for row in kept
        if form in row
    }
    assert found == set()


def test_nothing_secret_is_in_the_database_in_plain(day: Day) -> None:
    found = {
        (table, what)
        for table, kept in day.rows.items()
        for what, value in day.secret.items()
        for form in forms(value)[:3]
        for row in kept
        if form in row
    }
    assert found == set()
    for kept in day.rows.values():
        assert not any(f'"{PASSWORD}"' in row or f'"{PASSWORD}"'.encode().hex() in row for row in kept)
    assert sum("$argon2id$" in row for row in day.rows["card"]) == 2  # the person's and the relative's


def test_nothing_personal_or_secret_is_in_redis_or_the_metrics(day: Day) -> None:
    for value in (*day.personal.values(), *day.secret.values(), PASSWORD):
        assert value not in day.redis
        assert repr(value.encode())[2:-1] not in day.redis
        assert value not in day.metrics
    assert 'operation="visit_create"' in day.metrics


def test_the_databases_own_log_has_nothing_personal(day: Day, settings: Settings) -> None:
    said = "".join(path.read_text(errors="replace") for path in settings.data_dir.glob("*.log"))
    assert "audit_event" in said  # the fault above is there
    found = {
        what for what, value in {**day.personal, **day.secret}.items() for form in forms(value)[:3] if form in said
    }
    assert found == set()
