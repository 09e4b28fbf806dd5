"""Twelve fictitious personas, and which of them lives the life of a sandbox person; the data stand in personas.toml."""

import datetime
import tomllib
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from ecard.cards.model import Profile
from ecard.catalogue.model import Line


class Job(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """Work from one age to another (years), at so many hundredths of the average wage."""

    since: float
    until: float | None = None
    unit: Line
    kind: Literal["enterprise", "institution", "flexible", "resident"] = "enterprise"
    level: int = 100
    post: Line
    special: Line | None = None
    fund: bool = False
    dismissed: bool = False


class Injury(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An injury at work, and the grade that it was assessed at."""

    age: float
    part: Line
    grade: int


class Loan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A loan of the housing fund, in whole 元."""

    age: float
    amount: int
    months: int


class Dispute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Wages not paid for some months before: mediated in vain, awarded, and recovered by the inspection."""

    age: float
    months: int


class Exam(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An examination: its subjects' scores, and the pass mark."""

    age: float
    name: Line
    subjects: dict[str, int]
    mark: int


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate: of what, at which level, from whom."""

    age: float
    name: Line
    level: Line
    by: Line
    code: str = ""


class Persona(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A life by ages, lived by this person and by those of the sandbox whom it fits (`ages`, `sex`)."""

    name: Line
    id_no: str
    ages: tuple[int, int]
    sex: Literal["", "1", "2"] = ""
    retires: int = 60
    deemed: bool = False
    archive: str = ""
    assistance: str = ""
    job: tuple[Job, ...] = ()
    injury: Injury | None = None
    birth: float | None = None
    loan: Loan | None = None
    dispute: Dispute | None = None
    exam: tuple[Exam, ...] = ()
    professional: tuple[Proof, ...] = ()
    vocational: tuple[Proof, ...] = ()
    skill: tuple[Proof, ...] = ()
    diploma: tuple[Proof, ...] = ()


@cache
def personas() -> tuple[Persona, ...]:
    """Return the twelve."""
    document = tomllib.loads((Path(__file__).parent / "personas.toml").read_text("utf-8"))
    return msgspec.convert(document["persona"], tuple[Persona, ...])


def draw(id_no: str, tag: str, below: int) -> int:
    """Return a number below `below` that depends on a person and a tag alone."""
    return int.from_bytes(sha256(f"{id_no} {tag}".encode()).digest()[:8]) % below


def persona_of(profile: Profile, today: datetime.date) -> Persona:
    """Return whose life a person lives: the own one's, else one that fits age and sex, always the same that year."""
    own = next((one for one in personas() if one.id_no == profile.id_no), None)
    if own is not None:
        return own
    born = datetime.date.fromisoformat(profile.birth_date)
    age = today.year - born.year
    fitting = [one for one in personas() if one.ages[0] <= age <= one.ages[1] and one.sex in {"", profile.sex}]
    return fitting[draw(profile.id_no, "persona", len(fitting))]
