"""`make bench`: prints each figure beside its limit, and writes bench/latest.json."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ecard.catalogue.model import Scene
from ecard.embedded import Stores, running
from ecard.embedded.postgres import pgbench_path
from ecard.keyring.model import Purpose
from ecard.migrations.script import upgrade
from ecard.runtime import Runtime, open_runtime
from ecard.settings import Settings
from pay.banks.directory import FRESH
from pay.banks.model import Ladder
from qr import service
from qr.bundle import BundleMaker
from qr.model import step_at
from qr.offline import OfflineVerifier, trust_on_first_use
from tests.bank import banking
from tests.bench import books, card, training
from tests.bench import seed as seeding
from tests.bench.load import Load, drive, post
from tests.bench.ours import FLOORS, compare

ROUNDS = 3
SECONDS = 3.0
PEOPLE = 12000
MASTER_KEY = bytes(range(32))


class Figure(msgspec.Struct):
    """One line of the report; `floor` is the least ratio promised, or None."""

    name: str
    unit: str
    value: float
    limit_name: str
    limit_value: float
    ratio: float
    floor: float | None


def rate_of(work: Callable[[], object], seconds: float = 1.0) -> float:
    """Return how often `work` runs in a second."""
    done, started = 0, time.perf_counter()
    while (took := time.perf_counter() - started) < seconds:
        work()
        done += 1
    return done / took


@contextlib.contextmanager
def serving(command: list[str], environment: dict[str, str], workers: int) -> Iterator[tuple[int, list[int]]]:
    """Run workers on one socket; yield its port and their process ids."""
    # A socket for each worker, as `ecard serve` does.
    listeners = [socket.socket() for _ in range(workers)]
    port = 0
    with contextlib.ExitStack() as stack:
        for listener in listeners:
            stack.enter_context(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen(2048)
            port = listener.getsockname()[1]
        processes = [
            subprocess.Popen([*command, str(one.fileno()), "--quiet"], env=environment, pass_fds=[one.fileno()])
            for one in listeners
        ]
        time.sleep(4)
        try:
            yield port, [process.pid for process in processes]
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(20)


def pgbench(stores: Stores, seconds: float) -> float:
    """Return transactions a second of TPC-B with 8 clients on the same PostgreSQL."""
    out = subprocess.run(
        [str(pgbench_path()), "-c", "8", "-j", "2", "-T", str(round(seconds)), "-n", _bench_url(stores)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return float(re.search(r"tps = ([0-9.]+)", out)[1])  # type: ignore[index] # pgbench prints it


def _bench_url(stores: Stores) -> str:
    return stores.database_url.rsplit("/", 1)[0] + "/bench"


async def _prepared(settings: Settings) -> tuple[Runtime, seeding.Cast, str]:
    runtime = await open_runtime(settings)
    if not await runtime.pool.fetchval("SELECT true FROM pg_database WHERE datname = 'bench'"):
        await runtime.pool.execute("CREATE DATABASE bench")
    cast = await seeding.seed(runtime, PEOPLE, 32)
    await seeding.open_shop(runtime, cast)
    bundle = await BundleMaker(runtime).current()
    await runtime.close()
    return runtime, cast, bundle


async def _audited(settings: Settings, cast: seeding.Cast) -> list[UUID]:
    runtime = await open_runtime(settings)
    try:
        return await training.audited(runtime, cast, PEOPLE)
    finally:
        await runtime.close()


def offline(runtime: Runtime, cast: seeding.Cast, bundle: str) -> Figure:
    """Offline verification of distinct codes against the bare signature check of `cryptography`."""
    now = time.time()
    key = runtime.ring.signing(Purpose.CODE, now)
    codes = [
        service.make(runtime, key, service.Showing(one.card, one.seq), Scene.IDENTITY, step_at(now), 1)[0]
        for one in cast.holders[:4000]
    ]
    private = ec.generate_private_key(ec.SECP256R1())
    public, message, ecdsa = private.public_key(), b"m" * 33, ec.ECDSA(SHA256())
    signature = private.sign(message, ecdsa)
    ours, raw = [], []
    for _ in range(5):
        verifier = OfflineVerifier.load(bundle, anchors=trust_on_first_use(bundle), issuer=None, newest=0, now=now)
        started = time.perf_counter()
        for code in codes:
            verifier.verify(code.code, now)
        ours.append(len(codes) / (time.perf_counter() - started))
        raw.append(rate_of(lambda: public.verify(signature, message, ecdsa), 0.3))
    return figure("offline verify", "codes/s", ours, "raw P-256 verify", raw, 0.8)


def figure(name: str, unit: str, ours: list[float], limit_name: str, limit: list[float], floor: float | None) -> Figure:
    """Return the medians of interleaved rounds and their ratio."""
    value, bound = statistics.median(ours), statistics.median(limit)
    return Figure(name, unit, round(value, 1), limit_name, round(bound, 1), round(value / bound, 3), floor)


def resident(pid: int) -> float:
    """Return the resident memory of a process, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index] # Linux says it


def main() -> None:
    """Run everything and report."""
    console = Console(width=130)
    directory = Path(tempfile.mkdtemp(prefix="ecard-bench-"))
    directory.chmod(0o755)
    try:
        with running(directory) as stores:
            upgrade(stores.database_url)
            report = measure(stores, directory, console)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    table = Table("what", "value", "limit in the same run", "limit", "ratio", "to reach")
    for one in report:
        floor = "" if one.floor is None else f"{one.floor:g}"
        table.add_row(
            one.name,
            f"{one.value:,.1f} {one.unit}",
            one.limit_name,
            f"{one.limit_value:,.1f}",
            f"{one.ratio:.2f}",
            floor,
        )
    console.print(table)
    out = Path("bench") / "latest.json"
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    console.print(f"→ {out}")


