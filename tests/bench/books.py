"""`python -m tests.bench.books`: the ledger and the charge command beside pgbench's TPC-B, on the same PostgreSQL.

Interleaved, 8 clients, prepared statements on both sides, medians of ROUNDS; each command is one statement and one
flush, TPC-B is seven statements and one flush.
"""

import asyncio
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import asyncpg
from rich.console import Console
from rich.table import Table

from ecard.embedded import running
from ecard.embedded.postgres import pgbench_path
from ecard.migrations.script import upgrade
from ecard.runtime import open_runtime
from ecard.settings import Settings
from tests.bench import seed as seeding

CLIENTS, THREADS = 8, 2
ROUNDS, SECONDS = 5, 3
PEOPLE, MERCHANTS, BANKS = 2000, 1000, 10
LINES = 30_000
PROMISED_LINES = 30_000.0

# Orders have ids in the order of time, as the service makes them. Accounts with ids that a script can compute.
_SETUP = """
    CREATE OR REPLACE FUNCTION bench_id(kind text, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
        SELECT (kind || '00000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid
    $$;
    INSERT INTO account (id, owner_kind, owner, book, unit, normal_side, floor, hot)
        SELECT bench_id('baa', n), 'bank', 'bench' || n, 'bank_clearing', 'CNY', 'debit', NULL, true
        FROM generate_series(1, {banks}) n
        UNION ALL SELECT bench_id('caa', n), 'bench', n::text, 'merchant_payable', 'CNY', 'credit', 0, true
        FROM generate_series(1, {merchants}) n
        UNION ALL SELECT bench_id('faa', n), 'bench', n::text, 'fund', 'CNY', 'credit', 0, false
        FROM generate_series(1, {merchants}) n;
    INSERT INTO agency (id, name, uscc)
        SELECT bench_id('daa', n), '测速' || n, 'BENCH' || lpad(n::text, 13, '0')
        FROM generate_series(1, {merchants}) n;
    INSERT INTO merchant (agency, name, category, bank, bank_account, items, order_limit, small_free_limit, payable)
        SELECT bench_id('daa', n), '测速' || n, '7991', 'BENCH', '', '{{A2-34}}', 1000000, 50000, bench_id('caa', n)
        FROM generate_series(1, {merchants}) n;
    INSERT INTO payer (card, bank) SELECT seq, 'BENCH' FROM card ON CONFLICT DO NOTHING;
    ANALYZE;
"""
_POST = """
    \\set merchant random(1, {merchants})
    \\set bank random(1, {banks})
    SELECT ledger_post('payment', 'order', gen_random_uuid(), ARRAY[
        ({bank_account}, -100), ({payee_account}, 100)]::account_leg[]);
"""
_TRANSFER = """
    \\set merchant random(1, {merchants})
    \\set bank random(1, {banks})
    SELECT ledger_post('funding', 'programme', gen_random_uuid(), ARRAY[
        ({bank_account}, -100), ({fund_account}, 100)]::account_leg[]);
"""
_CHARGE = """
    \\set merchant random(1, {merchants})
    \\set card random({first}, {last})
    SELECT outcome FROM pay_charge(ledger_id(), ledger_id(), '{terminal}', {agency},
        gen_random_uuid()::text, '\\x00', gen_random_uuid()::text, 1, 'bench', 'A2-34', 1::smallint, false, 300,
        ARRAY['BENCH'], 'electronic', 'code', 'possession', ARRAY['hwk'], 'B', :card, NULL,
        uuid_send(gen_random_uuid()), uuid_send(gen_random_uuid()));
"""
_BULK = """
    SELECT ledger_post('disbursement', 'batch', ledger_id(),
        array_fill(ROW(bench_id('baa', 1), 100)::account_leg, ARRAY[$1])
        || (bench_id('faa', 1), -100 * $1)::account_leg)
"""
_FUNDED = """
    SELECT ledger_post('funding', 'programme', ledger_id(), ARRAY[
        (bench_id('baa', 1), -900000000000), (bench_id('faa', 1), 900000000000)]::account_leg[])
"""


class Row(NamedTuple):
    """A figure of the report: rates of the rounds, those of its limit, and the ratio that is promised."""

    name: str
    unit: str
    ours: list[float]
    limit_name: str
    limit: list[float]
    floor: float | None


