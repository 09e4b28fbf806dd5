"""The audit log is tamper-evident: whatever is changed after sealing, `ecard audit verify` names it."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import httpx
import jwt
import msgspec
import pytest

from ecard.audit import service, store
from ecard.client.actors import new_signer
from ecard.db import begin
from ecard.encoding import b64url
from ecard.ids import new_id
from ecard.merkle import pack, unpack
from ecard.runtime import Runtime, open_runtime
from ecard.seals import head_of
from ecard.settings import Settings
from tests.bureau import ecard, new_database, rows
from tests.conftest import serving

T = TypeVar("T")
SEALS, ROWS = 4, 5


def using(settings: Settings, work: Callable[[Runtime], Awaitable[T]]) -> T:
    """Return what `work` returns, given the stores of `settings`."""

    async def run() -> T:
        runtime = await open_runtime(settings, pool_size=4)
        try:
            return await work(runtime)
        finally:
            await runtime.close()

    return asyncio.run(run())


async def seal(runtime: Runtime) -> int:
    return await service.seal(runtime.pool, runtime.ring, runtime.clock, runtime.settings.issuer)


async def write(runtime: Runtime, count: int) -> None:
    for n in range(count):
        detail: dict[str, object] = {"n": n, "词": "中文", "list": [1, None, True, {"b": 1, "a": 2}]}
        await store.insert(runtime.pool, kind="test", outcome="ok", actor=new_id(), card=n, item="A1-01", detail=detail)


@pytest.fixture(scope="module")
def sealed(settings: Settings) -> Settings:
    """A database whose log has four seals of five rows each and two rows that wait to be sealed."""
    made = new_database(settings)

    async def work(runtime: Runtime) -> None:
        for _ in range(SEALS):
            await write(runtime, ROWS)
            assert await seal(runtime) == ROWS
        await write(runtime, 2)

    using(made, work)
    return made


@pytest.fixture
def log(settings: Settings, sealed: Settings) -> Iterator[Settings]:
    """A copy of the sealed log, to be damaged."""
    name = f"copy_{new_id().hex}"
    place, _, template = str(sealed.database_url).rpartition("/")
    rows(settings, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield msgspec.structs.replace(sealed, database_url=f"{place}/{name}")
    rows(settings, f"DROP DATABASE {name}")


def proven(log: Settings) -> tuple[int, str]:
    """Return exit code and words of `ecard audit verify`."""
    result = ecard(log, "audit", "verify")
    return result.exit_code, result.output


def sealed_row(log: Settings, seal_no: int) -> tuple[int, int]:
    """Return transaction and number of the third row of a seal."""
    [one] = rows(log, "SELECT leaves FROM audit_seal WHERE seq = $1", seal_no)
    place = unpack(one["leaves"])[2]
    return place.xid, place.n


def test_an_untouched_log_is_intact(log: Settings) -> None:
    code, said = proven(log)
    assert code == 0
    assert f"{SEALS} seals, {SEALS * ROWS} rows, 2 not sealed yet" in said
    [last] = rows(log, "SELECT token FROM audit_seal ORDER BY seq DESC LIMIT 1")
    assert f"head {head_of(last['token'])}" in said


CHANGES = {
    "its kind": "kind = 'other'",
    "its outcome": "outcome = 'refused'",
    "its actor": "actor = gen_random_uuid()",
    "that it had an actor": "actor = NULL",
    "its card": "card = card + 1",
    "its item": "item = 'A1-02'",
    "its time by a microsecond": "at = at + interval '1 microsecond'",
    "a word of its detail": "detail = jsonb_set(detail, '{词}', '\"英文\"')",
    "a number's type in its detail": "detail = jsonb_set(detail, '{n}', '\"2\"')",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_row_that_was_altered_is_named(log: Settings, what: str) -> None:
    xid, n = sealed_row(log, 2)
    rows(log, f"UPDATE audit_event SET {CHANGES[what]} WHERE n = $1", n)
    code, said = proven(log)
    assert (code, f"Broken at seal 2: altered xid={xid} n={n}." in said) == (2, True)


def test_a_row_that_was_removed_is_named(log: Settings) -> None:
    xid, n = sealed_row(log, 3)
    rows(log, "DELETE FROM audit_event WHERE n = $1", n)
    code, said = proven(log)
    assert (code, f"Broken at seal 3: removed xid={xid} n={n}." in said) == (2, True)


def test_a_row_that_was_slipped_in_is_named(log: Settings) -> None:
    xid, _ = sealed_row(log, 1)
    sql = "INSERT INTO audit_event (xid, kind, outcome) VALUES ($1::text::xid8, 'visit', 'ok') RETURNING n"
    [added] = rows(log, sql, str(xid))
    code, said = proven(log)
    assert (code, f"Broken at seal 1: added xid={xid} n={added['n']}." in said) == (2, True)


def test_a_row_that_was_moved_in_time_is_named_where_it_is_missed(log: Settings) -> None:
    xid, n = sealed_row(log, 2)
    later, _ = sealed_row(log, 4)
    rows(log, "UPDATE audit_event SET xid = $1::text::xid8 WHERE n = $2", str(later), n)
    code, said = proven(log)
    assert (code, f"Broken at seal 2: removed xid={xid} n={n}." in said) == (2, True)


def test_of_two_changes_the_first_is_named(log: Settings) -> None:
    for seal_no in (4, 3):
        rows(log, "UPDATE audit_event SET kind = 'other' WHERE n = $1", sealed_row(log, seal_no)[1])
    assert "Broken at seal 3: altered" in proven(log)[1]


def own_seal(log: Settings, seal_no: int, **changed: object) -> str:
    """Return a seal's token with changed claims, signed by somebody else."""
    [one] = rows(log, "SELECT token FROM audit_seal WHERE seq = $1", seal_no)
    header = one["token"].partition(".")[0]
    claims: dict[str, Any] = jwt.decode(one["token"], options={"verify_signature": False})
    signed = f"{header}.{b64url(msgspec.json.encode({**claims, **changed}))}"
    return f"{signed}.{b64url(new_signer().sign(signed.encode()))}"


