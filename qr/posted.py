"""场所码 (posted code): what a place shows on its screen, for holders' phones to scan.

The same 93 bytes as a ticket, in mode 3: the place stands in the field of the status list, what it shows the
code of (16 bytes, such as a class) in that of the handle, and the issuer signs it under a name of its own. A
reader of holders' codes takes no such mode, and this one takes no other, so neither passes for the other.

Shown and read by the same issuer, it needs no tolerance of clocks at its end: 60 seconds are all.
"""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from ecard.catalogue.model import Scene
from ecard.clock import SKEW
from ecard.keyring.model import Key
from qr.errors import CodeClockSkew, CodeExpired, CodeForged, CodeKeyRevoked, CodeKeyUnknown, CodeMalformed
from qr.model import LIFETIME, POSTED, STEP, TICKET_BYTES, Body, mode_of, step_at, text, unwrap
from qr.verify import SlotKey


class Posted(NamedTuple):
    """What a posted code says: of what (`subject`), which part of it (`number`), and for what it is shown."""

    subject: UUID
    number: int
    scene: int
    step: int

    @property
    def valid_until(self) -> int:
        """The second at which it is dead."""
        return (self.step + LIFETIME) * STEP


def signed_posted(body: bytes) -> bytes:
    """Return what the issuer signs: the body, under the format's name for codes that a place shows."""
    return b"EC1P" + body


def post(key: Key, subject: UUID, number: int, scene: Scene, now: float) -> tuple[str, Posted]:
    """Return the code to show at `now` (Unix seconds) and what it says; the next one is due with the next step."""
    posted = Posted(subject, number, scene, step_at(now))
    body = Body(POSTED, key.slot, scene, 0, posted.step, LIFETIME, number, subject.bytes).pack()
    return text(body + key.signer.sign(signed_posted(body))), posted


def open_posted(scanned: str, keys: Mapping[int, SlotKey], now: float) -> Posted:
    """Return what a scanned code says, proven to be the issuer's and valid at `now` (Unix seconds).

    Raises CodeMalformed (also for a holder's code), CodeKeyUnknown, CodeKeyRevoked, CodeForged, CodeExpired with
    `age_seconds`, CodeClockSkew, and what `qr.model.unwrap` does.
    """
    raw = unwrap(scanned)
    if mode_of(raw) != POSTED or len(raw) != TICKET_BYTES:
        raise CodeMalformed
    body = Body.unpack(raw)
    key = keys.get(body.slot)
    if key is None:
        raise CodeKeyUnknown
    if key.revoked:
        raise CodeKeyRevoked
    signed = body.pack()
    if not key.verifier.verify(signed_posted(signed), raw[len(signed) :]):
        raise CodeForged
    posted = Posted(UUID(bytes=body.handle), body.place, body.scene, body.step)
    if now < posted.step * STEP - SKEW:
        raise CodeClockSkew(offset_seconds=round(posted.step * STEP - now), server_time=int(now))
    if now >= posted.valid_until:
        raise CodeExpired(age_seconds=round(now - posted.valid_until), server_time=int(now))
    return posted
