"""`python -m tests.bench.reconciling [lines]`: a bank's day of a million lines, loaded and compared; seconds."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from ecard.embedded import running
from ecard.migrations.script import upgrade
from ecard.runtime import open_runtime
from ecard.settings import Settings
from pay.reconciliation import service
from tests.pay.reconciliation import bulk

LIMIT = 60.0
"""Seconds that a million lines may take on two cores."""


async def _compared(settings: Settings, path: Path) -> str:
    runtime = await open_runtime(settings, pool_size=2)
    try:
        with path.open("rb") as source:
            began = time.monotonic()
            file = await service.load(runtime.pool, source, bank="BULK", day=bulk.DAY, by=None, told=lambda _: None)
            loaded = time.monotonic()
            await service.compare(runtime.pool, file, "BULK")
            ended = time.monotonic()
        made = await service.report(runtime.pool, file)
    finally:
        await runtime.close()
    return (
        f"{made.lines} lines: loaded {loaded - began:.1f} s, compared {ended - loaded:.1f} s, "
        f"in all {ended - began:.1f} s (limit {LIMIT * made.lines / 1e6:.1f} s), breaks {made.opened}"
    )


def main() -> None:
    """Measure once, on stores of its own."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="ecard-bench-") as name:
        place = Path(name)
        place.chmod(0o755)
        with running(place / "data", say=lambda _: None) as stores:
            upgrade(stores.database_url)
            settings = Settings(
                data_dir=place,
                database_url=stores.database_url,
                redis_url=stores.redis_url,
                master_key=bytes(32),
                sandbox=True,
            )
            bulk.book(settings, count)
            bulk.write(settings, place / "day.txt")
            print(asyncio.run(_compared(settings, place / "day.txt")))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
