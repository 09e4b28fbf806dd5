"""What each act at a counter does to a card, its account and its passwords, in the caller's transaction."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple
from uuid import UUID

import msgspec

from ecard.cards import service as cards
from ecard.cards import store
from ecard.cards.errors import HolderExists, StatusConflict
from ecard.cards.model import Level, Status
from ecard.cards.profiles import card_id_index, card_no_index, chip_index, open_profile, seal_profile
from ecard.cases import accounts
from ecard.cases.errors import AccountConflict, NoAccount, OrderConflict
from ecard.cases.model import CardAct
from ecard.cases.schemas import CardMadeRequest
from ecard.db import Tx
from ecard.errors import Invalid, NotFound
from ecard.runtime import Runtime

_NUMBERS = "card_order.numbers"
_USABLE = ("opened", "active")


class Doing(NamedTuple):
    """An act about to be done: on which card, by whom, under which case; a new password's hash where one is set."""

    card: int
    by: UUID
    case: UUID
    act: CardAct
    password: str | None = None


class Did(NamedTuple):
    """What an act gave out: a passbook's number, a new card's order."""

    book: int | None = None
    order: UUID | None = None


async def do(tx: Tx, runtime: Runtime, doing: Doing) -> Did:
    """Do an act; raises AccountConflict, NoAccount, OrderConflict, StatusConflict."""
    if doing.act in _OF_ACCOUNT:
        account = await accounts.account(tx, doing.card)
        if not open_profile(runtime.vault, account.profile).bank_account:
            raise NoAccount
    return await _ACTS[doing.act](tx, runtime, doing)


def _account(target: str, *sources: str) -> "_Effect":
    async def effect(tx: Tx, _: Runtime, doing: Doing) -> Did:
        moved, current = await accounts.move(tx, doing.card, sources, target)
        if not moved:
            raise AccountConflict(current=current)
        return Did()

    return effect


async def _account_find(tx: Tx, _: Runtime, doing: Doing) -> Did:
    if not await accounts.find(tx, doing.card):
        raise AccountConflict(current=(await accounts.account(tx, doing.card)).state)
    return Did()


async def _account_password(tx: Tx, _: Runtime, doing: Doing) -> Did:
    await _usable(tx, doing.card)
    await accounts.set_password(tx, doing.card, doing.password or "")
    return Did()


async def _book(tx: Tx, _: Runtime, doing: Doing) -> Did:
    account = await _usable(tx, doing.card)
    first = doing.act is CardAct.BOOK_APPLY
    if first != (account.book == 0):
        raise AccountConflict(current="book" if account.book else "no_book")
    return Did(book=await accounts.next_book(tx, doing.card))


async def _statement(tx: Tx, _: Runtime, doing: Doing) -> Did:
    return Did(book=(await _usable(tx, doing.card)).book)


async def _usable(tx: Tx, card: int) -> accounts.Account:
    account = await accounts.account(tx, card)
    if account.state not in _USABLE:
        raise AccountConflict(current=account.state)
    return account


async def _apply(tx: Tx, _: Runtime, doing: Doing) -> Did:
    return Did(order=await accounts.order(tx, doing.card, doing.case))


async def _enable(tx: Tx, runtime: Runtime, doing: Doing) -> Did:
    """Put the card that was made in the old one's place: its number, its chip, and the account on it."""
    row = await accounts.enable(tx, doing.card)
    if row is None:
        raise OrderConflict(current=await accounts.order_state(tx, doing.card))
    vault = runtime.vault
    made = msgspec.json.decode(vault.open(_NUMBERS, row["numbers"]), type=CardMadeRequest)
    old = await accounts.account(tx, doing.card)
    profile = open_profile(vault, old.profile)
    other = bool(made.bank_account) and made.bank_account != profile.bank_account
    profile = msgspec.structs.replace(
        profile, card_no=made.card_no, bank_account=made.bank_account or profile.bank_account
    )
    numbers = accounts.Numbers(
        card_no_index(vault, made.card_no),
        card_id_index(vault, made.card_id) if made.card_id else None,
        chip_index(vault, made.card_atr[-cards.CHIP_DIGITS :]) if made.card_atr else None,
    )
    await accounts.swap(tx, doing.card, numbers, old.holder, seal_profile(vault, profile))
    if other:
        await accounts.renew_account(tx, doing.card)
    if old.status != Status.ACTIVE:
        await _card(Status.ACTIVE)(tx, runtime, doing)
    return Did(order=row["id"])


async def _card_password(tx: Tx, _: Runtime, doing: Doing) -> Did:
    """Set the e-card's password, one for all channels; a card without an e-card has its service password kept here."""
    account = await accounts.account(tx, doing.card)
    if account.level > Level.NONE:
        await store.set_password(tx, doing.card, doing.password or "")
    else:
        await accounts.set_password(tx, doing.card, doing.password or "", service=True)
    return Did()


def _card(target: Status) -> "_Effect":
    async def effect(tx: Tx, _: Runtime, doing: Doing) -> Did:
        row = await store.by_seq(tx, doing.card, lock=True)
        if row is None:
            raise StatusConflict(current="", wanted=target.value)
        await cards.move(tx, row, target, doing.by)
        return Did()

    return effect


_Effect = Callable[[Tx, Runtime, Doing], Awaitable[Did]]
_ACTS: Mapping[CardAct, _Effect] = {
    CardAct.ACCOUNT_ACTIVATE: _account("active", "opened"),
    CardAct.ACCOUNT_LOSE: _account("lost", *_USABLE),
    CardAct.ACCOUNT_FIND: _account_find,
    CardAct.ACCOUNT_PASSWORD_MODIFY: _account_password,
    CardAct.ACCOUNT_PASSWORD_RESET: _account_password,
    CardAct.ACCOUNT_CLOSE: _account("closed", *_USABLE, "lost"),
    CardAct.BOOK_APPLY: _book,
    CardAct.BOOK_REPLACE: _book,
    CardAct.BOOK_REISSUE: _book,
    CardAct.STATEMENT_PRINT: _statement,
    CardAct.CARD_APPLY: _apply,
    CardAct.CARD_ENABLE: _enable,
    CardAct.CARD_PASSWORD_MODIFY: _card_password,
    CardAct.CARD_PASSWORD_RESET: _card_password,
    CardAct.CARD_LOSE: _card(Status.LOST),
    CardAct.CARD_FIND: _card(Status.ACTIVE),
    CardAct.CARD_CANCEL: _card(Status.CANCELLED),
}
_OF_ACCOUNT = frozenset(act for act in CardAct if act.value.startswith(("account_", "book_", "statement_")))


async def made(tx: Tx, runtime: Runtime, order: UUID, asked: CardMadeRequest) -> None:
    """Note a made card's numbers; raises NotFound, OrderConflict, HolderExists (another card has the number)."""
    if bool(asked.card_id) != bool(asked.card_atr):
        raise Invalid(pointer="/card_atr" if asked.card_id else "/card_id", reason="together")
    if await store.by_card_no(tx, card_no_index(runtime.vault, asked.card_no)) is not None:
        raise HolderExists
    if await accounts.made(tx, order, runtime.vault.seal(_NUMBERS, msgspec.json.encode(asked))) is None:
        row = await accounts.one_order(tx, order)
        raise OrderConflict(current=row["state"]) if row else NotFound
