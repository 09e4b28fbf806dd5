"""Clients and their keys as a process knows them: fresh, and without calling others more than is needed."""

import asyncio
import contextlib
import datetime
import http.server
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from auth.clients import directory as module
from auth.clients.directory import COOL_DOWN, KEYS_FRESH, OLDEST, Directory
from auth.clients.model import AuthMethod, Client, Profile
from ecard import db
from ecard.client.actors import new_signer
from ecard.ids import new_id
from ecard.keys import Signer, thumbprint
from ecard.settings import Settings
from tests.auth.acts import introspect
from tests.auth.party import Party
from tests.bureau import Bureau, RegisteredClient, key_set

EPOCH = datetime.datetime.fromtimestamp(0, datetime.UTC)


class KeyServer:
    """A client's web server that hands its keys out, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.status = 200
        self.content = b""
        self.delay = 0.0
        self.headers: dict[str, str] = {}
        handed_out = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                handed_out.asked += 1
                time.sleep(handed_out.delay)
                self.send_response(handed_out.status)
                for name, value in handed_out.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(handed_out.content)))
                self.end_headers()
                with contextlib.suppress(OSError):  # who asked has given up
                    self.wfile.write(handed_out.content)

            def log_message(self, *_: Any) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self.server.server_address[1]}/jwks"

    def show(self, *signers: Signer) -> None:
        self.content = json.dumps(key_set(*signers)).encode()


@pytest.fixture
def keys() -> Iterator[KeyServer]:
    """A server on 127.0.0.1 for one test."""
    made = KeyServer()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(5)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The directory's clock, in the test's hands."""
    hands = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: hands.now))
    return hands


def client_at(uri: str) -> Client:
    return Client(
        id=new_id(),
        name="测试",
        agency=new_id(),
        agency_name="测试局",
        profile=Profile.FAPI2,
        auth_method=AuthMethod.PRIVATE_KEY_JWT,
        secret_sha256=None,
        keys={},
        jwks_uri=uri,
        rotated_at=EPOCH,
        redirect_uris=(),
        post_logout_redirect_uris=(),
        backchannel_logout_uri=None,
        sector="s",
        items=frozenset(),
        grant_types=frozenset(),
        sandbox=True,
    )


def kid_of(signer: Signer) -> str:
    return thumbprint(signer.suite, signer.public)


def with_directory(work: Callable[[Directory], Awaitable[None]], pool: Any = None) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(timeout=5) as asking:
            await work(Directory(pool, asking))

    asyncio.run(run())


def test_keys_by_address_are_fetched_once_for_as_long_as_they_are_fresh(
    keys: KeyServer, clock: SimpleNamespace
) -> None:
    signer = new_signer()
    keys.show(signer)
    client = client_at(keys.uri)

    async def work(directory: Directory) -> None:
        for _ in range(5):
            found = await directory.keys(client, kid_of(signer))
            assert found[kid_of(signer)] == (signer.suite, signer.public)
            clock.now += KEYS_FRESH / 6
        assert keys.asked == 1
        clock.now += KEYS_FRESH
        await directory.keys(client, kid_of(signer))
        assert keys.asked == 2

    with_directory(work)


def test_a_new_key_is_found_by_asking_again_and_made_up_names_cool_down(
    keys: KeyServer, clock: SimpleNamespace
) -> None:
    old, new = new_signer(), new_signer()
    keys.show(old)
    client = client_at(keys.uri)

    async def work(directory: Directory) -> None:
        await directory.keys(client, kid_of(old))
        keys.show(old, new)
        assert kid_of(new) not in await directory.keys(client, kid_of(new))  # asked a moment ago
        assert keys.asked == 1
        clock.now += COOL_DOWN
        assert kid_of(new) in await directory.keys(client, kid_of(new))
        assert keys.asked == 2
        for n in range(20):
            await directory.keys(client, f"made-up-{n}")
        assert keys.asked == 2
        clock.now += COOL_DOWN
        await directory.keys(client, "made-up")
        assert keys.asked == 3

    with_directory(work)


def test_of_many_that_miss_a_key_at_once_one_asks(keys: KeyServer) -> None:
    signer = new_signer()
    keys.show(signer)
    keys.delay = 0.2
    client = client_at(keys.uri)

    async def work(directory: Directory) -> None:
        found = await asyncio.gather(*(directory.keys(client, kid) for kid in [kid_of(signer), *"abcdefgh"]))
        assert all(kid_of(signer) in one for one in found)
        assert keys.asked == 1

    with_directory(work)


def _moved(keys: KeyServer) -> None:
    keys.status, keys.headers = 302, {"Location": f"{keys.uri}/elsewhere"}


def _too_large(keys: KeyServer) -> None:
    keys.content += b" " * 70_000


