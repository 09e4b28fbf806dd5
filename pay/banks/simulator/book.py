"""The simulated bank's book: accounts, transactions by reference, and the lines of each business day.

A reference is booked once: asked again it is answered with what was decided, whatever came between. A payment
that was reversed, or was unknown when its reversal came, is barred: the request that comes late is not booked.
SQLite in WAL mode: a commit is a write, so that it outlives kill -9 of the process (not a loss of power).
"""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

from pay.banks.bank import NOT_FOUND, PENDING, Ask, Credit, Debit, Outcome
from pay.banks.wire import Told

OPENING = 10_000_000_00
"""分 on an account that is used for the first time."""
BEIJING = timezone(timedelta(hours=8))
INSUFFICIENT, NO_ACCOUNT, REUSED, TOO_MUCH, NO_ORIGINAL = "51", "14", "94", "61", "25"
"""Declines, numbered as in ISO 8583 field 39."""
CLOSED_ACCOUNT = ("0000", "620000")
"""An account that begins with digits like these is closed."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS account (number TEXT PRIMARY KEY, balance INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tx (
    ref TEXT PRIMARY KEY, kind TEXT NOT NULL, account TEXT NOT NULL, of TEXT, amount INTEGER NOT NULL,
    state TEXT NOT NULL, code TEXT NOT NULL, times INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS line (
    seq INTEGER PRIMARY KEY, day TEXT NOT NULL, ref TEXT NOT NULL, kind TEXT NOT NULL, of TEXT,
    account TEXT NOT NULL, amount INTEGER NOT NULL, at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS line_day ON line (day, seq);
CREATE INDEX IF NOT EXISTS tx_of ON tx (of) WHERE of IS NOT NULL;
"""


class Tx(NamedTuple):
    """A reference as the bank knows it; `state` is ok, failed, reversed or pending, `times` how often it was asked."""

    ref: str
    kind: str
    account: str
    of: str | None
    amount: int
    state: str
    code: str
    times: int


class Line(NamedTuple):
    """A movement of a business day; `amount` in 分 is negative where the account paid."""

    seq: int
    day: str
    ref: str
    kind: str
    of: str | None
    account: str
    amount: int
    at: str


