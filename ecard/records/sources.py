"""The seam to business systems, and asking several at once: none is waited for beyond its time."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from ecard.records.layout import Layout
from ecard.records.model import Malformed, Part, Person, RecordGap, Row, checked

MOST_AT_ONCE = 64
"""Questions that one system may leave open: of a system that hangs, no more pile up."""


class SourceFailed(Exception):
    """A system cannot answer now."""


class RecordSource(Protocol):
    """A business system: an agency's, the sandbox's, or a part of our own."""

    async def ask(self, person: Person, sections: Sequence[str]) -> Mapping[str, Sequence[Row]]:
        """Return the rows of each of the person's `sections`, in the order to be shown; raises SourceFailed."""
        ...


class Asker:
    """Asks systems; what is missing is said, with its reason."""

    def __init__(self, layout: Layout, sources: Mapping[str, RecordSource]) -> None:
        """Take the layout, and the source of each system that is connected."""
        self.layout = layout
        self._sources = sources
        self._open: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Mapping[str, Sequence[Row]]]] = set()

    async def ask(self, person: Person, sections: Sequence[str]) -> list[Part]:
        """Return each section as its system answered, in this order; every system is asked once, all at the same time.

        It takes as long as the slowest system, at most as long as the longest limit among them.
        """
        by_system: dict[str, list[str]] = {}
        for name in sections:
            by_system.setdefault(name.partition(".")[0], []).append(name)
        answers = await asyncio.gather(*(self._one(system, person, names) for system, names in by_system.items()))
        parts = {part.section: part for answer in answers for part in answer}
        return [parts[name] for name in sections]

    async def _one(self, system: str, person: Person, names: Sequence[str]) -> list[Part]:
        source = self._sources.get(system)
        if source is None:
            return _missing(names, RecordGap.NOT_CONNECTED)
        if self._open[system] >= MOST_AT_ONCE:
            return _missing(names, RecordGap.BUSY)
        task = asyncio.ensure_future(source.ask(person, names))
        self._open[system] += 1
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(system, done))
        # A source that does not heed its cancellation is left to itself: nobody waits for it.
        await asyncio.wait({task}, timeout=self.layout.systems[system].seconds)
        if not task.done():
            task.cancel()
            return _missing(names, RecordGap.TIMEOUT)
        if task.cancelled() or task.exception() is not None:
            return _missing(names, RecordGap.UNAVAILABLE)
        return self._read(names, task.result())

    def _read(self, names: Sequence[str], answer: Mapping[str, Sequence[Row]]) -> list[Part]:
        return [self._part(name, answer) for name in names]

    def _part(self, name: str, answer: Mapping[str, Sequence[Row]]) -> Part:
        try:
            return Part(name, checked(self.layout.sections[name], answer[name]))
        except (Malformed, KeyError, TypeError, AttributeError):
            return Part(name, reason=RecordGap.MALFORMED)

    def _ended(self, system: str, task: asyncio.Task[Mapping[str, Sequence[Row]]]) -> None:
        self._open[system] -= 1
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # asked for, so that nothing is said of it when the task is forgotten


def _missing(names: Sequence[str], reason: RecordGap) -> list[Part]:
    return [Part(name, reason=reason) for name in names]
