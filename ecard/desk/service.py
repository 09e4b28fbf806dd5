"""The visit: evidence in, a signed identity assertion out, every use on record."""

import datetime
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from ecard import tokens
from ecard.audit import store as audit
from ecard.callers import Holder, Terminal
from ecard.cards.profiles import open_profile
from ecard.catalogue.model import Catalogue, Field, Item
from ecard.db import begin
from ecard.desk import store
from ecard.desk.errors import (
    AssertionRefused,
    CardSuspended,
    DeviceUnbound,
    LevelTooLow,
    NotActing,
    Replayed,
    VisitRefused,
)
from ecard.desk.model import ASSERTION_SECONDS, Evidence, Outcome, acr, check, disclose
from ecard.desk.schemas import Acting, EvidenceRequest, Introspection, Use, Verified, VisitAnswer, VisitRequest
from ecard.encoding import b64url
from ecard.errors import EcardError, NotFound
from ecard.guards import KeyRevoked
from ecard.idempotency import KeyReused
from ecard.ids import new_id
from ecard.keyring.model import Purpose
from ecard.runtime import Runtime
from ecard.tokens import TokenRefused, TokenType

Reader = Callable[[Runtime, Any, Item, Terminal], Awaitable[Evidence]]
"""Turns one kind of evidence into `Evidence`, or raises why not; `ecard.app` names the readers."""
Readers = Mapping[type[EvidenceRequest], Reader]


class Desk(NamedTuple):
    """What a visit is decided with."""

    runtime: Runtime
    catalogue: Catalogue
    readers: Readers

    async def read(self, asked: EvidenceRequest, item: Item, by: Terminal) -> Evidence:
        """Return what was presented to `by` for `item` as evidence; raises why it is none, and uses nothing up."""
        return await self.readers[type(asked)](self.runtime, asked, item, by)


async def visit(desk: Desk, asked: VisitRequest, by: Terminal, *, request_id: str, body: bytes) -> VisitAnswer:
    """Record that a holder is at terminal `by` for an item, and assert who it is.

    The same terminal's same request (request id and body) within 10 s gets the same answer, to the
    byte; any other use of the evidence is Replayed. Each refusal leaves an audit row and uses nothing up.
    """
    runtime, catalogue = desk.runtime, desk.catalogue
    body_sha256 = sha256(body).digest()
    try:
        item = catalogue.get(asked.item)
        evidence = await desk.read(asked.evidence, item, by)
        check(item, evidence, by.setting)
    except EcardError as refused:
        # The code may have expired since the answer that the terminal did not get.
        before = await store.again(runtime.pool, by.actor, request_id, body_sha256)
        if before is not None:
            return _answer(runtime, catalogue, asked.item, by, before)
        known = refused.code != "item_unknown"
        await audit.insert(
            runtime.pool, kind="visit", outcome=refused.code, actor=by.actor, item=asked.item if known else None
        )
        raise
    now = runtime.clock.time()
    claim = store.Claim(
        id=new_id(),
        terminal=by.actor,
        agency=by.agency,
        request_id=request_id,
        body_sha256=body_sha256,
        item=item.code,
        level=item.level,
        fields=[field.value for field in item.fields],
        kid=runtime.ring.signing(Purpose.ASSERTION, now).kid,
        keys_as_of=int(runtime.ring.as_of),
    )
    recorded = await store.record(runtime.pool, claim, evidence)
    if recorded.outcome not in {Outcome.OK, Outcome.RETRY}:
        raise refusal(recorded, item)
    return _answer(runtime, catalogue, item.code, by, recorded)


def refusal(recorded: store.Recorded, item: Item) -> EcardError:
    """Return why a visit was not recorded."""
    match recorded.outcome:
        case Outcome.REPLAYED:
            first = recorded.first_at
            return Replayed(**({"first_at": first.isoformat()} if first else {}))
        case Outcome.KEY_REUSED:
            return KeyReused()
        case Outcome.SUSPENDED:
            return CardSuspended()
        case Outcome.LEVEL:
            return LevelTooLow(required=item.level)
        case Outcome.DEVICE_REVOKED:
            return DeviceUnbound()
        case Outcome.NOT_ACTING:
            return NotActing()
        case Outcome.TERMINAL_REVOKED:
            return KeyRevoked()
        case _:
            return VisitRefused()


