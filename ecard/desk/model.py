"""证据 (evidence) and what the catalogue makes of it; pure.

Three kinds of evidence become the same `Evidence`: a scanned code, a card read, an online login.
From here on only `form`, `strength` and `amr` tell them apart.
"""

from enum import StrEnum

import msgspec

from ecard.cards.model import Profile
from ecard.catalogue.model import Field, Form, Item, Proximity, Scene, Strength
from ecard.desk.errors import FormNotAccepted, TooWeak, WrongPlace, WrongScene

ASSERTION_SECONDS = 60
STANDS_SECONDS = 900
"""Seconds that a flow may go on from a visit: a form is filled in, a document printed."""
ONLINE = "online"
"""The setting of the holder's own phone, and the kind of its evidence."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Proof that a holder is present.

    `card` and `device` are the numbers of card and phone; `once` is burnt by its use, `shadow` as well
    where a second, weaker form of the same evidence exists (the digits under a code); `scene` is None
    where the evidence is for any. `amr` are RFC 8176's and our names of what was proven.
    """

    kind: str
    form: Form
    card: int
    device: int | None
    once: bytes
    shadow: bytes | None
    scene: Scene | None
    strength: Strength
    amr: tuple[str, ...]


class Outcome(StrEnum):
    """What the visit's one statement decided."""

    OK = "ok"
    RETRY = "retry"
    REPLAYED = "replayed"
    KEY_REUSED = "key_reused"
    UNKNOWN_CARD = "unknown_card"
    SUSPENDED = "suspended"
    LEVEL = "level"
    TERMINAL_REVOKED = "terminal_revoked"
    DEVICE_REVOKED = "device_revoked"
    NOT_ACTING = "not_acting"


_NEAR = {
    Proximity.ANY: frozenset({"counter", "kiosk", "gate", "till", "online"}),
    Proximity.TERMINAL: frozenset({"counter", "kiosk", "gate", "till"}),
    Proximity.COUNTER: frozenset({"counter"}),
}


def check(item: Item, evidence: Evidence, setting: str) -> None:
    """Check that `item` takes this evidence at a terminal of this setting.

    Raises FormNotAccepted, WrongScene, WrongPlace or TooWeak. Nothing is used up by a refusal.
    """
    check_form(item, evidence.form)
    if evidence.scene is not None and evidence.scene != item.scene:
        raise WrongScene(required=item.scene.name.lower())
    check_place(item, setting)
    if not evidence.strength.meets(item.strength):
        raise TooWeak(required=item.strength.value)


def check_place(item: Item, setting: str) -> None:
    """Check that `item` may be done at a place of this setting; raises WrongPlace."""
    if setting not in _NEAR[item.proximity]:
        raise WrongPlace(required=item.proximity.value)


def check_form(item: Item, form: Form) -> None:
    """Check that `item` takes this form of the card; raises FormNotAccepted."""
    if not item.permits(form):
        raise FormNotAccepted(accepted=[one.value for one in item.forms])


def acr(form: Form, level: int, strength: Strength) -> str:
    """Return the authentication context: the e-card's level, or the physical card, and what was proven.

    "l1-possession", "card-possession": a physical card has no level (ADR 0025).
    """
    return f"{'card' if form is Form.PHYSICAL else f'l{level}'}-{strength.value}"


def disclose(profile: Profile, fields: list[str]) -> dict[str, str]:
    """Return the holder's `fields`, and no other."""
    return {field: getattr(profile, Field(field).value) for field in fields}
