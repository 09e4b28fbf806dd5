"""One thread for each held card: a reader that hangs holds up nobody, and a caller waits two seconds at most."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from cardio.commands.apdu import OK, check
from cardio.commands.resolve import resolve
from cardio.errors import BadAnswer, CardError, NotAllowed, TimedOut
from cardio.transport.reader import LIMIT

_STAYS = (NotAllowed, BadAnswer)
"""Errors of one command, after which the card may be asked again."""


_DONE = OK.to_bytes(2)


class Channel(Protocol):
    """What a transport does itself, always called from one thread."""

    def connect(self) -> tuple[bytes, bool]:
        """Take the card; return its ATR, and whether it speaks T=0."""
        ...

    def transmit(self, command: bytes) -> bytes:
        """Return the answer as it came."""
        ...

    def disconnect(self) -> None:
        """Let go of the card; raises nothing."""
        ...


class Held:
    """A card that this process alone holds, through a channel (see `cardio.transport.reader.Reader`).

    Commands go to the channel's thread by batches: a hop for each would cost a sixth of a fast reader's exchange.
    Where the channel does not come back within LIMIT, the caller is told TimedOut, and the thread lets go of the
    card as soon as it can: PC/SC has no way to cut a command off.
    """

    def __init__(self, name: str, channel: Channel) -> None:
        self.name = name
        self._channel = channel
        self._jobs: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._since = time.monotonic()
        self._dead: CardError | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name=f"card in {name}", daemon=True)
        self._thread.start()
        self.atr, self._t0 = self._do(channel.connect)

    def transmit(self, command: bytes) -> bytes:
        """Return the answer to one command."""
        return self.exchange((command,))[0]

    def exchange(self, commands: Sequence[bytes], *, stop_on_error: bool = True) -> list[bytes]:
        """Return the answers to a batch."""
        for command in commands:
            check(command)
        answers: list[bytes] = self._do(lambda: self._exchange(commands, stop_on_error=stop_on_error))
        return answers

    def close(self) -> None:
        """Let go of the card; when this returns, another may take it, unless it timed out and hangs still."""
        with self._lock:
            if self._dead is None:
                self._dead = CardClosed()
                self._jobs.put(None)
            hangs = isinstance(self._dead, TimedOut)
        if not hangs:
            self._thread.join(LIMIT)

    @property
    def ended(self) -> bool:
        """Whether its thread is over, and the card let go."""
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Let go of the card."""
        del kind, error, at
        self.close()

    def _exchange(self, commands: Sequence[bytes], *, stop_on_error: bool) -> list[bytes]:
        answers = []
        for command in commands:
            self._since = time.monotonic()
            answers.append(resolve(self._transmit, command, t0=self._t0))
            if stop_on_error and not answers[-1].endswith(_DONE):
                break
        return answers

    def _transmit(self, command: bytes) -> bytes:
        if self._dead is not None:
            raise self._dead
        return self._channel.transmit(command)

    def _do(self, job: Callable[[], Any]) -> Any:
        with self._lock:
            if self._dead is not None:
                raise self._dead
            self._since = time.monotonic()
            self._jobs.put(job)
            try:
                answer = self._wait()
            except TimedOut as error:
                answer = error
            if isinstance(answer, BaseException):
                if not isinstance(answer, _STAYS):
                    self._dead = answer if isinstance(answer, CardError) else CardClosed()
                    self._jobs.put(None)
                    if not isinstance(answer, TimedOut):
                        self._thread.join(LIMIT)
                raise answer
            return answer

    def _wait(self) -> Any:
        while (left := self._since + LIMIT - time.monotonic()) > 0:
            try:
                return self._done.get(timeout=left)
            except queue.Empty:
                continue
        raise TimedOut

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            answer: Any
            try:
                answer = job()
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                answer = error
            self._done.put(answer)
        self._channel.disconnect()


class CardClosed(CardError):
    """The card was let go before."""

    code = "card_closed"
