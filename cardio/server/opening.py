"""Opening a card session for an item, and telling the counter's page where it stands."""

import asyncio
import contextlib
import os
from uuid import UUID

from cardio.server import sessions, store
from cardio.server.errors import BridgeOffline, BridgeUnpaired, CardSessionUnknown
from cardio.server.links import Hub
from cardio.server.model import SESSION_SECONDS, SessionState, asks_pin, challenge, once_key, policy_of
from cardio.server.schemas import CardSessionOpened, CardSessionRequest, CardSessionView, Reason
from cardio.server.texts import text_of
from cardio.server.writes import check_write, seal_write, write_mac
from ecard.callers import Terminal
from ecard.cards.model import mask_name, mask_number
from ecard.cards.profiles import open_profile
from ecard.catalogue.model import Catalogue, Form, Item, Strength
from ecard.db import Tx
from ecard.desk.errors import TooWeak
from ecard.desk.model import check_form, check_place
from ecard.ids import new_id
from ecard.limits import Limit
from ecard.runtime import Runtime

_GOING_ON = frozenset({SessionState.OPENING, SessionState.READING, SessionState.PIN})
READS = Limit("card_session", 60, 60)
"""Sessions that a terminal, and so its bridge, may open in a minute: a card takes a second at least."""


async def count(runtime: Runtime, by: Terminal) -> None:
    """Count a session against the terminal's limit; raises TooMany."""
    await runtime.limiter.hit(READS, str(by.actor))


async def open_session(
    tx: Tx, runtime: Runtime, catalogue: Catalogue, asked: CardSessionRequest, by: Terminal
) -> CardSessionOpened:
    """Open a session at the bridge that is paired with the terminal; one that waits there makes way.

    What the item does not take is refused before anybody looks for a card. Raises ItemUnknown, FormNotAccepted,
    WrongPlace, TooWeak (no card in a reader proves a face), CardWriteRefused, BridgeUnpaired, BridgeOffline.
    """
    item = catalogue.get(asked.item)
    _check(item, by)
    bridge = await store.paired(tx, by.actor)
    if bridge is None:
        raise BridgeUnpaired
    if asked.write is not None:
        check_write(item, asked.write)
    session = new_id()
    row = await sessions.open_session(
        tx,
        session,
        by.actor,
        bridge["id"],
        item.code,
        policy_of(item).value,
        asked.reader,
        challenge(session, item.code, by.actor, bridge["id"], os.urandom(32)),
        seal_write(runtime, asked.write),
        write_mac(runtime, asked.write) if asked.write else None,
        SESSION_SECONDS,
    )
    if row["outcome"] == "unpaired":
        raise BridgeUnpaired
    if row["outcome"] == "offline":
        raise BridgeOffline(headers={"Retry-After": "5"})
    return CardSessionOpened(id=session, state=SessionState.OPENING, expires_in=SESSION_SECONDS)


def _check(item: Item, by: Terminal) -> None:
    check_form(item, Form.PHYSICAL)
    check_place(item, by.setting)
    if asks_pin(item) and not Strength.KNOWLEDGE.meets(item.strength):
        raise TooWeak(required=item.strength.value)


async def look(runtime: Runtime, hub: Hub, session: UUID, by: Terminal, wait: int) -> CardSessionView:
    """Return where a terminal's session stands, waiting up to `wait` seconds for its next step.

    Raises CardSessionUnknown: there is none such, or it is another terminal's.
    """
    nonce = await sessions.challenge(runtime.pool, session, by.actor)
    if nonce is None:
        raise CardSessionUnknown
    with hub.waiting(session) as changed:
        seen = await _view(runtime, session, nonce)
        if wait and seen.state in _GOING_ON:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), min(wait, seen.expires_in + 1))
            seen = await _view(runtime, session, nonce)
    return seen


async def _view(runtime: Runtime, session: UUID, nonce: bytes) -> CardSessionView:
    row = await sessions.view(runtime.pool, session, once_key(nonce))
    state = SessionState(row["state"])
    # Only of a card that passed: a refused one shows the clerk nothing of the person whom it names.
    passed = row["strength"] and state is not SessionState.FAILED
    profile = open_profile(runtime.vault, row["profile"]) if passed else None
    reason = None
    if state is SessionState.FAILED:
        said = text_of(row["why"])
        reason = Reason(code=row["why"], zh=said.zh, en=said.en)
    return CardSessionView(
        id=session,
        item=row["item"],
        state=state,
        expires_in=row["expires_in"],
        authenticated="hwk" in row["amr"],
        strength=Strength(row["strength"]) if row["strength"] else None,
        version=row["version"],
        name=mask_name(profile.name) if profile else None,
        id_no=mask_number(profile.id_no) if profile else None,
        pin_left=row["pin_left"],
        written=row["written"],
        mended=row["mended"],
        reason=reason,
    )
