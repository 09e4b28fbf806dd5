"""待遇资格认证 (certification of entitlement): how it is proven and how long it is good; pure.

A certification is good for twelve months from the day that it was made, whenever the one before would have ended
(认证周期滚动). What a dispute took away certifies nobody.
"""

import datetime
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from ecard.catalogue.model import Catalogue, Flow, Item, Route, Strength
from ecard.certification.errors import CaseNeeded, FaceNeeded


class CertifiedBy(StrEnum):
    """人脸, 窗口, 资料审核: by the face, by a clerk who sees the holder, by documents that were reviewed."""

    FACE = "face"
    COUNTER = "counter"
    CASE = "case"


class CertificationState(StrEnum):
    """Whether a certification is in force."""

    VALID = "valid"
    LAPSED = "lapsed"


class Certified(NamedTuple):
    """A certification that was made; `disputed`: its holder says that it was somebody else."""

    item: str
    valid_until: datetime.datetime
    disputed: bool


class Standing(NamedTuple):
    """How a holder stands with an item: the latest end of a certification that is not disputed."""

    item: str
    state: CertificationState
    valid_until: datetime.datetime


def how(item: Item, *, setting: str, strength: Strength, by_relative: bool, face_passed: bool) -> CertifiedBy:
    """Return how a visit of `item` certifies its holder.

    A clerk at a counter sees who is there; an unattended place, the own phone and a relative who came instead do not,
    and an item that is done at once by a bank (即办件, A3-18) compares faces. Raises FaceNeeded, or CaseNeeded where
    the item's documents are reviewed (A3-17, A3-19).
    """
    if item.route in {Route.TWO_LEVEL, Route.THREE_LEVEL}:
        raise CaseNeeded
    if face_passed or (strength is Strength.BIOMETRIC and not by_relative):
        return CertifiedBy.FACE
    if setting == "counter" and not by_relative and item.route is None:
        return CertifiedBy.COUNTER
    raise FaceNeeded


def fallback(catalogue: Catalogue, item: Item) -> str | None:
    """Return the item that certifies by documents when the face does not match; None where there is no such item."""
    others = (one for one in catalogue.items if one.flow is Flow.CERTIFY and one.route is Route.THREE_LEVEL)
    return next((one.code for one in others if item.group is not None and one.group == item.group), None)


def standings(history: Sequence[Certified], now: datetime.datetime) -> list[Standing]:
    """Return how a holder stands with each item that ever certified them, in the order of the items' codes."""
    ends: dict[str, datetime.datetime] = {}
    for one in history:
        if not one.disputed:
            ends[one.item] = max(one.valid_until, ends.get(one.item, one.valid_until))
    return [
        Standing(item, CertificationState.VALID if now < end else CertificationState.LAPSED, end)
        for item, end in sorted(ends.items())
    ]
