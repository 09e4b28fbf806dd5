"""What is over is forgotten, and nothing that is still needed to refuse somebody."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from auth import sweep
from auth.secrets import hashed
from ecard import db
from ecard.settings import Settings
from tests.auth.acts import parts, told
from tests.auth.party import Party, fapi
from tests.bureau import Bureau, rows

AGED = """
    UPDATE consent_grant SET expires_at = now() - interval '366 days', id = first_id(now() - interval '396 days')
    WHERE id = $1::text::uuid
"""


def swept(settings: Settings, steps: Sequence[sweep.Step] = sweep.STEPS) -> None:
    """Sweep once, as a server does every five minutes."""

    async def run() -> None:
        pool = await db.connect(str(settings.database_url), size=1)
        try:
            await sweep.each(pool, steps)
        finally:
            await pool.close()

    asyncio.run(run())


def grant_of(tokens: dict[str, Any]) -> str:
    return str(parts(tokens["id_token"])[1]["sid"])


def refresh_tokens(settings: Settings, grant: str) -> int:
    """Return how many refresh tokens of a grant are kept."""
    sql = "SELECT count(*) FROM refresh_token WHERE consent_grant = $1::text::uuid"
    return int(rows(settings, sql, grant)[0][0])


@pytest.fixture
def party(bureau: Bureau) -> Party:
    return fapi(bureau)


def test_a_refresh_token_used_long_ago_still_ends_its_login_when_it_comes_again(
    bureau: Bureau, settings: Settings, party: Party
) -> None:
    tokens = party.login(bureau.phone())
    fresh = party.refresh(tokens["refresh_token"]).json()
    used = "UPDATE refresh_token SET used_at = now() - interval '20 days' WHERE handle = $1 RETURNING answer"
    rows(settings, used, hashed(tokens["refresh_token"]))
    swept(settings)
    [row] = rows(settings, "SELECT * FROM refresh_token WHERE handle = $1", hashed(tokens["refresh_token"]))
    assert (row["answer"], row["jkt"], row["used_jkt"]) == (None, None, None)
    assert told(party.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert told(party.refresh(fresh["refresh_token"])) == (400, "invalid_grant")
    assert party.ended(fresh["access_token"])


def test_refresh_tokens_are_forgotten_soon_after_their_login_ended(
    bureau: Bureau, settings: Settings, party: Party
) -> None:
    tokens, other = (party.login(bureau.phone()) for _ in range(2))
    party.refresh(tokens["refresh_token"])
    assert party.post("/oauth/revoke", {"token": tokens["refresh_token"]}).status_code == 200
    ended = "UPDATE consent_grant SET revoked_at = now() - interval '2 hours' WHERE id = $1::text::uuid"
    rows(settings, ended, grant_of(tokens))
    swept(settings)
    assert (refresh_tokens(settings, grant_of(tokens)), refresh_tokens(settings, grant_of(other))) == (0, 1)
    assert told(party.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_a_login_is_forgotten_a_year_after_its_end_with_its_tokens(
    bureau: Bureau, settings: Settings, party: Party
) -> None:
    tokens, other = (party.login(bureau.phone()) for _ in range(2))
    rows(settings, "ALTER TABLE refresh_token DISABLE TRIGGER ALL")
    rows(settings, "ALTER TABLE consent_grant DISABLE TRIGGER ALL")
    try:
        rows(settings, AGED, grant_of(tokens))
        moved = "UPDATE refresh_token SET consent_grant = first_id(now() - interval '396 days') WHERE handle = $1"
        rows(settings, moved, hashed(tokens["refresh_token"]))
    finally:
        rows(settings, "ALTER TABLE refresh_token ENABLE TRIGGER ALL")
        rows(settings, "ALTER TABLE consent_grant ENABLE TRIGGER ALL")
    swept(settings)
    old = "SELECT id FROM consent_grant WHERE client = $1::text::uuid"
    assert [str(row["id"]) for row in rows(settings, old, party.client.client_id)] == [grant_of(other)]
    assert told(party.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert party.refresh(other["refresh_token"]).status_code == 200


def test_a_logout_that_was_given_up_is_forgotten_after_a_month(settings: Settings) -> None:
    add = """
        INSERT INTO outbox (id, topic, body, due_at, given_up_at)
        SELECT gen_random_uuid(), 'swept', '{}', ago, CASE WHEN $2 THEN ago END
        FROM (SELECT now() - make_interval(days => $1) AS ago)
    """
    for days, given_up in ((31, True), (29, True), (31, False)):
        rows(settings, add, days, given_up)
    swept(settings)
    left = """
        SELECT given_up_at IS NOT NULL AS given_up, due_at < now() - interval '30 days' AS old FROM outbox
        WHERE topic = 'swept' ORDER BY given_up
    """
    assert [tuple(row) for row in rows(settings, left)] == [(False, True), (True, False)]
    rows(settings, "DELETE FROM outbox WHERE topic = 'swept'")


def test_one_sweep_that_fails_keeps_no_other_from_its_work(settings: Settings) -> None:
    done = []

    async def fails(_: Any) -> None:
        raise OSError

    async def works(_: Any) -> None:
        done.append(True)

    swept(settings, (fails, works))
    assert done == [True]


@pytest.mark.parametrize(
    ("table", "index", "where"),
    [
        ("refresh_token", "refresh_token_answer", "answer IS NOT NULL AND used_at < now() - interval '1 minute'"),
        ("consent_grant", "consent_grant_pkey", "id < first_id(now() - interval '395 days')"),
        ("outbox", "outbox_done", "done_at < now() - interval '7 days'"),
        ("outbox", "outbox_given_up", "given_up_at < now() - interval '30 days'"),
    ],
)
def test_a_sweep_reads_an_index_and_not_the_whole_table(settings: Settings, table: str, index: str, where: str) -> None:
    assert index in _plan(settings, f"EXPLAIN SELECT FROM {table} WHERE {where} LIMIT 5000")


def _plan(settings: Settings, sql: str) -> str:
    async def run() -> str:
        pool = await db.connect(str(settings.database_url), size=1)
        try:
            async with db.begin(pool) as tx:
                await tx.execute("SET LOCAL enable_seqscan = off")
                return "\n".join(row[0] for row in await tx.fetch(sql))
        finally:
            await pool.close()

    return asyncio.run(run())
