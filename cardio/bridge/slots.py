"""A reader as the event loop sees it: a thread of its own, the card in it, and whoever has it.

Readers block, and one that hangs must not hold up another. All calls of one reader go through its thread, in
their order: so a card is released before the next session opens it, even where a session was cut off midway.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cardio.errors import CardError
from cardio.transport.reader import Reader, Readers

T = TypeVar("T")


class Slot:
    """One reader."""

    def __init__(self, readers: Readers, name: str) -> None:
        self._readers, self.name = readers, name
        self.atr: bytes | None = None
        """The ATR of the card in it, MUTE of one that gives none, None without a card."""
        self.taken = False
        """Whether somebody holds its card."""
        self.leaving = False
        """Whether that somebody was told to let go."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"reader {name}")

    async def do(self, call: Callable[[], T]) -> T:
        """Return what a blocking call gives, made in the reader's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[Reader]:
        """Hold the card; it is let go, in the reader's thread, before this returns; raises CardError."""
        self.taken = True
        opening = asyncio.ensure_future(self.do(lambda: self._readers.hold(self.name)))
        try:
            # Cut off while it opens, the card that comes must be let go all the same.
            yield await asyncio.shield(opening)
        finally:
            await asyncio.shield(self._let_go(opening))

    async def _let_go(self, opening: asyncio.Future[Reader]) -> None:
        with contextlib.suppress(CardError):
            held = await opening
            await self.do(held.close)
        self.taken = self.leaving = False

    def end(self) -> None:
        """End the reader's thread once its last call is done."""
        self._thread.shutdown(wait=False)
