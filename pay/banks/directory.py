"""The banks as a process knows them: each with its connector and its breaker, read anew every second.

Everything that asks a bank goes through here, so that what is heard of it is learnt in one place.
"""

import asyncio
import logging

import aiohttp

from ecard.clock import Clock
from ecard.db import Db
from ecard.ids import new_id
from ecard.keys import load_signer, verifier
from ecard.vault import Vault
from pay.banks import store
from pay.banks.bank import Answer, Ask, Bank, Credit, Debit, Payout, send
from pay.banks.breaker import Breaker
from pay.banks.connector import HttpBank
from pay.banks.errors import BankUnknown
from pay.banks.model import Ladder
from pay.banks.store import BankRow

FRESH = 1.0
"""Seconds between two readings of the registry."""
OWN_KEY = "bank.own"
"""The vault's place of our keys for banks."""
log = logging.getLogger("pay.banks")


class _Known:
    """A bank with its connector and its breaker; the breaker stays when the row changes."""

    def __init__(self, row: BankRow, connector: HttpBank, breaker: Breaker) -> None:
        self.row = row
        self.connector = connector
        self.breaker = breaker


class Banks:
    """Finds banks and asks them."""

    def __init__(self, clock: Clock, vault: Vault, http: aiohttp.ClientSession) -> None:
        """Take an HTTP client of its own: a bank that holds many connections holds nobody else's."""
        self._clock = clock
        self._vault = vault
        self._http = http
        self._known: dict[str, _Known] = {}
        self._by_iin: dict[str, str] = {}
        self._probes: set[asyncio.Task[Answer]] = set()

    async def refresh(self, db: Db) -> None:
        """Read the registry."""
        known = {}
        for row in await store.banks(db):
            before = self._known.get(row.code)
            known[row.code] = before if before and before.row.changed == row.changed else self._met(row, before)
        self._known = known
        self._by_iin = {iin: one.row.code for one in known.values() for iin in one.row.iins}

    async def refresh_for_ever(self, db: Db) -> None:
        """Read the registry every second, and probe the banks whose circuit is open; until cancelled."""
        while True:
            try:
                await self.refresh(db)
                self._probe()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
                log.warning("the registry of banks was not read: %s", type(error).__name__)
            await asyncio.sleep(FRESH)

    def codes(self) -> list[str]:
        """Return the codes of all banks."""
        return list(self._known)

    def code_of(self, account: str) -> str | None:
        """Return the bank whose cards' accounts begin like this one (the longest beginning counts), or None."""
        lengths = range(min(len(account), 12), 0, -1)
        return next((self._by_iin[account[:n]] for n in lengths if account[:n] in self._by_iin), None)

    def find(self, code: str) -> BankRow:
        """Return a bank's row; raises BankUnknown."""
        return self._bank(code).row

    def ladder(self, code: str) -> Ladder:
        """Return a bank's ladder; raises BankUnknown."""
        return self._bank(code).row.ladder

    def admit(self, code: str) -> None:
        """Raise BankUnknown or BankUnavailable where a new payment would find no answer.

        To be called before anything is written or a code is spent.
        """
        known = self._bank(code)
        if known.row.stopped:
            raise BankUnknown
        known.breaker.admit()

    async def pay(self, code: str, ask: Debit) -> Answer:
        """Take money; raises BankUnknown and nothing else."""
        return await self.send(code, ask)

    async def refund(self, code: str, ask: Credit) -> Answer:
        """Give money back."""
        return await self.send(code, ask)

    async def payout(self, code: str, ask: Payout) -> Answer:
        """Pay money out."""
        return await self.send(code, ask)

    async def send(self, code: str, ask: Ask) -> Answer:
        """Ask for whatever `ask` is."""
        known = self._bank(code)
        with known.breaker.counted():
            answer = await send(known.connector, ask)
        known.breaker.note(answer)
        return answer

    async def query(self, code: str, ref: str) -> Answer:
        """Return what became of a reference."""
        known = self._bank(code)
        answer = await known.connector.query(ref)
        known.breaker.note(answer)
        return answer

    async def reverse(self, code: str, ref: str) -> Answer:
        """Undo a payment whose outcome is not known."""
        known = self._bank(code)
        answer = await known.connector.reverse(ref)
        known.breaker.note(answer)
        return answer

    async def statement(self, code: str, day: str) -> bytes:
        """Return the file of a business day (`YYYYMMDD`); raises StatementUnavailable."""
        return await self._bank(code).connector.statement(day)

    def connector(self, code: str) -> Bank:
        """Return what asks a bank, past its breaker."""
        return self._bank(code).connector

    async def close(self) -> None:
        """Close the lines to the banks."""
        for probe in self._probes:
            probe.cancel()
        await self._http.close()

    def _bank(self, code: str) -> _Known:
        known = self._known.get(code)
        if known is None:
            raise BankUnknown
        return known

    def _met(self, row: BankRow, before: _Known | None) -> _Known:
        own = load_signer(self._vault.open(OWN_KEY, row.own))
        theirs = verifier(row.suite, row.public)
        connector = HttpBank(self._http, self._clock, row.url, own, theirs, row.ladder.timeout)
        breaker = before.breaker if before else Breaker(row.ladder)
        breaker.ladder = row.ladder
        return _Known(row, connector, breaker)

    def _probe(self) -> None:
        """Ask the banks that rest about a reference that never was: no customer is tried on them."""
        for code, known in self._known.items():
            if known.breaker.probe_due():
                probe = asyncio.create_task(self.query(code, f"probe-{new_id().hex}"))
                self._probes.add(probe)
                probe.add_done_callback(self._probes.discard)
