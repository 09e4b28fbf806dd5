"""A batch is paid while workers are killed and the bank returns some and loses answers: each line once, or returned."""

import asyncio
import csv
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from ecard import settings as settings_module
from ecard.cards.model import Profile
from ecard.cards.profiles import card_no_index, id_index, seal_profile
from ecard.embedded import attached
from ecard.ids import new_id
from ecard.vault import Vault
from pay.banks.sandbox import Simulator
from tests.benefits import Office
from tests.bureau import Bureau, new_person, rows
from tests.races.server import Server, open_bureau

FULL = os.environ.get("ECARD_FULL_RACES") == "1"
LINES, KILLS = (100_000, 10) if FULL else (800, 4)
SECONDS = 2100 if FULL else 240
FAULTS = (("decline", 0.03), ("lose_reply", 0.005), ("lose_request", 0.005))
_OPEN = "SELECT state, count(*) FROM benefit_line WHERE batch = $1 GROUP BY state"
_PAID = """
    SELECT a.bank_ref, l.amount, l.state FROM benefit_line l JOIN bank_attempt a ON a.subject = l.id WHERE l.batch = $1
"""


async def people(database_url: str, vault: Vault, count: int) -> list[dict[str, str]]:
    """Insert people with a card each, straight into the tables; return what is known of them."""
    facts = [new_person().facts for _ in range(count)]
    profiles = [Profile(**one, sex="1", birth_date="1985-01-01") for one in facts]
    holders = [(new_id(), id_index(vault, one.id_no), seal_profile(vault, one)) for one in profiles]
    connection = await asyncpg.connect(database_url)
    try:
        columns = ["id", "id_index", "profile"]
        await connection.copy_records_to_table("holder", records=holders, columns=columns)
        cards = [(h[0], card_no_index(vault, p.card_no)) for h, p in zip(holders, profiles, strict=True)]
        await connection.copy_records_to_table("card", records=cards, columns=["holder", "card_no_index"])
        await connection.execute("ANALYZE holder; ANALYZE card")
    finally:
        await connection.close()
    return facts


def seeded(server: Server, file: Path) -> Any:
    """Write a file of lines for new people; return the settings that the server runs with."""
    known = settings_module.load({"ECARD_DATA_DIR": str(server.data), "ECARD_SANDBOX": "1"})
    stores = attached(server.data)
    assert stores is not None
    known = msgspec.structs.replace(known, database_url=stores.database_url, redis_url=stores.redis_url)
    facts = asyncio.run(people(stores.database_url, Vault(known.master_key), LINES))
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["id_no", "name", "component", "amount"])
        writer.writerows([one["id_no"], one["name"], "living", 100 + n % 900] for n, one in enumerate(facts))
    return known


@pytest.fixture
def bureau(server: Server) -> Iterator[Bureau]:
    made = open_bureau(server)
    yield made
    made.http.close()


def test_each_line_is_paid_once_or_returned_whoever_is_killed(server: Server, bureau: Bureau, tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    settings = seeded(server, file)
    office = Office(bureau, budget=LINES * 1000)
    named = ["--programme", office.programme["id"], "--agency", str(office.agency), "--period", "2026-01"]
    server.command("benefits", "upload", str(file), *named, "--number", "K1", "--submit")
    [batch] = [office.batch({"id": row[0]}) for row in rows(settings, "SELECT id FROM benefit_batch")]
    assert (batch["lines"], batch["refused"]) == (LINES, 0)
    office.approve(batch, 1)
    office.approve(batch, 2)
    simulator = msgspec.json.decode((server.data / "bank.json").read_bytes(), type=Simulator)
    with httpx.Client(base_url=simulator.control, timeout=60) as bank:
        for kind, chance in FAULTS:
            fault = {"kind": kind, "on": ["payout"], "times": None, "chance": chance}
            bank.post("/faults", json=fault).raise_for_status()
        began = time.monotonic()
        office.release(batch)
        resumed = kill_along(server, settings, batch["id"])
        took = time.monotonic() - began
        bank.delete("/faults")
        book = {tx["ref"]: tx for tx in bank.get("/book").json()["transactions"]}
    lines = rows(settings, _PAID, batch["id"])
    assert len(lines) == LINES
    for ref, amount, state in lines:
        told = book[ref]["state"]
        assert (told, book[ref]["amount"]) == ({"paid": "ok", "returned": "failed"}[state], amount), ref
    states = Counter(state for _, _, state in lines)
    asked = sum(book[ref]["times"] > 1 for ref, _, _ in lines)
    told = (
        f"{LINES} lines in {took:.0f} s, {KILLS} kills, on again after {resumed:.1f} s, {asked} asked again: {states}"
    )
    sys.stderr.write(f"{told}\n")
    assert states["returned"] > 0
    assert resumed <= 5 or not FULL, resumed
    server.command("ledger", "check")
    found = office.batch(batch)
    assert (found["state"], found["manifest"], found["counts"]) == ("done", batch["manifest"], dict(states))
    assert office.fund() == LINES * 1000 - found["total"]


def kill_along(server: Server, settings: Any, batch: str) -> float:
    """Kill a worker at random, KILLS times over the batch, and wait for its end; return the longest standstill."""
    marks = [LINES * (n + 1) * 8 // (KILLS + 1) // 10 for n in range(KILLS)]
    deadline, longest = time.monotonic() + SECONDS, 0.0
    killed_at, done_then = 0.0, 0
    while time.monotonic() < deadline:
        counts = {state: count for state, count in rows(settings, _OPEN, batch)}  # noqa: C416 - records are no pairs
        done = counts.get("paid", 0) + counts.get("returned", 0)
        if killed_at and done > done_then:
            longest, killed_at = max(longest, time.monotonic() - killed_at), 0.0
        if done == LINES:
            return longest
        if marks and done >= marks[0] and not killed_at:
            marks.pop(0)
            victims = server.workers()
            if victims:
                random.choice(victims).kill()
            killed_at, done_then = time.monotonic(), done
        time.sleep(0.05 if not FULL else 0.5)
    raise AssertionError(counts)
