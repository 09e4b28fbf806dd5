"""Issuing codes: nothing is written and nothing looked up, because a million screens refresh twice a minute."""

from typing import NamedTuple

from ecard.access import store as actors
from ecard.callers import Holder
from ecard.cards import family
from ecard.catalogue.model import Scene
from ecard.desk.errors import CardSuspended
from ecard.encoding import b64url
from ecard.keyring.model import Key, Purpose
from ecard.runtime import Runtime
from qr import handle, number
from qr.errors import StatusUnknown
from qr.model import (
    CHAIN,
    EPOCH,
    LIFETIME,
    PASSWORD_PROVEN,
    RELATIVE,
    STEP,
    TICKET,
    Body,
    FareClass,
    signed_certificate,
    signed_ticket,
    step_at,
    text,
)
from qr.schemas import Certificate, CertificateRequest, Codes, CodesRequest, ShownCode
from qr.verify import pack_device_key


class Showing(NamedTuple):
    """Whose card a phone shows, and what was proven on it."""

    card: int
    device: int
    proven_until: float = 0.0
    own: bool = True
    fare: int = FareClass.FULL
    fare_until: float = 0.0

    def flags(self, step: int, scene: Scene) -> int:
        """Return the flags of a code shown in `step`: a proof that ends before it begins is none.

        A fare class is told to gates alone, and only by the holder's own phone: a gate cannot see who shows it.
        """
        proven = PASSWORD_PROVEN if step * STEP < self.proven_until else 0
        if not self.own:
            return proven | RELATIVE
        rides = scene is Scene.RIDE and step * STEP < self.fare_until
        return proven | FareClass(self.fare).flags if rides else proven


async def issue(runtime: Runtime, holder: Holder, asked: CodesRequest) -> Codes:
    """Return `count` codes from the current step on, for the holder's card or a relative's.

    Raises CardSuspended, StatusUnknown, NotFound (no such relative), NoKey.
    """
    now = runtime.clock.time()
    card = holder.card if asked.relative is None else await family.card_of(runtime, holder, asked.relative)
    _require_alive(runtime, card, holder.card)
    own = asked.relative is None
    showing = Showing(card, holder.seq, holder.verified_until, own, holder.fare, holder.fare_until)
    key = runtime.ring.signing(Purpose.CODE, now)
    first, scene = step_at(now), Scene[asked.scene.name]
    codes = make(runtime, key, showing, scene, first, asked.count)
    return Codes(codes=codes, rotate_seconds=STEP, server_time=int(now))


def _require_alive(runtime: Runtime, *cards: int) -> None:
    if not runtime.denied.fresh():
        raise StatusUnknown(headers={"Retry-After": "1"})
    if not runtime.denied.cards.isdisjoint(cards):
        raise CardSuspended


def make(runtime: Runtime, key: Key, showing: Showing, scene: Scene, first: int, count: int) -> list[ShownCode]:
    """Return the codes of `count` steps from `first` on; no I/O."""
    vault, bits = runtime.vault, runtime.settings.status_bits
    handles = handle.seal(vault, key.kid, showing.card, showing.device, count)
    mac = vault.keyed("number")
    codes, epoch, place = [], -1, 0
    for step, sealed in enumerate(handles, first):
        if step * STEP // EPOCH != epoch:
            epoch = step * STEP // EPOCH
            place = handle.permutation(vault, epoch, bits).place(showing.card)
        body = Body(TICKET, key.slot, scene, showing.flags(step, scene), step, LIFETIME, place, sealed).pack()
        codes.append(
            ShownCode(
                code=text(body + key.signer.sign(signed_ticket(body))),
                show_from=step * STEP,
                valid_until=(step + LIFETIME) * STEP,
                # The digits cannot say that somebody else shows them, so a relative's code has none.
                number=number.issue(mac, showing.card, step, scene, card_bits=bits) if showing.own else None,
            )
        )
    return codes


async def certify(runtime: Runtime, holder: Holder, asked: CertificateRequest) -> Certificate:
    """Return a certificate of the phone's key; raises CardSuspended, StatusUnknown, NoKey.

    One for rides bears the fare class, and lives no longer than that is vouched for.
    """
    now, hours, scene, flags = runtime.clock.time(), asked.hours, 0, 0
    if asked.scene is not None:
        scene, vouched = int(Scene.RIDE), int(holder.fare_until - now) // 3600
        if holder.fare != FareClass.FULL and vouched >= 1:
            flags, hours = FareClass(holder.fare).flags, min(hours, vouched)
    _require_alive(runtime, holder.card)
    key = runtime.ring.signing(Purpose.CODE, now)
    suite, public = await actors.public_key(runtime.pool, holder.actor)
    first = step_at(now)
    place = handle.permutation(runtime.vault, first * STEP // EPOCH, runtime.settings.status_bits).place(holder.card)
    [sealed] = handle.seal(runtime.vault, key.kid, holder.card, holder.seq)
    body = Body(CHAIN, key.slot, scene, flags, first, hours, place, sealed).pack()
    certificate = body + pack_device_key(suite, public)
    signature = key.signer.sign(signed_certificate(certificate))
    return Certificate(
        certificate=b64url(certificate + signature), expires_at=first * STEP + hours * 3600, server_time=int(now)
    )
