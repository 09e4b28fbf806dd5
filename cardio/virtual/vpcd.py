"""A virtual card in a real pcscd: the card's side of vsmartcard's vpcd, whose reader listens on TCP.

Frames are a length of two bytes (big-endian) and a body. A body of one byte is an order: 0 off, 1 on, 2 reset, without
an answer, and 4, answered by the ATR. Anything else is an APDU, answered by data and status word. The card is taken
out by hanging up.

vpcd listens on every address of its network: run it in a network of its own, never on a counter's PC.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from cardio.errors import CardRemoved
from cardio.transport.virtual import Powered

PORT = 35963
"""vpcd's first reader; the second is one above."""
_OFF, _ON, _RESET, _ATR = 0, 1, 2, 4
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


def serve(card: Powered, link: socket.socket) -> None:
    """Be in the reader until it hangs up, or the card takes itself out; closes the link."""
    with contextlib.closing(link), contextlib.suppress(ConnectionError, OSError):
        while (body := _frame(link)) is not None:
            if len(body) != 1:
                try:
                    answer = card.transmit(body)
                except CardRemoved:
                    return
                _send(link, answer)
            elif body[0] == _ATR:
                _send(link, card.atr)
            elif body[0] in {_OFF, _ON, _RESET}:
                card.reset()


class Inserted:
    """A card that is in a reader of vpcd, served by a thread, until it is removed."""

    def __init__(self, card: Powered, connect: Callable[[], socket.socket]) -> None:
        self._link = connect()
        self._thread = threading.Thread(target=serve, args=(card, self._link), daemon=True, name="virtual card")
        self._thread.start()

    @property
    def there(self) -> bool:
        """Whether it is still in."""
        return self._thread.is_alive()

    def remove(self) -> None:
        """Take it out."""
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)


def connected(host: str = "127.0.0.1", port: int = PORT, *, patience: float = 5.0) -> socket.socket:
    """Return a link to vpcd, waiting `patience` seconds for it; raises OSError."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return socket.create_connection((host, port), timeout=None)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _frame(link: socket.socket) -> bytes | None:
    head = _exactly(link, 2)
    return None if head is None else _exactly(link, int.from_bytes(head))


def _exactly(link: socket.socket, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        if _QUICKACK is not None:
            # vpcd sends a frame's length and body apart, and its kernel holds the body back until the length is
            # acknowledged: 40 ms for every command. The option does not last, so it is set before each recv.
            link.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        part = link.recv(count - len(data))
        if not part:
            return None
        data += part
    return data


def _send(link: socket.socket, body: bytes) -> None:
    link.sendall(len(body).to_bytes(2) + body)
