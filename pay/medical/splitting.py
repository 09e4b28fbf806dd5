"""待遇计算: how a total is split into legs, by a region's rule, the person and what the year has counted; pure.

Whoever pays comes in the order of `LegKind`, each takes from what the one before has left, and cash is what is left at
the end: so Σ legs = total, and none is negative. Shares are per mille and cut down to the 分.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import msgspec

from ecard.access.schemas import Body
from pay.medical.errors import RulesRefused
from pay.medical.model import MOST, Category, FeeTotals, Grade, Sums

Mille = Annotated[int, msgspec.Meta(ge=0, le=1000, description="千分比 (per mille)")]
Fen = Annotated[int, msgspec.Meta(ge=0, le=MOST, description="金额, 单位分 (in 分)")]
WHOLE = 1000


class Band(Body, frozen=True, kw_only=True):
    """费用段: of what is eligible up to `up_to` in the year (None: the rest) this share is paid."""

    up_to: Fen | None = None
    share: Mille


class Cover(Body, frozen=True, kw_only=True):
    """What another payer takes of what is left: a share above `over` in the year, up to `cap` in the year."""

    share: Mille
    over: Fen = 0
    cap: Fen | None = None


class Rule(Body, frozen=True, kw_only=True):
    """待遇政策 of one scheme and kind of care.

    `b_first` is what a patient bears first of class 乙. `deductible` by grade (none: 0) counts once a year, or anew for
    each settlement. `bands` rise, `by_grade` adds to or takes from their shares. `cap` is the fund's most in a year,
    `limit` the most of one settlement. Aid and commercial insurance pay where they are settled in one step (A2-56).
    """

    limit: Fen
    b_first: Mille = 0
    deductible: Mapping[Grade, Fen] = {}
    deductible_yearly: bool = True
    bands: Annotated[Sequence[Band], msgspec.Meta(max_length=12)] = ()
    by_grade: Mapping[Grade, Annotated[int, msgspec.Meta(ge=-1000, le=1000)]] = {}
    cap: Fen | None = None
    serious: Cover | None = None
    civil: Cover | None = None
    aid: Cover | None = None
    commercial: Cover | None = None
    personal: bool = False


class Patient(NamedTuple):
    """Who is treated where: grade of the institution, categories of the person, settled in one step or not."""

    grade: Grade
    categories: frozenset[Category]
    one_stop: bool
    account: int
    """分 that the personal account has free."""


class Split(NamedTuple):
    """The legs in the order of `LegKind`, and what they add to the year."""

    legs: tuple[int, int, int, int, int, int, int]
    added: Sums


def check_rule(rule: Rule, pointer: str) -> None:
    """Check that a rule's bands rise and only the last is open; raises RulesRefused."""
    before = 0
    for place, band in enumerate(rule.bands):
        last = place == len(rule.bands) - 1
        if (band.up_to is None and not last) or (band.up_to is not None and band.up_to <= before):
            raise RulesRefused(pointer=f"{pointer}/bands/{place}/up_to")
        before = band.up_to or before


def split(rule: Rule, fees: FeeTotals, year: Sums, patient: Patient) -> Split:
    """Return what each payer bears of `fees`.

    >>> rule = Rule(limit=10**8, deductible={Grade.TERTIARY: 1000}, bands=[Band(share=800)], personal=True)
    >>> split(rule, FeeTotals(11000, 0, 500), Sums(), Patient(Grade.TERTIARY, frozenset(), False, 600)).legs
    (7600, 0, 0, 0, 0, 600, 2800)
    """
    eligible = fees.total - fees.class_c - fees.class_b * rule.b_first // WHOLE
    begun = year.deductible if rule.deductible_yearly else 0
    deductible = min(eligible, max(rule.deductible.get(patient.grade, 0) - begun, 0))
    base = eligible - deductible
    pooled = _within(_banded(rule, patient.grade, year.eligible, base), rule.cap, year.pooled)
    borne = eligible - pooled
    serious = _covered(rule.serious, year.borne, borne, year.serious)
    left = borne - serious
    civil = _covered(rule.civil if Category.CIVIL_SERVANT in patient.categories else None, 0, left, 0)
    left -= civil
    aided = patient.one_stop and Category.MEDICAL_AID in patient.categories
    aid = _covered(rule.aid if aided else None, 0, left, year.aid)
    left = fees.total - pooled - serious - civil - aid
    bought = patient.one_stop and Category.COMMERCIAL in patient.categories
    commercial = _covered(rule.commercial if bought else None, 0, left, year.commercial)
    left -= commercial
    personal = min(left, max(patient.account, 0)) if rule.personal else 0
    legs = (pooled, serious, civil, aid, commercial, personal, left - personal)
    return Split(legs, Sums(deductible, base, pooled, borne, serious, aid, commercial))


def _banded(rule: Rule, grade: Grade, before: int, base: int) -> int:
    """Return what the bands pay of `base`, which comes on top of what the year had before."""
    paid, low, end = 0, 0, before + base
    for band in rule.bands:
        high = end if band.up_to is None else band.up_to
        part = max(0, min(end, high) - max(before, low))
        paid += part * _share(band.share + rule.by_grade.get(grade, 0)) // WHOLE
        low = max(low, high)
    return paid


def _share(mille: int) -> int:
    return min(max(mille, 0), WHOLE)


def _covered(cover: Cover | None, before: int, amount: int, paid: int) -> int:
    """Return what a payer takes of `amount`: of what lies above its threshold, counting what came before."""
    if cover is None:
        return 0
    above = max(before + amount - cover.over, 0) - max(before - cover.over, 0)
    return _within(above * cover.share // WHOLE, cover.cap, paid)


def _within(amount: int, cap: int | None, paid: int) -> int:
    return amount if cap is None else min(amount, max(cap - paid, 0))
