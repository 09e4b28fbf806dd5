"""The JSON of settlements, shops and fees. Amounts are 分."""

import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Name
from pay.settlements.model import SettlementState

BankCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{2,16}(?!\n)$")]
Account = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6,32}(?!\n)$")]


class SettlementRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which day is to be paid out, by the calendar of Beijing.

    A `rehearsal`, in the sandbox alone, takes today for a day that is over.
    """

    day: datetime.date
    rehearsal: bool = False


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """A pay-out to a merchant, or to its shop: gross is fee and amount; `day` is the day whose end it settles."""

    id: UUID
    merchant: UUID
    shop: UUID | None
    day: datetime.date
    bank: str
    gross: int
    fee: int
    amount: int
    state: SettlementState
    created_at: datetime.datetime
    done_at: datetime.datetime | None


class ShopRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shop: its account at a bank, and the terminals whose orders are paid out there."""

    name: Name
    bank: BankCode
    bank_account: Account
    terminals: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=500)]


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """A shop of a merchant; of its account only the last four digits are shown."""

    id: UUID
    name: str
    bank: str
    bank_account_tail: str
    terminals: list[UUID]


class FeeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the platform keeps of a merchant's settlements, in hundredths of a percent (60 is 0.6 %)."""

    points: Annotated[int, msgspec.Meta(ge=0, le=300)]