def pseudonym(runtime: Runtime, agency: UUID, holder: UUID) -> str:
    """Return the holder's pairwise `sub` for an agency (OpenID Connect Core §8.1): stable there, linked nowhere."""
    return b64url(runtime.vault.mac("pairwise sub", agency.bytes + holder.bytes)[:18])


def _answer(runtime: Runtime, catalogue: Catalogue, item: str, by: Terminal, recorded: store.Recorded) -> VisitAnswer:
    """Return the answer of a recorded visit: the same bytes whenever it is made again for the same record.

    Nothing of a holder is kept with the visit; the deterministic signature makes the retry's answer.
    """
    profile = open_profile(runtime.vault, recorded.profile or b"")
    holder = disclose(profile, recorded.fields)
    issued = int(recorded.at.timestamp())
    sub = pseudonym(runtime, by.agency, _known(recorded.holder))
    context = acr(recorded.form, recorded.level or 0, recorded.strength)
    act = None
    if recorded.acting is not None:
        act = Acting(sub=pseudonym(runtime, by.agency, recorded.acting), relation=recorded.relation or "")
    key = runtime.ring.keys[recorded.kid]
    claims: dict[str, Any] = {
        "iss": runtime.settings.issuer,
        "aud": str(by.agency),
        "iat": issued,
        "exp": issued + ASSERTION_SECONDS,
        "jti": str(recorded.visit),
        "sub": sub,
        "item": item,
        "form": recorded.form.value,
        "acr": context,
        "amr": recorded.amr,
        "terminal": str(by.actor),
        "catalogue": catalogue.version,
        "holder": holder,
    }
    if act is not None:
        claims["act"] = {"sub": act.sub, "relation": act.relation}
    return VisitAnswer(
        visit=recorded.visit,
        assertion=tokens.mint(key.signer, key.kid, TokenType.ASSERTION, claims),
        expires_at=issued + ASSERTION_SECONDS,
        item=item,
        form=recorded.form,
        acr=context,
        amr=tuple(recorded.amr),
        sub=sub,
        holder={Field(name): value for name, value in holder.items()},
        verified=Verified(mode="online", keys_as_of=recorded.keys_as_of, status_as_of=issued),
        act=act,
    )


def _known(holder: UUID | None) -> UUID:
    if holder is None:
        raise VisitRefused
    return holder


async def uses(
    runtime: Runtime, catalogue: Catalogue, holder: Holder, before: datetime.datetime | None, limit: int
) -> list[Use]:
    """Return the uses of the holder's card, youngest first, `limit` of those before a time."""
    until = before or datetime.datetime.fromtimestamp(runtime.clock.time() + 60, datetime.UTC)
    return [
        Use(
            id=row["id"],
            at=row["at"].isoformat(),
            agency=row["agency"],
            site=row["site"],
            setting=row["setting"],
            item=row["item"],
            title=catalogue.get(row["item"]).title,
            form=row["form"],
            evidence=row["evidence"],
            fields=[Field(field) for field in row["fields"]],
            shown=row["shown"],
            by_relative=row["by_relative"],
            disputed=row["disputed_at"] is not None,
        )
        for row in await store.uses(runtime.pool, holder.card, until, limit)
    ]


async def dispute(runtime: Runtime, holder: Holder, visit: UUID) -> None:
    """Dispute a use: what it minted is dead from now on. Raises NotFound (none such, or disputed before)."""
    async with begin(runtime.pool) as tx:
        item = await store.dispute(tx, visit, holder.card)
        if item is None:
            raise NotFound
        detail: dict[str, object] = {"visit": str(visit)}
        await audit.insert(
            tx, kind="use_disputed", outcome="ok", actor=holder.actor, card=holder.card, item=item, detail=detail
        )


async def introspect(runtime: Runtime, token: str, by: Terminal) -> Introspection:
    """Say whether an assertion of this agency still stands (RFC 7662): not expired, disputed or suspended."""
    now = runtime.clock.time()
    try:
        claims = tokens.read(
            token,
            runtime.ring.public(Purpose.ASSERTION, now),
            typ=TokenType.ASSERTION,
            issuer=runtime.settings.issuer,
            audience=str(by.agency),
            now=now,
        )
    except TokenRefused as refused:
        if refused.reason == "expired":
            return Introspection(active=False)
        raise AssertionRefused(reason=refused.reason) from None
    if not await store.alive(runtime.pool, UUID(claims["jti"])):
        return Introspection(active=False)
    return Introspection(active=True, claims=claims)
