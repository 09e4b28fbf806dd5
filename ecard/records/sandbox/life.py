"""A life, month by month: where somebody worked, for what wage, and what was contributed."""

import datetime
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from ecard.cards.model import Profile
from ecard.records.sandbox import figures
from ecard.records.sandbox.figures import average, bp
from ecard.records.sandbox.personas import Job, Persona, draw, persona_of

PENSION, MEDICAL, INJURY, UNEMPLOYMENT = "基本养老保险", "基本医疗保险", "工伤保险", "失业保险"
RESIDENT_PENSION, RESIDENT_MEDICAL = "城乡居民基本养老保险", "城乡居民基本医疗保险"
PENSIONS = (PENSION, RESIDENT_PENSION)


class Stint(NamedTuple):
    """A job from its first month to its last, None while it lasts; `number` counts the jobs of a life."""

    number: int
    job: Job
    first: int
    last: int | None


class Paid(NamedTuple):
    """A month's contribution to one insurance; `credited` is what of it goes to the own account."""

    month: int
    insurance: str
    unit: str
    base: int
    employer: int
    own: int
    credited: int


class Life:
    """What happened to one person until the end of the month before `today`."""

    def __init__(self, profile: Profile, today: datetime.date) -> None:
        self.profile = profile
        self.today = today
        self.persona: Persona = persona_of(profile, today)
        born = datetime.date.fromisoformat(profile.birth_date)
        self.born = figures.month_of(born.year, born.month)
        self.now = figures.month_of(today.year, today.month) - 1
        """The last month that is over."""

    def at(self, age: float) -> int:
        """Return the month in which somebody was `age` years old."""
        return self.born + round(age * 12)

    def happened(self, age: float | None) -> int | None:
        """Return the month of something that happens at `age`, None if it has not happened (yet)."""
        return None if age is None or self.at(age) > self.now else self.at(age)

    def draw(self, tag: str, below: int) -> int:
        """Return a number below `below`, always the same of this person and tag."""
        return draw(self.profile.id_no, tag, below)

    def number(self, prefix: str, tag: str) -> str:
        """Return a number of a file, always the same of this person and tag."""
        return f"{prefix}{draw(self.profile.id_no, prefix + tag, 10**10):010d}"

    @cached_property
    def retired(self) -> int | None:
        """The first month of the pension, None before it: the age is reached, and fifteen years are contributed."""
        month = self.happened(self.persona.retires)
        return month if month is not None and self.persona.job else None

    @cached_property
    def stints(self) -> list[Stint]:
        """The jobs that have begun, oldest first."""
        found = []
        for number, job in enumerate(self.persona.job):
            first = self.at(job.since)
            last = None if job.until is None else self.at(job.until) - 1
            end = min(last if last is not None else self.now + 1, (self.retired or self.now + 2) - 1)
            if first <= self.now:
                found.append(Stint(number, job, first, end if end <= self.now else None))
        return found

    def working(self, month: int) -> Stint | None:
        """Return the job of a month."""
        return next((one for one in self.stints if one.first <= month <= (one.last or self.now)), None)

    def wage(self, stint: Stint, month: int) -> int:
        """Return a month's wage, whole 元."""
        return average(month // 12) * stint.job.level // 10_000 * 100

    def base(self, stint: Stint, month: int) -> int:
        """Return what contributions are reckoned from: the wage, between 60 % and 300 % of the average."""
        mean = average(month // 12 - 1)
        return min(max(self.wage(stint, month), mean * 60 // 100), mean * 3)

    @cached_property
    def deemed(self) -> int:
        """Months worked before there were accounts that count as if contributed."""
        if not self.persona.deemed:
            return 0
        return sum(max(0, min(one.last or self.now, figures.SINCE - 1) - one.first + 1) for one in self.stints)

    @cached_property
    def paid(self) -> list[Paid]:
        """Every contribution there was, oldest first."""
        return [
            one
            for stint in self.stints
            for month in range(max(stint.first, figures.SINCE), (self.now if stint.last is None else stint.last) + 1)
            for one in self._contributed(stint, month)
        ]

    def _contributed(self, stint: Stint, month: int) -> Iterator[Paid]:
        unit, base = stint.job.unit, self.base(stint, month)
        if stint.job.kind == "resident":
            own, subsidy = figures.RESIDENT_OWN, figures.RESIDENT_SUBSIDY
            yield Paid(month, RESIDENT_PENSION, unit, own, subsidy, own, own + subsidy)
            yield Paid(month, RESIDENT_MEDICAL, unit, figures.RESIDENT_MEDICAL, 0, figures.RESIDENT_MEDICAL, 0)
            return
        credited = bp(base, figures.PENSION_OWN)
        if stint.job.kind == "flexible":
            yield Paid(month, PENSION, unit, base, 0, bp(base, figures.FLEXIBLE_PENSION), credited)
            whole = bp(base, figures.MEDICAL_OWN + figures.MEDICAL_EMPLOYER)
            yield Paid(month, MEDICAL, unit, base, 0, whole, 0)
            return
        yield Paid(month, PENSION, unit, base, bp(base, figures.PENSION_EMPLOYER), credited, credited)
        medical = bp(base, figures.MEDICAL_OWN)
        yield Paid(month, MEDICAL, unit, base, bp(base, figures.MEDICAL_EMPLOYER), medical, medical)
        yield Paid(month, INJURY, unit, base, bp(base, figures.INJURY_EMPLOYER), 0, 0)
        out = bp(base, figures.UNEMPLOYMENT_EMPLOYER), bp(base, figures.UNEMPLOYMENT_OWN)
        yield Paid(month, UNEMPLOYMENT, unit, base, *out, 0)

    @cached_property
    def pension_months(self) -> list[Paid]:
        """The contributions to a pension, oldest first."""
        return [one for one in self.paid if one.insurance in PENSIONS]

    @property
    def bank(self) -> str:
        """The end of the account that money comes to."""
        account = self.profile.bank_account
        return f"尾号 {account[-4:]}" if account else "社会保障卡账户"
