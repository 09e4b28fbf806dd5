"""A day of many lines is compared at a rate that a whole city's day can be waited for, from the command line."""

import time
from pathlib import Path

from ecard.settings import Settings
from tests.bureau import ecard, new_database, rows
from tests.pay.reconciliation import bulk

LINES = 20_000
RATE = 5_000
"""Lines a second that a busy machine still makes; `python -m tests.bench.reconciling` measures a million."""


def test_a_days_file_is_compared_fast_and_its_one_difference_found(settings: Settings, tmp_path: Path) -> None:
    own, path = new_database(settings), tmp_path / "day.txt"
    bulk.book(own, LINES)
    assert bulk.write(own, path) == LINES
    command = ("reconcile", str(path), "--bank", "BULK", "--date", str(bulk.DAY))
    began = time.monotonic()
    made = ecard(own, *command)
    took = time.monotonic() - began
    assert made.exit_code == 3, made.output
    assert f"lines={LINES} bad=0 resolved=0 opened=1 closed=0" in made.output
    assert [tuple(row) for row in rows(own, "SELECT kind, amount FROM recon_break")] == [("amount", 1)]
    assert took < LINES / RATE + 2
    assert "opened=1" in ecard(own, *command).output
    assert ecard(own, "ledger", "check").exit_code in {0, 2}
    assert rows(own, "SELECT count(*) FROM recon_line")[0][0] == LINES


def test_the_command_says_what_is_wrong_with_a_file(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "day.txt"
    path.write_text("H|ecard-day-1|SANDBOX|20200101|CNY\nD|1|gift|x\nT|1|0|0\n")
    refused = ecard(settings, "reconcile", str(path), "--bank", "NOBODY", "--date", "2020-01-01")
    assert refused.exit_code != 0
