"""A client that asked to be told hears, signed, that a login ended; and hears it again until it has listened."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest

from ecard.client import Phone
from ecard.settings import Settings
from tests.auth.acts import Heard, hearing, parts, told
from tests.auth.party import Party, fapi
from tests.bureau import Bureau, rows

EVENT = "http://schemas.openid.net/event/backchannel-logout"
SOON = 5.0
DUE = "UPDATE outbox SET due_at = now() WHERE topic = 'logout' AND body ->> 'client' = $1 AND done_at IS NULL"


@pytest.fixture
def heard() -> Iterator[Heard]:
    with hearing() as server:
        yield server


@pytest.fixture
def party(bureau: Bureau, heard: Heard) -> Party:
    return fapi(bureau, backchannel_logout_uri=f"{heard.url}/ended")


def tokens_told(heard: Heard, count: int) -> list[str]:
    """Return the logout tokens that were told, once there are `count`."""
    deadline = time.monotonic() + SOON
    while len(heard.requests) < count:
        assert time.monotonic() < deadline, heard.requests
        time.sleep(0.02)
    forms = [parse_qs(body.decode(), strict_parsing=True) for _, body in heard.requests]
    assert all(path == "/ended" for path, _ in heard.requests)
    assert all(set(form) == {"logout_token"} for form in forms)
    return [form["logout_token"][0] for form in forms]


def verified(bureau: Bureau, party: Party, token: str) -> dict[str, Any]:
    """Return the claims of a logout token as a client checks it (OpenID Connect Back-Channel Logout §2.6)."""
    assert parts(token)[0]["typ"] == "logout+jwt"
    keys = {key["kid"]: jwt.PyJWK(key) for key in bureau.http.get("/oauth/jwks").json()["keys"]}
    options: Any = {"require": ["iss", "aud", "iat", "exp", "jti", "events", "sub", "sid"]}
    claims: dict[str, Any] = jwt.decode(
        token,
        keys[parts(token)[0]["kid"]],
        algorithms=["ES256"],
        issuer=bureau.issuer,
        audience=party.client.client_id,
        options=options,
        leeway=2,
    )
    assert claims["events"] == {EVENT: {}}
    assert "nonce" not in claims
    assert claims["exp"] - claims["iat"] <= 120
    return claims


def withdraw(phone: Phone, _: Party, __: dict[str, Any]) -> None:
    for grant in phone.call("GET", "/v1/me/grants").json():
        phone.call("DELETE", f"/v1/me/grants/{grant['id']}")


def lose(phone: Phone, _: Party, __: dict[str, Any]) -> None:
    phone.report_lost()


def revoke(_: Phone, party: Party, tokens: dict[str, Any]) -> None:
    assert party.post("/oauth/revoke", {"token": tokens["refresh_token"]}).status_code == 200


@pytest.mark.parametrize("end", [withdraw, lose, revoke])
def test_a_client_hears_within_seconds_which_login_ended(
    bureau: Bureau, heard: Heard, party: Party, end: Callable[[Phone, Party, dict[str, Any]], None]
) -> None:
    phone = bureau.phone()
    tokens = party.login(phone)
    end(phone, party, tokens)
    [token] = tokens_told(heard, 1)
    claims, login = verified(bureau, party, token), parts(tokens["id_token"])[1]
    assert (claims["sub"], claims["sid"]) == (login["sub"], login["sid"])
    assert not party.active(token)
    assert told(party.refresh(token)) == (400, "invalid_grant")


def test_a_client_that_failed_hears_it_again_by_the_same_name_and_then_no_more(
    bureau: Bureau, settings: Settings, heard: Heard, party: Party
) -> None:
    phone, client = bureau.phone(), party.client.client_id
    heard.statuses += [500, 302]
    party.login(phone)
    phone.report_lost()
    for times in (1, 2, 3):
        told_so_far = tokens_told(heard, times)
        time.sleep(0.1)
        rows(settings, DUE, client)
    names = {verified(bureau, party, token)["jti"] for token in told_so_far}
    assert len(names) == 1
    time.sleep(1.5)
    assert len(heard.requests) == 3
    left = "SELECT tries FROM outbox WHERE body ->> 'client' = $1 AND done_at IS NULL"
    assert rows(settings, left, client) == []


def test_what_failed_waits_longer_each_time(bureau: Bureau, settings: Settings, heard: Heard, party: Party) -> None:
    phone = bureau.phone()
    heard.statuses += [500] * 9
    party.login(phone)
    phone.report_lost()
    waits = (
        "SELECT extract(epoch FROM due_at - clock_timestamp())::float8 AS wait FROM outbox WHERE body ->> 'client' = $1"
    )
    seen = []
    for times in (1, 2, 3):
        tokens_told(heard, times)
        seen.append(rows(settings, waits, party.client.client_id)[0]["wait"])
        rows(settings, DUE, party.client.client_id)
    assert seen == sorted(seen)
    assert 10 < seen[0] < 16
    assert seen[2] > 50


def test_each_login_that_ends_is_told_and_a_client_that_did_not_ask_is_told_nothing(
    bureau: Bureau, settings: Settings, heard: Heard, party: Party
) -> None:
    phone, quiet = bureau.phone(), fapi(bureau)
    logins = {parts(party.login(phone)["id_token"])[1]["sid"] for _ in range(3)}
    quiet.login(phone)
    phone.report_lost()
    told_of = {verified(bureau, party, token)["sid"] for token in tokens_told(heard, 3)}
    assert told_of == logins
    sql = "SELECT count(*) FROM outbox WHERE body ->> 'client' = $1"
    assert rows(settings, sql, quiet.client.client_id)[0][0] == 0


def test_a_client_that_does_not_answer_keeps_no_other_waiting(bureau: Bureau, heard: Heard, party: Party) -> None:
    phone = bureau.phone()
    dead = fapi(bureau, backchannel_logout_uri="http://127.0.0.1:9/ended")
    dead.login(phone)
    party.login(phone)
    phone.report_lost()
    assert len(tokens_told(heard, 1)) == 1


@contextmanager
def trickling() -> Iterator[str]:
    """Yield the address of a server that answers one byte of a header each second, and never ends it."""
    server, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def trickle(talk: socket.socket) -> None:
        with talk, contextlib.suppress(OSError):
            talk.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not over.wait(1):
                talk.sendall(b"x")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=trickle, args=(server.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/ended"
    finally:
        over.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def test_a_client_that_trickles_its_answer_keeps_no_other_waiting(
    bureau: Bureau, settings: Settings, heard: Heard, party: Party
) -> None:
    phone, other = bureau.phone(), bureau.phone()
    with trickling() as address:
        slow = fapi(bureau, backchannel_logout_uri=address)
        for _ in range(3):
            slow.login(phone)
        party.login(other)
        phone.report_lost()
        taken = "SELECT count(*) FROM outbox WHERE body ->> 'client' = $1 AND tries > 0"
        deadline = time.monotonic() + SOON
        while rows(settings, taken, slow.client.client_id)[0][0] < 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        began = time.monotonic()
        other.report_lost()
        tokens_told(heard, 1)
        assert time.monotonic() - began < 3
    left = "SELECT count(*) FROM outbox WHERE body ->> 'client' = $1 AND done_at IS NULL"
    assert rows(settings, left, slow.client.client_id)[0][0] == 3


def test_a_login_that_had_expired_is_told_to_nobody_when_its_card_is_lost(
    bureau: Bureau, settings: Settings, heard: Heard, party: Party
) -> None:
    phone = bureau.phone()
    old, young = (parts(party.login(phone)["id_token"])[1]["sid"] for _ in range(2))
    rows(settings, "UPDATE consent_grant SET expires_at = now() - interval '1 day' WHERE id = $1::text::uuid", old)
    phone.report_lost()
    [token] = tokens_told(heard, 1)
    assert verified(bureau, party, token)["sid"] == young
    time.sleep(1.5)
    assert len(heard.requests) == 1
    [row] = rows(settings, "SELECT revoked_at FROM consent_grant WHERE id = $1::text::uuid", old)
    assert row["revoked_at"] is None