class Book:
    """What the bank holds to be true."""

    def __init__(self, path: Path | str) -> None:
        """Open or make the book at `path` (":memory:" for one that is forgotten)."""
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def meta(self, name: str) -> bytes | None:
        """Return what was kept under a name: keys, the day."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def keep(self, name: str, value: bytes) -> None:
        """Keep `value` under a name."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    @property
    def day(self) -> str:
        """The bank's business day, `YYYYMMDD`: Beijing's, moved on by `next_day`."""
        ahead = int(self.meta("days ahead") or b"0")
        return f"{datetime.now(BEIJING) + timedelta(days=ahead):%Y%m%d}"

    def post(self, ask: Ask, *, decline: str = "", pending: bool = False) -> Told:
        """Decide what is asked, once for its reference, and return what was decided.

        `decline` refuses with that code, `pending` leaves the decision to the next day: both only the first time.
        """
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            known = self.find(ask.ref)
            if known is not None:
                self._db.execute("UPDATE tx SET times = times + 1 WHERE ref = ?", (ask.ref,))
                same = known.kind == "bar" or (known.kind, known.amount) == (_kind(ask), ask.amount)
                return _told(known) if same else Told(ask.ref, Outcome.DECLINED, REUSED)
            account, of = self._account(ask), ask.of if isinstance(ask, Credit) else None
            code = decline or self._refusal(ask, account)
            state = "failed" if code else PENDING if pending else "ok"
            made = Tx(ask.ref, _kind(ask), account, of, ask.amount, state, code, 1)
            self._db.execute(f"INSERT INTO tx VALUES ({','.join('?' * len(made))})", made)  # noqa: S608 - question marks
            if state == "ok":
                self._move(made)
            return _told(made)

    def query(self, ref: str) -> Told:
        """Return what is known of a reference."""
        known = self.find(ref)
        return _told(known) if known else Told(ref, Outcome.UNKNOWN, NOT_FOUND)

    def reverse(self, ref: str) -> Told:
        """Undo a payment, or bar a reference that was never seen."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            known = self.find(ref)
            if known is None:
                self._db.execute("INSERT INTO tx VALUES (?, 'bar', '', NULL, 0, 'reversed', '', 1)", (ref,))
                return Told(ref, Outcome.REVERSED)
            if known.state not in {"ok", PENDING} or known.kind != "pay":
                return _told(known)
            if self._refunded(ref):
                return _told(known)  # it was refunded meanwhile: there is nothing whole left to undo
            self._db.execute("UPDATE tx SET state = 'reversed' WHERE ref = ?", (ref,))
            if known.state == "ok":
                self._line(known, "reverse", known.amount)
            return Told(ref, Outcome.REVERSED)

    def next_day(self) -> str:
        """End the business day: what was pending is booked on the new one; return it."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            ahead = int(self.meta("days ahead") or b"0") + 1
            self.keep("days ahead", str(ahead).encode())
            for tx in self.transactions(PENDING):
                self._db.execute("UPDATE tx SET state = 'ok' WHERE ref = ?", (tx.ref,))
                self._move(tx)
        return self.day

    def find(self, ref: str) -> Tx | None:
        """Return a reference, or None."""
        row = self._db.execute("SELECT * FROM tx WHERE ref = ?", (ref,)).fetchone()
        return Tx(*row) if row else None

    def transactions(self, state: str | None = None) -> list[Tx]:
        """Return every reference, or those of one state."""
        rows = self._db.execute("SELECT * FROM tx WHERE ? IS NULL OR state = ?", (state, state))
        return [Tx(*row) for row in rows]

    def lines(self, day: str) -> list[Line]:
        """Return the movements of a business day in the order of their booking."""
        return [Line(*row) for row in self._db.execute("SELECT * FROM line WHERE day = ? ORDER BY seq", (day,))]

    def balances(self) -> dict[str, int]:
        """Return what is on each account, 分."""
        return dict(self._db.execute("SELECT number, balance FROM account"))

    def set_balance(self, account: str, amount: int) -> None:
        """Say what is on an account."""
        self._db.execute("INSERT OR REPLACE INTO account VALUES (?, ?)", (account, amount))

    def _account(self, ask: Ask) -> str:
        if not isinstance(ask, Credit):
            return ask.account
        original = self.find(ask.of)
        return original.account if original else ""

    def _refusal(self, ask: Ask, account: str) -> str:
        if isinstance(ask, Credit):
            original = self.find(ask.of)
            if original is None or (original.kind, original.state) != ("pay", "ok"):
                return NO_ORIGINAL
            return TOO_MUCH if self._refunded(ask.of) + ask.amount > original.amount else ""
        if not account or account.startswith(CLOSED_ACCOUNT):
            return NO_ACCOUNT
        return INSUFFICIENT if isinstance(ask, Debit) and self._balance(account) < ask.amount else ""

    def _refunded(self, ref: str) -> int:
        sql = "SELECT coalesce(sum(amount), 0) FROM tx WHERE of = ? AND state IN ('ok', 'pending')"
        return int(self._db.execute(sql, (ref,)).fetchone()[0])

    def _balance(self, account: str) -> int:
        self._db.execute("INSERT OR IGNORE INTO account VALUES (?, ?)", (account, OPENING))
        return int(self._db.execute("SELECT balance FROM account WHERE number = ?", (account,)).fetchone()[0])

    def _move(self, tx: Tx) -> None:
        self._line(tx, tx.kind, -tx.amount if tx.kind == "pay" else tx.amount)

    def _line(self, tx: Tx, kind: str, amount: int) -> None:
        self._balance(tx.account)
        self._db.execute("UPDATE account SET balance = balance + ? WHERE number = ?", (amount, tx.account))
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        row: tuple[Any, ...] = (self.day, tx.ref, kind, tx.of, tx.account, amount, at)
        self._db.execute("INSERT INTO line (day, ref, kind, of, account, amount, at) VALUES (?,?,?,?,?,?,?)", row)


def _kind(ask: Ask) -> str:
    return "pay" if isinstance(ask, Debit) else "refund" if isinstance(ask, Credit) else "payout"


def _told(tx: Tx) -> Told:
    if tx.state == PENDING:
        return Told(tx.ref, Outcome.UNKNOWN, PENDING)
    return Told(tx.ref, Outcome(tx.state), tx.code)
