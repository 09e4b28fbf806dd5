"""The line between a bridge and the server: who is admitted, what ends it, what one bridge may not do twice."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ecard.client import Refused, Session
from ecard.client.actors import new_signer
from ecard.settings import Settings
from tests.bureau import Bureau, ecard, rows
from tests.cardio.counter import Bridge, Line, bridge_token
from tests.conftest import serving

REFUSED, REPLACED, BAD_FRAME, UNFORESEEN = 4401, 4409, 1008, 4500


@pytest.fixture
def bridge(bureau: Bureau) -> Bridge:
    return Bridge(bureau.registrar, bureau.agency, bureau.issuer)


@pytest.fixture
def line(bureau: Bureau, bridge: Bridge) -> Iterator[Line]:
    opened = bridge.dial(bureau.base_url)
    yield opened
    opened.close()


def test_a_bridge_is_welcomed_with_eight_digits(line: Line) -> None:
    welcome = line.next("welcome")
    assert len(welcome["pairing"]) == 8
    assert welcome["pairing"].isdecimal()
    assert welcome["expires_in"] == 300


NOW = time.time
TOKENS: dict[str, Callable[[Bridge], str]] = {
    "another key": lambda bridge: bridge_token(new_signer(), bridge.id, bridge.issuer),
    "an unknown bridge": lambda bridge: bridge_token(bridge.signer, uuid4(), bridge.issuer),
    "another server": lambda bridge: bridge.token(aud="https://elsewhere.example"),
    "another subject": lambda bridge: bridge.token(sub=str(uuid4())),
    "another issuer": lambda bridge: bridge.token(iss=str(uuid4())),
    "another type": lambda bridge: bridge.token(typ="ecard-device+jwt"),
    "an hour's life": lambda bridge: bridge.token(exp=int(NOW()) + 3600),
    "expired": lambda bridge: bridge.token(iat=int(NOW()) - 120, exp=int(NOW()) - 60),
    "of the future": lambda bridge: bridge.token(iat=int(NOW()) + 600, exp=int(NOW()) + 650),
    "no jti": lambda bridge: bridge.token(jti=None),
    "no token": lambda _: "",
    "no JWT": lambda _: "a.b.c",
}


@pytest.mark.parametrize("case", TOKENS)
def test_a_connection_is_admitted_by_a_fresh_token_of_its_bridge_alone(
    bureau: Bureau, bridge: Bridge, case: str
) -> None:
    refused = Line(bureau.base_url, TOKENS[case](bridge))
    assert refused.ended() == REFUSED
    assert refused.said.empty()


def test_a_token_admits_one_connection(bureau: Bureau, bridge: Bridge) -> None:
    token = bridge.token()
    first = Line(bureau.base_url, token)
    first.next("welcome")
    assert Line(bureau.base_url, token).ended() == REFUSED
    first.close()


def test_a_terminal_or_a_phone_is_no_bridge(bureau: Bureau) -> None:
    for other in (bureau.terminal(), bureau.phone()):
        token = bridge_token(other.signer, other.actor, bureau.issuer)
        assert Line(bureau.base_url, token).ended() == REFUSED


def test_a_bridge_opens_no_session_of_its_own(bureau: Bureau, bridge: Bridge) -> None:
    with pytest.raises(Refused) as refusal:
        Session(bureau.http, bridge.id, bridge.signer).open()
    assert (refusal.value.status, refusal.value.code) == (401, "actor_unknown")


@pytest.mark.parametrize("workers", ["one", "two"])
def test_a_bridge_that_comes_again_replaces_its_older_line(
    bureau: Bureau, bridge: Bridge, settings: Settings, workers: str
) -> None:
    older = bridge.dial(bureau.base_url)
    older.next("welcome")
    with serving(settings) as another:
        newer = bridge.dial(another if workers == "two" else bureau.base_url)
        newer.next("welcome")
        assert older.ended() == REPLACED
        time.sleep(1.2)
        assert newer.code is None
        [row] = bureau_list(bureau, bridge)
        assert row["online"]
        newer.close()


def bureau_list(bureau: Bureau, bridge: Bridge) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = bureau.registrar.call("GET", "/v1/bridges").json()
    return [one for one in listed if one["id"] == str(bridge.id)]


def test_operators_see_what_a_bridge_says_of_itself(bureau: Bureau, bridge: Bridge, line: Line) -> None:
    line.next("welcome")
    deadline = time.monotonic() + 3
    while not (row := bureau_list(bureau, bridge)[0])["readers"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (row["online"], row["version"], row["readers"]) == (True, "0.1.0", ["Test Reader 00"])
    line.close()
    deadline = time.monotonic() + 3
    while bureau_list(bureau, bridge)[0]["online"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not bureau_list(bureau, bridge)[0]["online"]


@pytest.mark.parametrize("by", ["operator", "command line"])
def test_a_revoked_bridge_is_off_within_two_seconds_and_stays_out(
    bureau: Bureau, settings: Settings, bridge: Bridge, line: Line, by: str
) -> None:
    line.next("welcome")
    began = time.monotonic()
    if by == "operator":
        bureau.security.revoke(bridge.id)
    else:
        assert ecard(settings, "bridges", "revoke", str(bridge.id)).exit_code == 0
    assert line.ended() == REFUSED
    assert time.monotonic() - began < (2 if by == "operator" else 6)  # the command's own start is counted
    assert Line(bureau.base_url, bridge.token()).ended() == REFUSED
    assert bureau_list(bureau, bridge)[0]["revoked"]


FRAMES = {
    "no JSON": "{",
    "no object": "[]",
    "no type": '{"version":"1"}',
    "a server's frame": '{"type":"welcome","pairing":"00000000","expires_in":1}',
    "a field too many": '{"type":"readers","readers":[],"more":1}',
    "a wrong type": '{"type":"opened","session":"no uuid","atr":"","reader":""}',
    "nested without end": "[" * 30000,
    "nested without end before its type": '{"x":' + "[" * 30000,
    "a reader's name with NUL": '{"type":"readers","readers":[{"name":"\\u0000"}]}',
    "an ATR of no bytes": '{"type":"readers","readers":[{"name":"x","atr":"no hex"}]}',
    "a version with NUL": '{"type":"hello","version":"\\u0000","readers":[]}',
    "a scan with NUL": '{"type":"scanned","kind":"code","text":"EC1:\\u0000"}',
}


@pytest.mark.parametrize("case", FRAMES)
def test_a_frame_that_makes_no_sense_ends_the_line(line: Line, case: str) -> None:
    line.next("welcome")
    line.say_raw(FRAMES[case])
    assert line.ended() == BAD_FRAME


def test_a_frame_of_more_than_64_kilobytes_ends_the_line(line: Line) -> None:
    line.next("welcome")
    line.say_raw('{"type":"hello","version":"' + "x" * 70000 + '","readers":[]}')
    assert line.ended() == 1009


HEADERS = {"too long a header": b"Authorization: Bearer " + b"a" * 9000, "too many": b"\r\n".join([b"X: y"] * 200)}


@pytest.mark.parametrize("case", HEADERS)
def test_a_handshake_that_cannot_be_read_is_answered_and_holds_no_socket(bureau: Bureau, case: str) -> None:
    asked = b"GET /v1/bridge/link HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    place = httpx.URL(bureau.base_url)
    with socket.create_connection((place.host, place.port or 80), timeout=5) as caller:
        caller.sendall(asked + HEADERS[case] + b"\r\n\r\n")
        heard = b""
        while more := caller.recv(4096):  # until the server hangs up
            heard += more
    assert heard.startswith(b"HTTP/1.1 4")


def test_frames_of_a_session_that_is_not_its_own_change_nothing(line: Line, settings: Settings) -> None:
    line.next("welcome")
    session = str(uuid4())
    line.say("opened", session=session, atr="3B00", reader="x")
    line.say("answers", session=session, n=1, answers=["9000"])
    line.say("pin", session=session, n=1, verified=True)
    line.say("failed", session=session, code="card_removed")
    line.say("scanned", kind="payment")
    line.say("hello", version="0.1.1", readers=[])
    time.sleep(0.2)
    assert line.code is None
    assert rows(settings, "SELECT FROM card_session WHERE id = $1", uuid4()) == []


def test_the_door_of_bridges_answers_plain_requests_with_a_problem(http: httpx.Client) -> None:
    answer = http.get("/v1/bridge/link")
    assert answer.status_code in {404, 405}
    assert answer.json()["code"]


RECORD: dict[str, Any] = {
    "seq": 1,
    "item": "A2-52",
    "made_at": "2026-11-25T08:00:00Z",
    "card_id": None,
    "settlement": {
        "institution": "H0001",
        "serial": "20261125000001",
        "settled_at": "2026-11-25T07:59:00Z",
        "total": 1200,
        "fund": 700,
        "account": 300,
        "cash": 200,
    },
}


def test_an_offline_settlement_is_kept_once_and_sealed(line: Line, settings: Settings) -> None:
    line.next("welcome")
    record = {"id": str(uuid4()), **RECORD}
    for _ in range(3):
        line.say("queued", record=record)
        assert line.next("kept")["id"] == record["id"]
    [row] = rows(settings, "SELECT record FROM offline_settlement WHERE id = $1", record["id"])
    assert b"H0001" not in row["record"]
    noted = rows(settings, "SELECT outcome FROM audit_event WHERE detail->>'record' = $1", record["id"])
    assert [one["outcome"] for one in noted] == ["ok"]


def test_another_bridge_cannot_have_a_record_acknowledged_that_is_not_its_own(
    bureau: Bureau, line: Line, settings: Settings
) -> None:
    line.next("welcome")
    record = {"id": str(uuid4()), **RECORD}
    line.say("queued", record=record)
    line.next("kept")
    other = Bridge(bureau.registrar, bureau.agency, bureau.issuer).dial(bureau.base_url)
    other.say("queued", record=record)
    other.say("queued", record={"id": str(uuid4()), **RECORD})
    assert other.next("kept")["id"] != record["id"]
    other.close()
    noted = rows(settings, "SELECT outcome FROM audit_event WHERE detail->>'record' = $1 ORDER BY n", record["id"])
    assert [one["outcome"] for one in noted] == ["ok", "foreign"]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("made_at", "yesterday"),
        ("made_at", "2026-13-25T08:00:00Z"),
        ("made_at", "2026-11-25T08:00:00Z\n"),
        ("settled_at", "2026-11-25T24:00:00Z"),
        ("institution", "H 1"),
        ("institution", "H1\n"),
        ("institution", "H123456789012"),
    ],
)
def test_an_offline_settlement_whose_times_or_institution_are_none_is_not_kept(
    line: Line, settings: Settings, member: str, value: str
) -> None:
    line.next("welcome")
    record: dict[str, Any] = {"id": str(uuid4()), **RECORD}
    place = record if member in record else {**RECORD["settlement"]}
    place[member] = value
    line.say("queued", record=record if place is record else {**record, "settlement": place})
    assert line.ended() == BAD_FRAME
    assert rows(settings, "SELECT FROM offline_settlement WHERE id = $1", record["id"]) == []


def test_a_line_that_ends_by_what_nobody_foresaw_leaves_its_cause_in_the_log_and_nothing_of_its_frame(
    line: Line, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: object) -> bool:
        raise RuntimeError(RECORD["settlement"]["serial"])

    monkeypatch.setattr("cardio.server.records.keep", fails)
    line.next("welcome")
    line.say("queued", record={"id": str(uuid4()), **RECORD})
    assert line.ended() == UNFORESEEN
    assert "unhandled RuntimeError request_id=" in caplog.text
    assert "test_link.py" in caplog.text
    assert RECORD["settlement"]["serial"] not in caplog.text