def without_third_row(log: Settings) -> None:
    """Remove a row and its leaf, as somebody does who knows how leaves are kept."""
    [one] = rows(log, "SELECT leaves FROM audit_seal WHERE seq = 2")
    leaves = unpack(one["leaves"])
    rows(log, "DELETE FROM audit_event WHERE n = $1", leaves[2].n)
    rows(log, "UPDATE audit_seal SET leaves = $1 WHERE seq = 2", pack(leaves[:2] + leaves[3:]))


SEAL_DAMAGE: dict[str, tuple[Callable[[Settings], object], str]] = {
    "another signature": (
        lambda log: rows(log, "UPDATE audit_seal SET token = $1 WHERE seq = 2", own_seal(log, 2)),
        "seal 2: seal_signature",
    ),
    "the token of another seal": (
        lambda log: rows(
            log, "UPDATE audit_seal SET token = (SELECT token FROM audit_seal WHERE seq = 3) WHERE seq = 2"
        ),
        "seal 2: seal_chain",
    ),
    "no token": (lambda log: rows(log, "UPDATE audit_seal SET token = '' WHERE seq = 1"), "seal 1: seal_signature"),
    "a row and its leaf": (without_third_row, "seal 2: seal_leaves"),
    "half a leaf": (
        lambda log: rows(log, "UPDATE audit_seal SET leaves = substr(leaves, 2) WHERE seq = 2"),
        "seal 2: seal_signature",
    ),
    "no leaves": (lambda log: rows(log, "UPDATE audit_seal SET leaves = '' WHERE seq = 2"), "seal 2: seal_leaves"),
    "its range": (
        lambda log: rows(log, "UPDATE audit_seal SET to_xid = to_xid + 1 WHERE seq = 2"),
        "seal 2: seal_range",
    ),
    "its number": (lambda log: rows(log, "UPDATE audit_seal SET seq = 9 WHERE seq = 3"), "seal 4: seal_chain"),
    "the first of them": (lambda log: rows(log, "DELETE FROM audit_seal WHERE seq = 1"), "seal 2: seal_chain"),
    "one in the middle": (lambda log: rows(log, "DELETE FROM audit_seal WHERE seq = 2"), "seal 3: seal_chain"),
    "one in the middle, the rest renumbered": (
        lambda log: (
            rows(log, "DELETE FROM audit_seal WHERE seq = 2") + rows(log, "UPDATE audit_seal SET seq = 2 WHERE seq = 3")
        ),
        "seal 2: seal_chain",
    ),
}


