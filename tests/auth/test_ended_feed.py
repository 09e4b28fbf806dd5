"""What ended is known everywhere in time: the feed trusts only its own last reading, and a new process asks first."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg
import httpx
import pytest

from auth.ended import Ended
from ecard.denied import STALE
from ecard.ids import new_id
from ecard.runtime import Runtime, open_runtime
from ecard.settings import Settings
from tests.auth.acts import told
from tests.auth.party import Party, fapi
from tests.bureau import Bureau, rows
from tests.conftest import serving

LONG_AGO = """
    UPDATE consent_grant SET revoked_at = revoked_at - interval '2 minutes'
    WHERE client = $1::text::uuid AND revoked_at IS NOT NULL
"""
REVOKED = "INSERT INTO revoked_token (jti) VALUES ($1)"


def within(settings: Settings, act: Callable[[Runtime], Coroutine[Any, Any, None]]) -> None:
    """Do `act` with a runtime of its own."""

    async def run() -> None:
        runtime = await open_runtime(settings, pool_size=2)
        try:
            await act(runtime)
        finally:
            await runtime.close()

    asyncio.run(run())


def at(party: Party, http: httpx.Client) -> Party:
    """Return the same client, with its calls going to another server."""
    moved = Party(party.bureau, party.client)
    moved.dpop, moved.http = party.dpop, http
    return moved


def test_a_token_revoked_while_the_feeds_reading_fails_is_refused(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = fapi(bureau)
    tokens = [party.login(bureau.phone()) for _ in range(2)]
    assert all(party.active(one["access_token"]) for one in tokens)

    async def fails(*_: object) -> None:
        raise TimeoutError

    # The reading of dead cards goes on: that one is fresh says nothing of the other.
    monkeypatch.setattr(Ended, "refresh", fails)
    time.sleep(STALE + 0.5)
    assert party.post("/oauth/revoke", {"token": tokens[0]["access_token"]}).status_code == 200
    assert told(party.userinfo(tokens[0]["access_token"])) == (401, "invalid_token")
    assert not party.active(tokens[0]["access_token"])
    assert party.userinfo(tokens[1]["access_token"]).status_code == 200


def test_a_feed_is_as_fresh_as_its_own_reading_whatever_is_read_beside_it(settings: Settings) -> None:
    async def act(runtime: Runtime) -> None:
        ended, early, late = Ended(runtime.clock), new_id(), new_id()
        assert not ended.fresh()
        await runtime.pool.execute(REVOKED, early)
        assert runtime.denied.fresh()
        assert await ended.contain(runtime.pool, early)
        await ended.refresh(runtime.pool)
        assert ended.fresh()
        ended.as_of -= STALE + 0.1
        await runtime.pool.execute(REVOKED, late)
        await runtime.denied.refresh(runtime.pool)
        assert await ended.contain(runtime.pool, late)
        assert not await ended.contain(runtime.pool, new_id())

    within(settings, act)


def test_a_feed_that_was_silent_for_minutes_reads_all_that_a_living_token_needs(settings: Settings) -> None:
    async def act(runtime: Runtime) -> None:
        ended, jti = Ended(runtime.clock), new_id()
        await ended.refresh(runtime.pool)
        await runtime.pool.execute(REVOKED, jti)
        await runtime.pool.execute("UPDATE revoked_token SET revoked_at = now() - interval '5 minutes'")
        ended.as_of -= 240
        await ended.refresh(runtime.pool)
        assert ended.fresh()
        assert await ended.contain(runtime.pool, jti)

    within(settings, act)


def test_a_new_process_knows_at_its_first_answer_what_ended_before_it_started(
    bureau: Bureau, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = fapi(bureau)
    tokens = [party.login(bureau.phone()) for _ in range(3)]
    assert party.post("/oauth/revoke", {"token": tokens[0]["access_token"]}).status_code == 200
    assert party.post("/oauth/revoke", {"token": tokens[1]["refresh_token"]}).status_code == 200
    # Ended minutes ago, longer than the overlap of two readings; the tokens would live.
    rows(settings, "UPDATE revoked_token SET revoked_at = now() - interval '2 minutes'")
    rows(settings, LONG_AGO, party.client.client_id)
    read = Ended.refresh

    async def at_start_alone(self: Ended, db: Any) -> None:
        if not isinstance(db, asyncpg.Pool):
            raise TimeoutError
        await read(self, db)

    monkeypatch.setattr(Ended, "refresh", at_start_alone)
    monkeypatch.setattr("auth.ended._NOW", "SELECT $1::uuid[] IS NULL")
    with serving(settings) as url, httpx.Client(base_url=url, timeout=30) as http:
        new = at(party, http)
        found = [new.active(one["access_token"]) for one in tokens]
        assert found == [False, False, True]
        assert told(new.userinfo(tokens[0]["access_token"])) == (401, "invalid_token")
