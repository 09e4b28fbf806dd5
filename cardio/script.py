"""Scripts: what is said to a card, without saying how it gets there (sans-I/O, ADR on scripts).

A script is a generator. It yields a batch of commands, is sent their answers, and returns its result, or raises a
CardError. The same script runs in the thread of a reader at the counter, against a card in this process, and on the
server over the bridge's link, which drives it itself. Its yields are the round trips.
"""

from collections.abc import Generator, Sequence
from typing import NamedTuple, TypeVar

from cardio.commands.apdu import Command, Response
from cardio.transport.reader import Reader


class Batch(NamedTuple):
    """Commands that are sent without looking at each other's answers.

    With `stop_on_error` the first answer that is not 9000 is the last: a script is sent fewer answers than it asked.
    """

    commands: tuple[Command, ...]
    stop_on_error: bool = True


T = TypeVar("T")
Script = Generator[Batch, Sequence[Response], T]
"""A script whose result is a T."""


def run(script: Script[T], reader: Reader) -> T:
    """Return what a script makes of the card in a reader; raises CardError."""
    try:
        batch = next(script)
        while True:
            raw = reader.exchange([one.encode() for one in batch.commands], stop_on_error=batch.stop_on_error)
            batch = script.send([Response.parse(one) for one in raw])
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        script.close()


def batch(*commands: Command, stop_on_error: bool = True) -> Batch:
    """Return a batch of these commands."""
    return Batch(commands, stop_on_error)
