"""The JSON of issuing, of a holder's own card, and of the card register."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from ecard.cards.model import Relation, Status

# (?!\n) in these patterns: Python's `$` alone lets one line feed at the end pass.
Short = Annotated[str, msgspec.Meta(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$")]
IdNo = Annotated[str, msgspec.Meta(min_length=18, max_length=18)]
Password = Annotated[str, msgspec.Meta(min_length=6, max_length=6)]
Proof = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
Area = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}(?!\n)$")]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body: unknown fields are refused."""


class IssueRequest(Body, frozen=True, kw_only=True):
    """Issues an e-card (001), or joins one issued elsewhere (002: then only the password is asked)."""

    name: Name
    id_no: IdNo
    device_proof: Proof
    password: Password
    card_no: Short | None = None
    face: Short | None = None


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel is told (签发回调): action, sign number and sequence, level, and the phone's id."""

    action_type: Literal["001", "002"]
    device: UUID
    sign_no: str
    sign_seq: str
    sign_level: int
    sign_date: str
    name: str
    id_no: str


class Acted(msgspec.Struct, frozen=True, kw_only=True):
    """What has been done on the phone, by its action type."""

    action_type: str
    sign_seq: str
    sign_level: int


class PasswordRequest(Body, frozen=True, kw_only=True):
    """The e-card's password."""

    password: Password


class PasswordProven(msgspec.Struct, frozen=True, kw_only=True):
    """A proven password: the one-time busiSeq, and a session whose codes say so until `verified_until`."""

    action_type: Literal["009"]
    busi_seq: UUID
    session: str
    verified_until: int


class PasswordReset(Body, frozen=True, kw_only=True):
    """A new password: with the old one's proof (busiSeq), or with a face check."""

    password: Password
    busi_seq: UUID | None = None
    face: Short | None = None


class Proven(Body, frozen=True, kw_only=True):
    """A step that needs the password proven just before."""

    busi_seq: UUID


class StatusRequest(Body, frozen=True, kw_only=True):
    """Reports the card lost (`lost_temporary`), or found again (`active`, with busiSeq)."""

    status: Literal["lost_temporary", "active"]
    busi_seq: UUID | None = None


class CardFace(msgspec.Struct, frozen=True, kw_only=True):
    """卡面: the holder's own card, masked."""

    action_type: Literal["006"]
    name: str
    id_no: str
    card_no: str
    issuing_area: str
    status: Status
    level: int


class RelativeRequest(Body, frozen=True, kw_only=True):
    """Adds a relative: who, their card's number as printed, and the relative's face check."""

    name: Name
    id_no: IdNo
    card_no: Short
    relation: Relation
    face: Short
    busi_seq: UUID


class RelativeView(msgspec.Struct, frozen=True, kw_only=True):
    """A relative, masked."""

    id: UUID
    relation: Relation
    name: str
    since: str


class HolderRequest(Body, frozen=True, kw_only=True):
    """Registers a person with a physical card, as the card system reports it.

    `card_id` is the card's own number (卡识别码), by which a card in a reader is found; `card_atr` its 卡复位信息, the
    historical bytes of its ATR, whose last eight are the number of the chip that proves itself. Both, or neither.
    """

    name: Name
    id_no: IdNo
    card_no: Annotated[str, msgspec.Meta(min_length=9, max_length=9, pattern=r"^[0-9A-Z]{9}(?!\n)$")]
    issuing_area: Area
    card_id: Annotated[str, msgspec.Meta(pattern=r"^([0-9A-Fa-f]{32})?(?!\n)$")] = ""
    card_atr: Annotated[str, msgspec.Meta(pattern=r"^(([0-9A-Fa-f]{2}){8,15})?(?!\n)$")] = ""
    ethnicity: Annotated[str, msgspec.Meta(pattern=r"^([0-9]{2})?(?!\n)$")] = ""
    mobile: Annotated[str, msgspec.Meta(pattern=r"^(1[0-9]{10})?(?!\n)$")] = ""
    address: Short = ""
    bank_name: Short = ""
    bank_account: Annotated[str, msgspec.Meta(pattern=r"^([0-9]{16,19})?(?!\n)$")] = ""
    # A price and not a group: whoever is told it learns nothing else.
    fare_class: Annotated[str, msgspec.Meta(pattern=r"^(full|half|free)?(?!\n)$")] = ""


class ProfileChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a holder's personal data: which fields, and the proof of what stood there before and after.

    `proof` is a JWT signed by an anchor key; `before` and `after` are SHA-256 over ["ecard-profile/1", salt, the
    profile's members], as JSON with sorted members. `at` is in Unix seconds.
    """

    id: UUID
    fields: list[str]
    before: str
    after: str
    salt: str
    proof: str
    at: int


class CardStatusRequest(Body, frozen=True, kw_only=True):
    """Moves a card, found by its printed number, to a status."""

    card_no: Short
    status: Status


class CardStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A card's status, for both its forms."""

    status: Status
