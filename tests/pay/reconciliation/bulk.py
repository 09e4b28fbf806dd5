"""A bank's whole day in bulk: attempts as orders leave them, and the bank's file of them."""

import datetime
from pathlib import Path

from ecard.settings import Settings
from tests.bureau import rows

DAY = datetime.date(2026, 1, 5)
_BANK = """
    INSERT INTO bank (code, name, iins, url, suite, public, own, ladder, layout)
    VALUES ('BULK', '批量银行', '{6299}', 'http://127.0.0.1:9', 'ES256', '', '', '{}', 'ecard-day-1')
"""
_ATTEMPTS = """
    INSERT INTO bank_attempt (id, subject, kind, order_id, bank, bank_ref, amount, outcome, sent_at, answered_at)
    SELECT i.id, i.id, 'pay', i.id, 'BULK', bank_reference(i.id, 1::smallint), 100 + n % 900, 'ok', i.at, i.at
    FROM (SELECT n, ledger_id() AS id, timestamptz '2026-01-05 08:00+08' + n * interval '50 milliseconds' AS at
          FROM generate_series($1::integer, $2::integer) n) i
"""
_LINES = "SELECT bank_ref, amount FROM bank_attempt WHERE bank = 'BULK' ORDER BY sent_at"
_CHUNK = 100_000


def book(settings: Settings, count: int) -> None:
    """Leave `count` payments of the day in the database."""
    rows(settings, _BANK)
    for first in range(1, count + 1, _CHUNK):
        rows(settings, _ATTEMPTS, first, min(first + _CHUNK - 1, count))
    rows(settings, "ANALYZE bank_attempt")


def write(settings: Settings, path: Path) -> int:
    """Write the bank's file: the payments that are booked, but of the first, which it took as one 分 more.

    Return the number of lines.
    """
    found = rows(settings, _LINES)
    total = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(f"H|ecard-day-1|BULK|{DAY:%Y%m%d}|CNY\n")
        for n, (ref, amount) in enumerate(found, 1):
            said = amount + (n == 1)
            total += said
            file.write(f"D|{n}|pay|{ref}||{said}|D|0004|2026-01-05T01:02:03.004+00:00\n")
        file.write(f"T|{len(found)}|{total}|0\n")
    return len(found)
