"""The JSON of institutions, classes and what is bound to them. Amounts are 分, times Unix seconds, hours 学时."""

from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name, Region
from ecard.catalogue.model import Field
from ecard.desk.schemas import EvidenceRequest
from pay.merchants.model import LARGEST
from pay.merchants.schemas import ItemCode
from vouchers.classes.model import CLOSES_AFTER, OPENS_BEFORE, InstitutionKind

Seconds = Annotated[int, msgspec.Meta(ge=0, le=4102444800)]
Serial = Annotated[str, msgspec.Meta(max_length=64, description="培训券编号 (the voucher's number): 20 digits")]


class InstitutionRequest(Body, frozen=True, kw_only=True):
    """A registered agency that may hold classes."""

    agency: UUID
    kind: InstitutionKind
    region: Region


class Institution(msgspec.Struct, frozen=True, kw_only=True):
    """A training institution; `merchant` says whether it can be paid."""

    agency: UUID
    name: str
    kind: InstitutionKind
    region: str
    suspended: bool
    merchant: bool


class InstitutionState(Body, frozen=True, kw_only=True):
    """Whether the institution is suspended: nothing new is bound to its classes then."""

    suspended: bool


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A circle (WGS 84 degrees, metres): a phone that scans the class's code must be in it."""

    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    radius: Annotated[int, msgspec.Meta(ge=20, le=5000)]


class ClassSessionRequest(Body, frozen=True, kw_only=True):
    """A session: from when to when, and the hours that it counts."""

    starts_at: Seconds
    ends_at: Seconds
    hours: Annotated[int, msgspec.Meta(ge=1, le=12)]


class ClassRequest(Body, frozen=True, kw_only=True):
    """A class of a programme. With `site` only terminals of that site check in, with `place` only phones there do.

    `min_hours` is asked for beside the programme's own share of attendance; the larger of the two counts. A
    `rehearsal`, in the sandbox alone, may have sessions on top of each other.
    """

    programme: UUID
    name: Name
    capacity: Annotated[int, msgspec.Meta(ge=1, le=10000)]
    fee: Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
    sessions: Annotated[list[ClassSessionRequest], msgspec.Meta(min_length=1, max_length=200)]
    min_hours: Annotated[int, msgspec.Meta(ge=1, le=2400)] = 1
    opens_before: Annotated[int, msgspec.Meta(ge=0, le=7200)] = OPENS_BEFORE
    closes_after: Annotated[int, msgspec.Meta(ge=60, le=43200)] = CLOSES_AFTER
    site: Name | None = None
    place: Place | None = None
    rehearsal: bool = False


class ClassSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session and its window."""

    n: int
    starts_at: int
    ends_at: int
    opens_at: int
    closes_at: int
    hours: int


class TrainingClass(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A class; of its sessions only where one class is asked for."""

    id: UUID
    institution: UUID
    institution_name: str
    programme: UUID
    name: str
    capacity: int
    taken: int
    fee: int
    hours: int
    min_hours: int
    starts_at: int
    ends_at: int
    site: str | None = None
    place: Place | None = None
    sessions: list[ClassSession] = []


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """Who sits in a class, by the learner's pseudonym at this institution, as in visits."""

    sub: str
    voucher: UUID
    state: str
    bound_at: int
    hours: int
    own: int
    paid: bool


class BindingRequest(Body, frozen=True, kw_only=True):
    """A learner is here to join; without `serial` it is the learner's voucher of the class's programme."""

    item: ItemCode
    evidence: EvidenceRequest
    serial: Serial | None = None


class MyBindingRequest(Body, frozen=True, kw_only=True):
    """The holder joins a class with a voucher of their own."""

    voucher: UUID
    class_: UUID = msgspec.field(name="class")


class Binding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A voucher bound to a class; `own` is the learner's share of the fee. At a terminal also who the learner is."""

    enrolment: UUID
    voucher: UUID
    class_: UUID = msgspec.field(name="class")
    fee: int
    own: int
    sub: str | None = None
    holder: dict[Field, str] = {}


class DropRequest(Body, frozen=True, kw_only=True):
    """A learner leaves the class, and why."""

    voucher: UUID
    reason: Name


class TuitionRequest(Body, frozen=True, kw_only=True):
    """The holder pays the own share of the class that a voucher is bound to."""

    voucher: UUID


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """The voucher as it stands: to be bound again."""

    voucher: UUID
    state: str


class Tuition(msgspec.Struct, frozen=True, kw_only=True):
    """A class's fee as one order with two legs: the learner's own share, and the voucher's.

    `order` is to be confirmed with the password; the voucher's leg is its hold, and is paid when it is redeemed.
    """

    order: UUID
    voucher: UUID
    fee: int
    own: int
    subsidy: int
    state: str