FAULTS: dict[str, Callable[[KeyServer], object]] = {
    "an error": lambda keys: setattr(keys, "status", 500),
    "elsewhere": _moved,
    "no JSON": lambda keys: setattr(keys, "content", b"<html>"),
    "no set": lambda keys: setattr(keys, "content", b'{"keys": 1}'),
    "no list": lambda keys: setattr(keys, "content", b"[]"),
    "a broken key": lambda keys: setattr(keys, "content", b'{"keys":[{"kty":"EC","crv":"P-256","x":"A","y":1}]}'),
    "nested without end": lambda keys: setattr(keys, "content", b"[" * 60_000),
    "too large": _too_large,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_set_that_cannot_be_had_leaves_the_old_one(keys: KeyServer, clock: SimpleNamespace, fault: str) -> None:
    signer = new_signer()
    keys.show(signer)
    client = client_at(keys.uri)

    async def work(directory: Directory) -> None:
        before = await directory.keys(client, kid_of(signer))
        FAULTS[fault](keys)
        clock.now += KEYS_FRESH
        assert await directory.keys(client, kid_of(signer)) == before
        assert keys.asked == 2
        await directory.keys(client, "other")  # and the failed try cools down too
        assert keys.asked == 2

    with_directory(work)


def test_keys_whose_address_fails_are_believed_for_an_hour_and_no_longer(
    keys: KeyServer, clock: SimpleNamespace
) -> None:
    signer = new_signer()
    keys.show(signer)
    client = client_at(keys.uri)

    async def work(directory: Directory) -> None:
        await directory.keys(client, kid_of(signer))
        keys.status = 500
        for _ in range(int(OLDEST / KEYS_FRESH) - 1):
            clock.now += KEYS_FRESH
            assert kid_of(signer) in await directory.keys(client, kid_of(signer))
        clock.now += KEYS_FRESH
        assert await directory.keys(client, kid_of(signer)) == {}
        keys.status = 200
        clock.now += COOL_DOWN
        assert kid_of(signer) in await directory.keys(client, kid_of(signer))

    with_directory(work)


def test_a_client_rotated_at_the_same_address_is_refused_with_the_key_that_is_there_no_more(
    bureau: Bureau, keys: KeyServer
) -> None:
    old, new = new_signer(), new_signer()
    keys.show(old)
    client = bureau.client(jwks_uri=keys.uri)

    def answer(signer: Signer) -> int:
        party = Party(bureau, RegisteredClient(client.client_id, None, signer), dpop=False)
        return introspect(party, party.assertion()).status_code

    assert answer(old) == 200
    keys.show(new)
    assert answer(old) == 200  # what was fetched is believed for some minutes
    bureau.registrar.call("POST", f"/v1/clients/{client.client_id}/credentials", {"jwks_uri": keys.uri})
    time.sleep(2)
    assert (answer(old), answer(new)) == (401, 200)


def test_a_server_that_was_never_there_gives_no_keys_and_is_not_asked_at_once_again(clock: SimpleNamespace) -> None:
    nowhere = KeyServer()
    nowhere.server.server_close()
    client = client_at(nowhere.uri)

    async def work(directory: Directory) -> None:
        assert await directory.keys(client, "a") == {}
        [held] = directory._keys.values()
        assert await directory.keys(client, "b") == {}
        assert list(directory._keys.values()) == [held]
        clock.now += COOL_DOWN
        assert await directory.keys(client, "b") == {}
        assert list(directory._keys.values()) != [held]

    with_directory(work)


def test_a_server_that_trickles_is_given_up(keys: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.1)
    keys.show(new_signer())
    keys.delay = 0.5

    async def work(directory: Directory) -> None:
        began = time.monotonic()
        assert await directory.keys(client_at(keys.uri), "") == {}
        assert time.monotonic() - began < 0.4

    with_directory(work)


def test_a_disabled_client_is_nobody_within_two_seconds_and_new_keys_count(bureau: Bureau, settings: Settings) -> None:
    disabled, renewed, new = bureau.client(), bureau.client(), new_signer()

    async def run() -> None:
        pool = await db.connect(str(settings.database_url), size=1)
        try:
            async with httpx.AsyncClient() as asking:
                directory = Directory(pool, asking)
                found = await directory.find(renewed.client_id)
                assert await directory.find(disabled.client_id) is not None
                assert found is not None
                assert kid_of(new) not in await directory.keys(found, kid_of(new))
                bureau.registrar.call("DELETE", f"/v1/clients/{disabled.client_id}")
                path = f"/v1/clients/{renewed.client_id}/credentials"
                bureau.registrar.call("POST", path, {"jwks": key_set(new)})
                await asyncio.sleep(1.2)
                assert await directory.find(disabled.client_id) is None
                found = await directory.find(renewed.client_id)
                assert found is not None
                assert kid_of(new) in await directory.keys(found, kid_of(new))
                for stranger in ("", "x", str(new_id()), "' OR 1=1 --"):
                    assert await directory.find(stranger) is None
        finally:
            await pool.close()

    asyncio.run(run())
