"""Asking a bank, once its attempt is committed: no lock and no connection of ours is held meanwhile."""

import logging
from typing import NamedTuple
from uuid import UUID

import asyncpg

from ecard.cards.profiles import open_profile
from ecard.desk.service import Desk
from ecard.errors import EcardError
from ecard.runtime import Runtime
from pay.banks.bank import Answer, Ask, Outcome
from pay.banks.directory import Banks
from pay.banks.errors import BankUnavailable, BankUnknown
from pay.orders import store
from pay.orders.model import OrderState
from pay.orders.store import Booked

log = logging.getLogger("pay.orders")


class Till(NamedTuple):
    """What orders are decided with."""

    desk: Desk
    banks: Banks

    @property
    def runtime(self) -> Runtime:
        """The process's."""
        return self.desk.runtime


async def ask(till: Till, bank: str, attempt: UUID, asked: Ask) -> tuple[Booked, Answer]:
    """Ask `bank` for what its attempt says, and book the answer.

    An answer that does not come is booked as unknown. Where it cannot be booked (the database is gone), the
    attempt is still under way for everybody, and the resolver finds it.
    """
    try:
        answer = await till.banks.send(bank, asked)
    except BankUnknown:
        answer = Answer(Outcome.UNKNOWN, "not_connected")
    try:
        return await store.book(till.runtime.pool, attempt, answer.outcome.value, answer.code), answer
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        log.warning("an answer of a bank was not booked: %s", type(error).__name__)
        return Booked(outcome="unbooked", order_id=None, state=OrderState.PROCESSING, paid_at=None), answer


def open_banks(banks: Banks) -> list[str]:
    """Return the banks that a new payment may be made at: connected, and answering."""
    return [code for code in banks.codes() if _admitted(banks, code)]


def _admitted(banks: Banks, code: str) -> bool:
    try:
        banks.admit(code)
    except (BankUnknown, BankUnavailable):
        return False
    return True


def why_not(banks: Banks, bank: str) -> EcardError:
    """Return why a bank takes no new payment: it is switched off, or does not answer."""
    try:
        banks.admit(bank)
    except (BankUnknown, BankUnavailable) as refusal:
        return refusal
    return BankUnavailable(headers={"Retry-After": "1"})


def account_of(till: Till, profile: bytes | None) -> str:
    """Return the account number in a sealed profile."""
    return open_profile(till.runtime.vault, profile or b"").bank_account


async def bind(till: Till, card: int, profile: bytes | None) -> None:
    """Find the bank of a card's account and note it; raises BankUnknown."""
    bank = till.banks.code_of(account_of(till, profile)) if profile else None
    if profile is None or bank is None:
        raise BankUnknown
    await store.bind(till.runtime.pool, card, profile, bank)
