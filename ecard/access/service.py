"""Registering keys, and opening sessions under them."""

from uuid import UUID

from ecard import signatures
from ecard.access import store
from ecard.access.errors import ActorUnknown, KeyRefused, ShareRefused, UsccRefused
from ecard.access.model import agree, new_share
from ecard.access.schemas import (
    AgencyRequest,
    ChannelRequest,
    OperatorRequest,
    Registered,
    SessionAnswer,
    SessionRequest,
    TerminalRequest,
)
from ecard.audit import store as audit
from ecard.callers import SESSION_SECONDS, AnyCaller, Channel, Holder, Operator, Terminal
from ecard.db import Row, Tx
from ecard.encoding import b64url, unb64url
from ecard.errors import NotFound
from ecard.ids import new_id
from ecard.keys import Suite, from_jwk, verifier
from ecard.limits import Limit
from ecard.numbers import uscc
from ecard.numbers.errors import BadNumber
from ecard.runtime import Runtime
from ecard.signatures import Signed

SESSIONS = Limit("session", 60, 60)
_FARE_SECONDS = 86400
"""How long what the registry says of a fare class is vouched for without asking again."""


async def open_session(runtime: Runtime, asked: SessionRequest, signed: Signed) -> SessionAnswer:
    """Return a session for the registered key that signed the request.

    Raises ActorUnknown (no such key, or not its signature: a caller cannot tell), ShareRefused, TooMany.
    """
    row = await store.find(runtime.pool, asked.actor)
    # A bridge opens no session: it connects with tokens of its own.
    if row is None or row["kind"] == "bridge" or signed.keyid != str(asked.actor):
        raise ActorUnknown
    suite = Suite(row["suite"])
    fits = signed.algorithm == signatures.ALGORITHM_OF[suite]
    if not (fits and verifier(suite, row["public"]).verify(signed.base, signed.signature)):
        raise ActorUnknown
    # After the signature: whoever only knows the id cannot use the owner's sessions up.
    await runtime.limiter.hit(SESSIONS, str(asked.actor))
    own, answered = new_share()
    try:
        theirs = unb64url(asked.share)
        key = agree(own, theirs, asked=theirs, answered=answered, actor=asked.actor.bytes)
    except ValueError:
        raise ShareRefused(pointer="/share") from None
    now = int(runtime.clock.time())
    caller = _caller(row, asked.actor, key, now + SESSION_SECONDS)
    return SessionAnswer(
        session=runtime.tickets.seal(caller), share=b64url(answered), expires_in=SESSION_SECONDS, server_time=now
    )


def _caller(row: Row, actor: UUID, key: bytes, expires: int) -> AnyCaller:
    common = {"actor": actor, "seq": row["seq"], "key": key, "expires": expires}
    match row["kind"]:
        case "holder":
            asked = expires - SESSION_SECONDS
            until = min(row["fare_until"] or 0, asked + _FARE_SECONDS)
            return Holder(**common, card=row["card"], channel=row["channel"], fare=row["fare"] or 0, fare_until=until)
        case "terminal":
            return Terminal(
                **common,
                agency=row["agency"],
                agency_name=row["agency_name"],
                setting=row["setting"],
                region=row["region"],
                site=row["site"],
            )
        case "operator":
            return Operator(**common, role=row["role"])
        case _:
            return Channel(**common, kind=row["channel_kind"], tier=row["tier"])


async def register_agency(tx: Tx, asked: AgencyRequest, by: UUID | None) -> Registered:
    """Add an agency, from the command line with `by` None; raises UsccRefused, AlreadyRegistered."""
    try:
        code = uscc.validate(asked.uscc)
    except BadNumber as bad:
        raise UsccRefused(pointer="/uscc", reason=bad.reason.value) from None
    agency = new_id()
    await store.insert_agency(tx, agency, asked.name, code)
    await audit.insert(tx, kind="agency_registered", outcome="ok", actor=by, detail={"agency": str(agency)})
    return Registered(id=agency)


async def register_terminal(tx: Tx, asked: TerminalRequest, by: UUID) -> Registered:
    """Add a terminal of a registered agency; raises NotFound, KeyRefused, AlreadyRegistered."""
    if not await store.agency_exists(tx, asked.agency):
        raise NotFound(pointer="/agency")
    actor = await register_key(tx, "terminal", asked.key, by)
    await store.insert_terminal(tx, actor, asked.agency, asked.name, asked.setting.value, asked.region, asked.site)
    return Registered(id=actor)


async def register_channel(tx: Tx, asked: ChannelRequest, by: UUID) -> Registered:
    """Add a channel; a parent makes it second tier and must itself be first tier (NotFound otherwise)."""
    if asked.parent is not None and await store.channel_tier(tx, asked.parent) != 1:
        raise NotFound(pointer="/parent")
    actor = await register_key(tx, "channel", asked.key, by)
    tier = 1 if asked.parent is None else 2
    await store.insert_channel(tx, actor, asked.name, asked.kind.value, asked.medium.value, tier, asked.parent)
    return Registered(id=actor)


async def register_operator(tx: Tx, asked: OperatorRequest, by: UUID | None) -> Registered:
    """Add an operator; the first one is registered from the command line (`by` None)."""
    actor = await register_key(tx, "operator", asked.key, by)
    await store.insert_operator(tx, actor, asked.name, asked.role.value)
    return Registered(id=actor)


async def revoke(tx: Tx, actor: UUID, by: UUID) -> None:
    """Take a terminal, channel, operator or bridge out of service at once; raises NotFound."""
    if await store.revoke(tx, actor, "terminal", "channel", "operator", "bridge") is None:
        raise NotFound
    await audit.insert(tx, kind="key_revoked", outcome="ok", actor=by, detail={"actor": str(actor)})


async def register_key(tx: Tx, kind: str, jwk: dict[str, str], by: UUID | None) -> UUID:
    """Add a public key and return its id; raises KeyRefused, AlreadyRegistered."""
    try:
        suite, public = from_jwk(jwk)
    except ValueError:
        raise KeyRefused(pointer="/key") from None
    actor = new_id()
    await store.insert_actor(tx, actor, kind, suite, public)
    await audit.insert(tx, kind="key_registered", outcome="ok", actor=by, detail={"actor": str(actor), "kind": kind})
    return actor
