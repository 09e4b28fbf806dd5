"""A bank's day of long ago, with the orders of a test on it: what its file says is what the simulator booked."""

import datetime
import itertools
import secrets
from collections.abc import Sequence
from typing import Any

from ecard.client import Operator
from ecard.settings import Settings
from pay.reconciliation.checks import CHECKS
from tests.bank import Bank
from tests.bureau import rows
from tests.shop import Shop

_days = itertools.count(secrets.randbelow(1000))
_AGED = """
    UPDATE bank_attempt SET sent_at = ($2::text::date + $3::text::time) AT TIME ZONE 'Asia/Shanghai'
    WHERE order_id = ANY ($1::text[]::uuid[]) RETURNING bank_ref
"""


class Day:
    """A day that no other test has, and the day after it."""

    def __init__(self, settings: Settings, shop: Shop, bank: Bank) -> None:
        self.settings, self.shop, self.bank = settings, shop, bank
        self.finance: Operator = shop.bureau.finance
        self.date = datetime.date(2010, 1, 1) + datetime.timedelta(days=3 * next(_days))
        self.next = self.date + datetime.timedelta(days=1)

    def lines(self, *orders: dict[str, Any], at: str = "12:00") -> list[str]:
        """Move orders to this day, and return what the bank's own file says of them: lines without their numbers."""
        refs = {row[0] for row in rows(self.settings, _AGED, [one["id"] for one in orders], str(self.date), at)}
        said = [line.split("|") for line in self.bank.statement().splitlines()]
        return ["|".join(fields[2:]) for fields in said if fields[0] == "D" and fields[3] in refs]

    def file(self, lines: Sequence[str], *, day: datetime.date | None = None) -> str:
        """Return the whole file of these lines."""
        numbered = [f"D|{n}|{line}" for n, line in enumerate(lines, 1)]
        sums = {"D": 0, "C": 0}
        for line in lines:
            fields = line.split("|")
            sums[fields[4]] += int(fields[3]) if fields[3].isdecimal() else 0
        head = f"H|ecard-day-1|SANDBOX|{day or self.date:%Y%m%d}|CNY"
        return "\n".join([head, *numbered, f"T|{len(lines)}|{sums['D']}|{sums['C']}", ""])

    def reconcile(self, lines: Sequence[str], *, day: datetime.date | None = None) -> dict[str, Any]:
        """Return the report on a file of these lines; the books hold afterwards."""
        made = self.send(self.file(lines, day=day), day=day)
        for check in CHECKS:
            assert rows(self.settings, check.sql) == []
        return made

    def send(self, content: str, *, day: datetime.date | None = None) -> dict[str, Any]:
        """Return the report on a file."""
        asked = {"bank": "SANDBOX", "day": str(day or self.date), "content": content}
        made: dict[str, Any] = self.finance.call("POST", "/v1/reconciliations", asked).json()
        return made

    def breaks(self, *, day: datetime.date | None = None) -> list[dict[str, Any]]:
        """Return the breaks of this day."""
        found: list[dict[str, Any]] = self.finance.call("GET", "/v1/breaks", query=f"day={day or self.date}").json()
        return found

    def one(self) -> dict[str, Any]:
        """Return the day's only break."""
        [found] = self.breaks()
        return found

    def balance(self, owner_kind: str, owner: str, book: str) -> int:
        """Return what an account holds, 分."""
        sql = "SELECT balance FROM account_balance WHERE owner_kind = $1 AND owner = $2 AND book = $3"
        return sum(int(row[0]) for row in rows(self.settings, sql, owner_kind, owner, book))

    @property
    def suspense(self) -> int:
        """What is in suspense for the bank."""
        return self.balance("reconciliation", "SANDBOX", "suspense")

    @property
    def clearing(self) -> int:
        """What the bank owes, as far as it is booked: negative where it does."""
        return self.balance("bank", "SANDBOX", "bank_clearing")