def pgbench(url: str, script: Path | None = None, seconds: int = SECONDS) -> float:
    """Return transactions a second of a script, or of TPC-B; fail on any that failed."""
    command = [str(pgbench_path()), "-c", str(CLIENTS), "-j", str(THREADS), "-T", str(seconds), "-n", "-M", "prepared"]
    script_option = [] if script is None else ["-f", str(script)]
    out = subprocess.run([*command, *script_option, url], check=True, capture_output=True, text=True).stdout
    assert "failed transactions: 0 " in out, out
    found = re.search(r"tps = ([0-9.]+)", out)
    assert found is not None, out
    return float(found[1])


def _id(kind: str, number: str) -> str:
    """Return SQL for the id that `bench_id` gives, without the call."""
    return f"('{kind}00000-0000-4000-8000-' || lpad({number}::text, 12, '0'))::uuid"


async def prepared(settings: Settings) -> dict[str, str]:
    """Seed people, merchants and accounts; return the scripts by name."""
    runtime = await open_runtime(settings)
    cast = await seeding.seed(runtime, PEOPLE, 1)
    sizes = {"merchants": MERCHANTS, "banks": BANKS}
    await runtime.pool.execute(_SETUP.format(**sizes))
    await runtime.close()
    cards = [one.card for one in cast.holders]
    ids = {
        "bank_account": _id("baa", ":bank"),
        "payee_account": _id("caa", ":merchant"),
        "fund_account": _id("faa", ":merchant"),
        "agency": _id("daa", ":merchant"),
    }
    people = {"first": min(cards), "last": max(cards), "terminal": cast.terminals[0].actor}
    return {
        "uniform": _POST.format(**sizes, **ids),
        "hot": _POST.format(**sizes, **{**ids, "payee_account": _id("caa", "1")}),
        "transfer": _TRANSFER.format(**sizes, **ids),
        "charge": _CHARGE.format(**sizes, **ids, **people),
    }


async def bulk(url: str) -> float:
    """Return lines a second of one file's posting."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_FUNDED)
        started = time.perf_counter()
        await connection.execute(_BULK.replace("$1", str(LINES)))
        return LINES / (time.perf_counter() - started)
    finally:
        await connection.close()


def measure(settings: Settings, bench_url: str, place: Path) -> list[Row]:
    """Return the figures, measured in turns: all of a round, then the next round."""
    url = settings.database_url or ""
    rates: dict[str, list[float]] = {"tpcb": [], "lines": []}
    scripts = asyncio.run(prepared(settings))
    for name, text in scripts.items():
        (place / f"{name}.sql").write_text(text, "utf-8")
        rates[name] = []
    for _ in range(ROUNDS):
        rates["tpcb"].append(pgbench(bench_url))
        for name in scripts:
            rates[name].append(pgbench(url, place / f"{name}.sql"))
        rates["lines"].append(asyncio.run(bulk(url)))
    return [
        Row("charge command in SQL", "/s", rates["charge"], "pgbench TPC-B", rates["tpcb"], 1.3),
        Row("posting of two legs, both appended", "/s", rates["uniform"], "pgbench TPC-B", rates["tpcb"], None),
        Row("posting of two legs, one locked", "/s", rates["transfer"], "pgbench TPC-B", rates["tpcb"], None),
        Row("one hot merchant", "/s", rates["hot"], "1,000 merchants", rates["uniform"], 0.8),
        Row("a file's postings", "lines/s", rates["lines"], "30,000 lines/s", [PROMISED_LINES], 1.0),
    ]


def report(rows: Sequence[Row], console: Console) -> None:
    """Print each figure beside its limit."""
    table = Table("what", "value", "limit in the same run", "limit", "ratio", "to reach")
    for row in rows:
        value, limit = statistics.median(row.ours), statistics.median(row.limit)
        floor = "" if row.floor is None else f"{row.floor:g}"
        shown = f"{value:,.0f} {row.unit}", row.limit_name, f"{limit:,.0f}", f"{value / limit:.2f}", floor
        table.add_row(row.name, *shown)
    console.print(table)


def main() -> None:
    """Measure these rows alone."""
    directory = Path(tempfile.mkdtemp(prefix="ecard-bench-"))
    directory.chmod(0o755)
    try:
        with running(directory) as stores:
            upgrade(stores.database_url)
            settings = Settings(
                data_dir=directory,
                database_url=stores.database_url,
                redis_url=stores.redis_url,
                master_key=bytes(range(32)),
                sandbox=True,
            )
            bench_url = stores.database_url.rsplit("/", 1)[0] + "/postgres"
            subprocess.run([str(pgbench_path()), "-i", "-s", "10", "-q", bench_url], check=True, capture_output=True)
            report(measure(settings, bench_url, directory), Console(width=130))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
