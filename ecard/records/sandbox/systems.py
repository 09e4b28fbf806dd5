"""The sandbox's systems as sources: they answer from a life, and fail as its address says."""

import asyncio
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from ecard.cards.model import Profile
from ecard.clock import Clock
from ecard.records.model import Person, Row
from ecard.records.sandbox import care, home, insured, work
from ecard.records.sandbox.faults import SLOW_SECONDS, Fault, faults_of
from ecard.records.sandbox.life import Life
from ecard.records.sources import RecordSource, SourceFailed
from ecard.workdays import BEIJING

SECTIONS: Mapping[str, Callable[[Life], Iterable[Row]]] = (
    work.SECTIONS | insured.SECTIONS | care.SECTIONS | home.SECTIONS
)
"""What fills each section."""


class SandboxSystem:
    """A business system of the sandbox."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name, self._clock = name, clock

    async def ask(self, person: Person, sections: Sequence[str]) -> Mapping[str, Sequence[Row]]:
        """Return the sections of the person's life; raises SourceFailed, or is slow, where the address says so."""
        fault = faults_of(person.profile.address).get(self._name)
        if fault is Fault.DOWN:
            raise SourceFailed
        if fault is Fault.SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        if fault is Fault.WRONG:
            return {name: [{"wrong": 1}] for name in sections}
        today = datetime.datetime.fromtimestamp(self._clock.time(), BEIJING).date()
        found = await asyncio.to_thread(_answer, person.profile, today, tuple(sections))
        return {name: rows * (2 if fault is Fault.TWICE else 1) for name, rows in found.items()}


_life = lru_cache(maxsize=32)(Life)
"""The lives last asked about: one look-up asks many systems of one life."""


def _answer(profile: Profile, today: datetime.date, sections: Sequence[str]) -> dict[str, list[Row]]:
    life = _life(profile, today)
    return {name: list(SECTIONS[name](life)) for name in sections}


def sandbox_systems(clock: Clock) -> Mapping[str, RecordSource]:
    """Return every system of the sandbox by its name."""
    return {name: SandboxSystem(name, clock) for name in {section.partition(".")[0] for section in SECTIONS}}
