"""Registering bridges, pairing them with terminals, and the token for a bridge's own door."""

from uuid import UUID

from cardio.server import store
from cardio.server.errors import BridgeUnpaired, PairingRefused
from cardio.server.model import policy_of
from cardio.server.schemas import (
    BridgeRequest,
    BridgeToken,
    BridgeTokenRequest,
    BridgeView,
    PairingRequest,
    PairingView,
    ReaderView,
)
from ecard import tokens
from ecard.access import store as actors
from ecard.access.schemas import Registered
from ecard.access.service import register_key
from ecard.audit import store as audit
from ecard.callers import Terminal
from ecard.catalogue.model import Catalogue, Form
from ecard.db import Db, Row, Tx
from ecard.desk.model import check_form, check_place
from ecard.errors import NotFound
from ecard.ids import new_id
from ecard.keyring.model import Purpose
from ecard.limits import Limit
from ecard.runtime import Runtime
from ecard.tokens import TokenType

GUESSES = Limit("bridge_pairing", 10, 600, guarded=True)
"""Pairing codes that a terminal may try in 10 minutes."""
AGENCY_GUESSES = Limit("bridge_pairing_agency", 100, 600, guarded=True)
"""The same for all terminals of an agency: with a hundred screens, a guess in a million hits at best."""
DOOR_SECONDS = 60
"""Life of a token for a bridge's own door."""


def pairing_mac(runtime: Runtime, code: str) -> bytes:
    """Return what is kept of a pairing code."""
    return runtime.vault.index("bridge.pairing", code)


async def register(tx: Tx, asked: BridgeRequest, by: UUID | None) -> Registered:
    """Add a bridge of a registered agency, from the command line with `by` None.

    Raises NotFound, KeyRefused, AlreadyRegistered.
    """
    if not await actors.agency_exists(tx, asked.agency):
        raise NotFound(pointer="/agency")
    actor = await register_key(tx, "bridge", asked.key, by)
    await store.add(tx, actor, asked.agency, asked.name, asked.site)
    return Registered(id=actor)


async def revoke(tx: Tx, bridge: UUID, by: UUID | None) -> None:
    """Take a bridge out of service at once; raises NotFound."""
    if await actors.revoke(tx, bridge, "bridge") is None:
        raise NotFound
    await audit.insert(tx, kind="key_revoked", outcome="ok", actor=by, detail={"actor": str(bridge)})


async def listed(db: Db) -> list[BridgeView]:
    """Return every bridge."""
    return [
        BridgeView(**{**row, "readers": [reader["name"] for reader in row["readers"]]}) for row in await store.every(db)
    ]


async def count_guess(runtime: Runtime, by: Terminal) -> None:
    """Count a try at a pairing code, before it is looked at; raises TooMany."""
    await runtime.limiter.hit(GUESSES, str(by.actor))
    await runtime.limiter.hit(AGENCY_GUESSES, str(by.agency))


async def pair(tx: Tx, runtime: Runtime, asked: PairingRequest, by: Terminal) -> PairingView:
    """Pair the terminal with the bridge of its agency that shows this code, once; raises PairingRefused."""
    bridge = await store.pair(tx, by.actor, by.agency, pairing_mac(runtime, asked.code))
    row = None if bridge is None else await store.paired(tx, by.actor)
    if row is None:
        raise PairingRefused
    await audit.insert(tx, kind="bridge_paired", outcome="ok", actor=by.actor, detail={"bridge": str(bridge)})
    return _pairing(row, None)


async def pairing(runtime: Runtime, by: Terminal) -> PairingView:
    """Return the terminal's bridge, and what was scanned there; raises BridgeUnpaired."""
    row = await store.paired(runtime.pool, by.actor)
    if row is None:
        raise BridgeUnpaired
    return _pairing(row, await store.take_scan(runtime.pool, by.actor))


def _pairing(row: Row, scan: str | None) -> PairingView:
    readers = [ReaderView(name=one["name"], card=one["atr"] is not None) for one in row["readers"]]
    return PairingView(
        bridge=row["id"], name=row["name"], site=row["site"], online=row["online"], readers=readers, scan=scan
    )


async def unpair(tx: Tx, by: Terminal) -> None:
    """End the terminal's pairing; raises BridgeUnpaired."""
    bridge = await store.unpair(tx, by.actor)
    if bridge is None:
        raise BridgeUnpaired
    await audit.insert(tx, kind="bridge_unpaired", outcome="ok", actor=by.actor, detail={"bridge": str(bridge)})


async def door_token(runtime: Runtime, catalogue: Catalogue, asked: BridgeTokenRequest, by: Terminal) -> BridgeToken:
    """Return a token with which the terminal's page may talk to its bridge on the counter's PC.

    It names bridge, terminal, item and policy. Raises ItemUnknown, FormNotAccepted, WrongPlace, BridgeUnpaired.
    """
    item = catalogue.get(asked.item)
    check_form(item, Form.PHYSICAL)
    check_place(item, by.setting)
    row = await store.paired(runtime.pool, by.actor)
    if row is None:
        raise BridgeUnpaired
    now = runtime.clock.time()
    key = runtime.ring.signing(Purpose.TOKEN, now)
    claims = {
        "iss": runtime.settings.issuer,
        "aud": str(row["id"]),
        "sub": str(by.actor),
        "iat": int(now),
        "exp": int(now) + DOOR_SECONDS,
        "jti": str(new_id()),
        "item": item.code,
        "policy": policy_of(item).value,
    }
    token = tokens.mint(key.signer, key.kid, TokenType.BRIDGE_SESSION, claims)
    return BridgeToken(token=token, expires_in=DOOR_SECONDS)
