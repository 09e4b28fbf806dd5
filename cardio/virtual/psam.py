"""A virtual PSAM: a card with the sandbox's master keys that answers what `cardio.keys.psam` asks."""

from cardio.commands.apdu import Command
from cardio.errors import KeyMissing, NotAllowed
from cardio.keys.derive import card_key, cryptogram
from cardio.keys.model import HALF
from cardio.keys.psam import CRYPT, DERIVE, NAME
from cardio.keys.software import Masters, sandbox_masters
from cardio.profile.versions import Algorithm
from cardio.virtual.card import atr

_SERIAL = 0x5A4D


class VirtualPsam:
    """A PSAM card (see `cardio.transport.virtual.Powered`)."""

    def __init__(self, *, masters: Masters | None = None, t0: bool = False) -> None:
        self._masters = sandbox_masters() if masters is None else masters
        self.t0 = t0
        self.atr = atr(_SERIAL, t0=t0)
        self.reset()

    def reset(self) -> None:
        """Forget what was derived."""
        self._selected = False
        self._derived: tuple[Algorithm, bytes, bytes] | None = None
        self._rest = b""

    def transmit(self, raw: bytes) -> bytes:
        """Return the answer to an APDU."""
        try:
            return self._answer(Command.parse(raw))
        except NotAllowed:
            return b"\x67\x00"
        except (KeyMissing, KeyError, ValueError):
            return b"\x6a\x88"

    def _answer(self, command: Command) -> bytes:
        match (command.cla, command.ins):
            case (0x00, 0xA4):
                self._selected, self._derived = command.data == NAME, None
                return b"\x90\x00" if self._selected else b"\x6a\x82"
            case (0x00, 0xC0):
                return self._rest + b"\x90\x00"
            case order if order == DERIVE and self._selected and len(command.data) == 3 * HALF:
                algorithm = Algorithm(command.p1)
                serial, area, factor = (command.data[at : at + HALF] for at in (0, HALF, 2 * HALF))
                key = card_key(algorithm, self._masters[algorithm, command.p2], area, serial)
                self._derived = (algorithm, key, factor)
                return b"\x90\x00"
            case order if order == CRYPT and self._derived and len(command.data) == HALF:
                algorithm, key, factor = self._derived
                self._derived = None
                self._rest = cryptogram(algorithm, key, factor + command.data)
                return b"\x61\x08" if self.t0 else self._rest + b"\x90\x00"
        return b"\x69\x85"
