"""持卡人 (holder), 社会保障卡 (card) and 电子社保卡 (e-card): states, levels and rules; pure.

The e-card is the physical card's online form: one to one, with one status. Level 1 (一级签发) opens
identity and queries; level 2 (二级签发) also payment and settlement, and needs an activated bank
account with a reserved mobile number. The six-digit e-card password is one for all channels.
"""

import itertools
from collections.abc import Mapping, Sequence
from enum import IntEnum, StrEnum

import msgspec

from ecard.cards.errors import PasswordNotAllowed, QuotaReached, StatusConflict


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the registry knows of a holder; stored sealed, disclosed by the catalogue's fields only."""

    name: str
    id_type: str = "01"
    id_no: str
    sex: str
    birth_date: str
    ethnicity: str = ""
    mobile: str = ""
    address: str = ""
    card_no: str
    issuing_area: str
    bank_name: str = ""
    bank_account: str = ""
    fare_class: str = ""

    def __repr__(self) -> str:
        """Return the type alone: what is inside belongs in no log."""
        return f"{type(self).__name__}(…)"


class Level(IntEnum):
    """签发等级: how far the e-card is opened."""

    NONE = 0
    IDENTITY = 1
    PAYMENT = 2


class Action(StrEnum):
    """动作类型 (actionType): what a channel is told that the holder has done."""

    ISSUED = "001"
    JOINED = "002"
    UNBOUND = "003"
    PAYMENT_OPENED = "005"
    CARD_FACE = "006"
    PASSWORD_PROVEN = "009"  # noqa: S105 - an action type


class Status(StrEnum):
    """卡状态: one for both forms. 正常, 临时挂失, 挂失, 锁定, 注销."""

    ACTIVE = "active"
    LOST_TEMPORARY = "lost_temporary"
    LOST = "lost"
    LOCKED = "locked"
    CANCELLED = "cancelled"


_MOVES: Mapping[Status, frozenset[Status]] = {
    Status.ACTIVE: frozenset({Status.LOST_TEMPORARY, Status.LOST, Status.LOCKED, Status.CANCELLED}),
    Status.LOST_TEMPORARY: frozenset({Status.ACTIVE, Status.LOST, Status.CANCELLED}),
    Status.LOST: frozenset({Status.ACTIVE, Status.CANCELLED}),
    Status.LOCKED: frozenset({Status.ACTIVE, Status.CANCELLED}),
    Status.CANCELLED: frozenset(),
}
HOLDER_MOVES = {Status.ACTIVE: Status.LOST_TEMPORARY, Status.LOST_TEMPORARY: Status.ACTIVE}
"""What a holder may do alone on the phone: report a loss, and take it back with the password."""


def sources_of(target: Status) -> list[str]:
    """Return the states from which a card may be moved to `target`."""
    return [source.value for source, targets in _MOVES.items() if target in targets]


def check_move(current: Status, target: Status) -> None:
    """Check that a card may go from `current` to `target`; raises StatusConflict with both names."""
    if target not in _MOVES[current]:
        raise StatusConflict(current=current.value, wanted=target.value)


PASSWORD_TRIES = 6
"""Wrong passwords within 24 h after which the e-card's password is locked for 24 h."""
BUSI_SEQ_SECONDS = 300
"""How long a proven password (busiSeq, 操作验证串) may be used, and a code may say so."""
_PASSWORD_DIGITS = 6


def check_password_form(password: str) -> None:
    """Check that a new password is six ASCII digits, not all equal and no run; raises PasswordNotAllowed."""
    if not (len(password) == _PASSWORD_DIGITS and password.isascii() and password.isdecimal()):
        raise PasswordNotAllowed
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(password)}
    if steps in ({0}, {1}, {-1}):
        raise PasswordNotAllowed


class Relation(StrEnum):
    """亲情账户: a relative whose card the holder may show."""

    ELDER = "elder"
    CHILD = "child"
    SPOUSE = "spouse"
    OTHER = "other"


QUOTA: Mapping[Relation, int] = {Relation.ELDER: 4, Relation.CHILD: 3, Relation.SPOUSE: 1, Relation.OTHER: 2}
"""Ten in all."""


def check_quota(existing: Sequence[str], wanted: Relation) -> None:
    """Check that one more relative of this kind fits; raises QuotaReached with `quota`."""
    if existing.count(wanted.value) >= QUOTA[wanted]:
        raise QuotaReached(relation=wanted.value, quota=QUOTA[wanted])


def mask_name(name: str) -> str:
    """Return a name as a card face shows it: the last character, the rest hidden ("**三")."""
    return "*" * (len(name) - 1) + name[-1:]


def mask_number(number: str) -> str:
    """Return a number's first and last character, the rest hidden."""
    visible = 2
    return number if len(number) <= visible else number[0] + "*" * (len(number) - visible) + number[-1]
