"""61xx and 6Cxx, once and above every transport: PC/SC hides neither, and a reader at TPDU level shows both."""

from collections.abc import Callable

from cardio.commands.apdu import MAX_ANSWER, MAX_LE, OK, Command, Response
from cardio.errors import BadAnswer

_MORE, _WRONG_LE = 0x61, 0x6C
_DONE = OK.to_bytes(2)
_FETCHES = 4
"""How often in a row an answer may say that there is more: a card of 256 bytes at most says it once."""


def resolve(transmit: Callable[[bytes], bytes], asked: bytes, *, t0: bool) -> bytes:
    """Return the card's whole answer to a command: fetched (61xx), or asked again with the right length (6Cxx).

    Raises NotAllowed for what is no command, BadAnswer for what is no answer, and what `transmit` raises.
    """
    if not t0:
        # What most readers say most of the time needs no second look: a whole answer, and 9000.
        raw = transmit(asked)
        if raw.endswith(_DONE) and len(raw) <= MAX_ANSWER:
            return raw
        command, answer = Command.parse(asked), Response.parse(raw)
    else:
        command = Command.parse(asked)
        answer = Response.parse(transmit(command.encode(t0=True)))
    if answer.sw >> 8 == _WRONG_LE:
        le = answer.sw & 0xFF or MAX_LE
        again = Command(command.cla, command.ins, command.p1, command.p2, command.data, le)
        answer = Response.parse(transmit(again.encode(t0=t0)))
        if answer.sw >> 8 == _WRONG_LE:
            raise BadAnswer
    data = answer.data
    for _ in range(_FETCHES):
        if answer.sw >> 8 != _MORE:
            break
        fetch = Command(command.cla & 0x03, 0xC0, 0, 0, le=answer.sw & 0xFF or MAX_LE)
        answer = Response.parse(transmit(fetch.encode()))
        data += answer.data
    if answer.sw >> 8 == _MORE or len(data) > MAX_ANSWER - 2:
        raise BadAnswer
    return data + answer.sw.to_bytes(2)
