"""The JSON of vouchers: what learner, institution and bureau each see. Amounts are 分, times Unix seconds."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name
from vouchers.life.model import Stage
from vouchers.programmes.model import SkillLevel, Worth


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A programme of which vouchers can be claimed: `left` is whether there is one, `mine` how many I hold."""

    id: UUID
    name: str
    worth: Worth
    level: SkillLevel
    content: str
    region: str
    groups: list[str]
    per_person: int
    min_attendance_percent: int
    left: bool
    mine: int


class ClaimRequest(Body, frozen=True, kw_only=True):
    """The programme of which a voucher is claimed; `group`: the one that the learner declares to belong to."""

    programme: UUID
    group: Name | None = None


class MyEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A step of my voucher: what, when, where and on what evidence."""

    kind: str
    at: int
    place: str | None = None
    evidence: str | None = None


class MyVoucher(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher of mine; `serial` is shown to nobody but its holder, its institution and the bureau."""

    id: UUID
    serial: str
    programme: UUID
    name: str
    content: str
    face: int
    state: Stage
    valid_from: int
    valid_until: int
    institution: str | None = None
    class_: UUID | None = msgspec.field(default=None, name="class")
    events: list[MyEvent] | None = None


class VoucherEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a voucher, for the bureau: with who took it."""

    kind: str
    at: int
    actor: UUID | None = None
    place: str | None = None
    evidence: str | None = None
    visit: UUID | None = None
    detail: dict[str, Any]


class Voucher(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher as its bureau sees it: without its holder's name, who is found by the visits of its events."""

    id: UUID
    serial: str
    batch: UUID
    n: int
    programme: UUID
    face: int
    state: Stage
    frozen_from: Stage | None = None
    valid_from: int
    valid_until: int
    institution: UUID | None = None
    class_: UUID | None = msgspec.field(default=None, name="class")
    amount: int | None = None
    redeemed_at: int | None = None
    journal: UUID | None = None
    events: list[VoucherEvent]


class SerialRequest(Body, frozen=True, kw_only=True):
    """A voucher's number as somebody shows it or types it."""

    serial: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]


class MoveRequest(Body, frozen=True, kw_only=True):
    """Why a voucher is frozen, let go on, made void or reversed; it stays with the voucher's events."""

    reason: Name


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher and its state."""

    id: UUID
    state: Stage


class RedemptionRequest(Body, frozen=True, kw_only=True):
    """The audited voucher that the institution wants paid."""

    voucher: UUID


class Redemption(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher was redeemed: what the institution is owed for it (分), since when, and the journal that says so."""

    voucher: UUID
    amount: int
    redeemed_at: int
    journal: UUID | None = None