def measure(stores: Stores, directory: Path, console: Console) -> list[Figure]:
    """Return all figures."""
    settings = Settings(
        data_dir=directory,
        database_url=stores.database_url,
        redis_url=stores.redis_url,
        master_key=MASTER_KEY,
        sandbox=True,
    )
    runtime, cast, bundle = asyncio.run(_prepared(settings))
    subprocess.run([str(pgbench_path()), "-i", "-s", "10", "-q", _bench_url(stores)], check=True, capture_output=True)
    report = [offline(runtime, cast, bundle)]
    providers = beside(stores, directory)
    environment = {
        **os.environ,
        "ECARD_DATABASE_URL": stores.database_url,
        "ECARD_REDIS_URL": stores.redis_url,
        "ECARD_MASTER_KEY": MASTER_KEY.hex(),
        "ECARD_SANDBOX": "1",
        "PYTHONPATH": str(Path.cwd()),
    }
    bare_command = [sys.executable, "-m", "tests.bench.bare"]
    loads: dict[str, list[Load]] = {"bare": [], "single": [], "batch": [], "visit": [], "charge": [], "redeem": []}
    tpcb: list[float] = []
    issued: list[float] = []
    audited = asyncio.run(_audited(settings, cast))
    people = iter(range(0, PEOPLE, PEOPLE // ROUNDS))
    bare_request = [post("/bare", b'{"scene":"identity","count":1}', {})]
    with (
        serving([sys.executable, "-m", "ecard.cli.worker"], environment, 2) as (port, pids),
        serving(bare_command, environment, 2) as (bare_port, _),
        banking(directory, settings, ladder=Ladder()) as bank,
    ):
        time.sleep(FRESH + 0.5)
        for _ in track(range(ROUNDS), "measuring", console=console):
            some = cast.holders[:256]
            loads["bare"].append(drive(bare_port, bare_request, seconds=SECONDS))
            loads["single"].append(drive(port, seeding.code_requests(runtime, some, 1), seconds=SECONDS))
            loads["batch"].append(drive(port, seeding.code_requests(runtime, some, 20), seconds=SECONDS))
            tpcb.append(pgbench(stores, SECONDS))
            first = next(people)
            visitors = cast.holders[first : first + PEOPLE // ROUNDS]
            loads["visit"].append(drive(port, seeding.visit_requests(runtime, cast, visitors), wanted=201))
            loads["charge"].append(drive(port, seeding.charge_requests(runtime, cast, visitors), wanted=201))
            redeemed = audited[first : first + PEOPLE // ROUNDS]
            redemptions = training.redemption_requests(runtime, cast, redeemed)
            loads["redeem"].append(drive(port, redemptions, wanted=201))
            issued.append(training.issuing(settings))
        memory = max(resident(pid) for pid in pids)
        paid = sum(one["state"] == "ok" for one in bank.book().values())
        # A busy machine may leave one undecided: the resolver's business, and not what is measured.
        assert paid > 0.99 * PEOPLE, f"{PEOPLE - paid} charges were not paid"
    for name, runs in loads.items():
        wrong = sum(run.wrong for run in runs)
        assert not wrong, f"{name}: {wrong} wrong answers"
        for at in ("p50", "p99"):
            ours, bare = ([getattr(run, at) for run in loads[one]] for one in (name, "bare"))
            if name not in {"bare", "charge", "redeem"}:
                report.append(figure(f"{name} {at}, 32 connections", "ms", ours, f"bare POST {at}", bare, None))
    rates = {name: [run.rate for run in runs] for name, runs in loads.items()}
    batch = [rate * 20 for rate in rates["batch"]]
    report[1:1] = [
        figure("issue, one code a call", "codes/s", rates["single"], "bare Litestar POST", rates["bare"], 0.5),
        figure("issue, 20 codes a call", "codes/s", batch, "one code a call", rates["single"], 5),
        figure("visit over HTTP", "visits/s", rates["visit"], "pgbench TPC-B", tpcb, 0.6),
        figure("QR charge over HTTP", "charges/s", rates["charge"], "pgbench TPC-B", tpcb, 0.6),
        figure("voucher redemption over HTTP", "/s", rates["redeem"], "pgbench TPC-B", tpcb, 0.5),
        figure("vouchers of a batch", "/s", issued, "10,000 a second", [training.PROMISED], 1),
        figure("QR charge p99, 32 connections", "ms", [run.p99 for run in loads["charge"]], "80 ms", [80.0], None),
        Figure("memory of a worker", "MB", round(memory, 1), "150 MB", 150, round(memory / 150, 3), None),
    ]
    report += [figure(*row) for row in books.measure(settings, _bench_url(stores), directory)]
    return report + providers + cards()


def cards() -> list[Figure]:
    """Return what a card's read costs beside its bare commands, under a real pcscd; nothing where there is none."""
    rates = card.compare()
    if rates is None:
        return []
    ours, bare = rates
    return [figure("card read, proven, under pcscd", "/s", ours, "bare APDUs", bare, 0.83)]


def beside(stores: Stores, directory: Path) -> list[Figure]:
    """Return what our provider does a second, durable, beside another that keeps all in memory."""
    return [
        Figure(
            name,
            "/s",
            round(mine.rate, 1),
            "oidc-provider",
            round(other.rate, 1),
            round(mine.rate / other.rate, 3),
            floor,
        )
        for (name, (mine, other)), floor in zip(compare(stores, directory).items(), FLOORS.values(), strict=True)
    ]


if __name__ == "__main__":
    main()