@pytest.mark.parametrize("what", SEAL_DAMAGE)
def test_a_seal_that_was_changed_or_taken_away_is_named(log: Settings, what: str) -> None:
    damage, named = SEAL_DAMAGE[what]
    damage(log)
    code, said = proven(log)
    assert (code, f"Broken at {named}." in said) == (2, True), said


def test_an_end_that_was_cut_off_shows_against_a_head_that_was_published(log: Settings) -> None:
    [last] = rows(log, "SELECT from_xid, token FROM audit_seal WHERE seq = $1", SEALS)
    published = f"head {head_of(last['token'])}"
    assert published in proven(log)[1]
    rows(log, "DELETE FROM audit_event WHERE xid >= $1::text::xid8", str(last["from_xid"]))
    rows(log, "DELETE FROM audit_seal WHERE seq = $1", SEALS)
    code, said = proven(log)
    assert (code, published in said) == (0, False)


def test_the_seals_of_another_installation_prove_nothing(log: Settings, settings: Settings) -> None:
    other = msgspec.structs.replace(log, issuer="https://other.example")
    code, said = proven(other)
    assert (code, "seal 1: seal_signature" in said) == (2, True)
    assert settings.issuer == log.issuer


def test_a_transaction_that_is_open_while_sealing_is_sealed_later_and_not_lost(settings: Settings) -> None:
    own = new_database(settings)

    async def work(runtime: Runtime) -> list[int]:
        counts = []
        await write(runtime, 1)
        async with begin(runtime.pool) as slow:
            await store.insert(slow, kind="slow", outcome="ok")
            await write(runtime, 3)  # later transactions that end before it
            counts.append(await seal(runtime))
        counts.append(await seal(runtime))
        counts.append(await seal(runtime))
        return counts

    first, second, third = using(own, work)
    # Nothing from the open transaction on was sealed, whatever had ended by then.
    assert (first, second, third) == (1, 4, 0)
    assert "2 seals, 5 rows, 0 not sealed yet" in proven(own)[1]


def test_writers_and_sealers_at_once_leave_every_row_sealed_once(settings: Settings) -> None:
    own = new_database(settings)

    async def work(runtime: Runtime) -> int:
        async def sealing() -> int:
            return sum([await seal(runtime) for _ in range(5)])

        found = await asyncio.gather(*(write(runtime, 20) for _ in range(5)), *(sealing() for _ in range(3)))
        return sum(count for count in found if count) + await seal(runtime)

    assert using(own, work) == 100
    code, said = proven(own)
    assert (code, bool(re.search(r"\d+ seals, 100 rows, 0 not sealed", said))) == (0, True)


def test_a_long_backlog_is_sealed_a_part_at_a_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    own = new_database(settings)
    monkeypatch.setattr(service, "ROWS", 10)

    async def work(runtime: Runtime) -> list[int]:
        await write(runtime, 25)
        return [await seal(runtime) for _ in range(4)]

    counts = using(own, work)
    assert sum(counts) == 25
    assert max(counts) <= 11
    assert "3 seals, 25 rows, 0 not sealed yet" in proven(own)[1]


def test_a_server_seals_its_log_and_its_bundles_repeat_the_head(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = new_database(settings)
    monkeypatch.setattr(service, "PERIOD", 0.1)
    rows(own, "INSERT INTO audit_event (kind, outcome) VALUES ('test', 'ok')")
    with serving(own) as url:
        deadline = time.monotonic() + 5
        while not (seals := rows(own, "SELECT token FROM audit_seal ORDER BY seq")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        bundle = httpx.get(f"{url}/v1/bundle").json()["bundle"]
    audit = jwt.decode(bundle, options={"verify_signature": False})["audit"]
    assert audit == {"seq": 1, "head": head_of(seals[0]["token"])}
    assert f"head {audit['head']}" in proven(own)[1]


def test_an_empty_log_is_intact(settings: Settings) -> None:
    code, said = proven(new_database(settings))
    assert (code, "0 seals, 0 rows, 0 not sealed yet" in said) == (0, True)
