"""Reading a finished card session into evidence: the same that a scanned code becomes."""

from cardio.server import sessions
from cardio.server.errors import (
    CardRefused,
    CardSessionExpired,
    CardSessionForItem,
    CardSessionOpen,
    CardSessionUnknown,
)
from cardio.server.model import SessionState, once_key
from ecard.callers import Terminal
from ecard.catalogue.model import Form, Item, Strength
from ecard.desk.model import Evidence, check_form
from ecard.desk.schemas import CardEvidence
from ecard.runtime import Runtime


async def read(runtime: Runtime, asked: CardEvidence, item: Item, by: Terminal) -> Evidence:
    """Return the evidence in a card session of this terminal, for this item.

    Raises FormNotAccepted, CardSessionUnknown, CardSessionForItem, CardSessionOpen, CardSessionExpired and
    CardRefused. That it is used once is decided with the visit, by what is burnt.
    """
    check_form(item, Form.PHYSICAL)
    nonce = await sessions.challenge(runtime.pool, asked.session, by.actor)
    if nonce is None:
        raise CardSessionUnknown
    once = once_key(nonce)
    row = await sessions.view(runtime.pool, asked.session, once)
    if row["item"] != item.code:
        raise CardSessionForItem
    state = SessionState(row["state"])
    if state in {SessionState.OPENING, SessionState.READING, SessionState.PIN}:
        raise CardSessionOpen
    if state is SessionState.FAILED:
        raise CardRefused(reason=row["why"])
    # A used one goes on: the same request within 10 s is answered again, any other is told when it was used.
    if state is SessionState.EXPIRED or row["strength"] is None:
        raise CardSessionExpired
    return Evidence(
        kind="card",
        form=Form.PHYSICAL,
        card=row["card"],
        device=None,
        once=once,
        shadow=None,
        scene=None,
        strength=Strength(row["strength"]),
        amr=tuple(row["amr"]),
    )
