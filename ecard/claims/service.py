"""Issuing credentials to phones, and showing them to terminals."""

import datetime
import os
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from ecard import tokens
from ecard.audit import store as audit
from ecard.callers import Holder, Terminal
from ecard.cards import store as cards
from ecard.cards.profiles import open_profile
from ecard.cards.service import today
from ecard.catalogue.model import Catalogue, Flow
from ecard.claims import store
from ecard.claims.errors import (
    ClaimIssued,
    ClaimItem,
    ClaimRefused,
    ClaimRevoked,
    NothingOnRecord,
    RequestOver,
    TooLittleShown,
    TooMuchShown,
)
from ecard.claims.model import ClaimType, RequestState, payload, type_of, types
from ecard.claims.schemas import (
    ClaimIssueRequest,
    ClaimShown,
    IssuedClaim,
    MyClaim,
    MyClaims,
    ShowAnswer,
    ShowAsked,
    ShownClaim,
    ShowRequest,
    ShowWanted,
)
from ecard.claims.sdjwt import conceal
from ecard.claims.source import ClaimSource
from ecard.claims.verifying import Shown, read
from ecard.db import Db, Tx
from ecard.desk.errors import CardSuspended
from ecard.desk.standing import Standing, of_own
from ecard.encoding import b64url
from ecard.errors import NotFound
from ecard.ids import new_id
from ecard.keyring.model import Purpose, key_url
from ecard.keys import Suite, to_jwk
from ecard.runtime import Runtime
from ecard.tokens import PublicKey, TokenType

ASKED_SECONDS = 300
"""Seconds in which a request is answered, and for which the answer is kept."""
_PLACE = "claim_request.answer"
_FLOWS = (Flow.CREDENTIAL, Flow.IDENTIFY)


class Certified(NamedTuple):
    """What an authority says of a holder, to be signed."""

    type: ClaimType
    claims: Mapping[str, object]


async def certified(
    runtime: Runtime, catalogue: Catalogue, source: ClaimSource, asked: ClaimIssueRequest, holder: Holder
) -> Certified:
    """Ask the authority what it has on record, with no transaction open meanwhile.

    Raises ClaimTypeUnknown, what `of_own` raises, ClaimItem, NothingOnRecord and Unavailable.
    """
    type_ = type_of(asked.type)
    await _standing(runtime.pool, catalogue, asked, type_, holder)
    card = await cards.by_seq(runtime.pool, holder.card)
    if card is None:
        raise CardSuspended
    claims = await source.claims(type_, open_profile(runtime.vault, card.profile), today(runtime))
    if claims is None:
        raise NothingOnRecord
    return Certified(type_, claims)


async def issue(
    tx: Tx, runtime: Runtime, catalogue: Catalogue, asked: ClaimIssueRequest, said: Certified, holder: Holder
) -> IssuedClaim:
    """Sign what an authority said for the key of this phone; raises as `certified` does, ClaimIssued and NoKey."""
    type_, number = said.type, new_id()
    standing = await _standing(tx, catalogue, asked, type_, holder)
    row = await store.add(tx, number, standing.holder, holder.actor, type_.name, asked.visit, type_.days)
    if row["list"] is None:
        raise ClaimIssued
    device = await store.key_of(tx, holder.actor)
    issued: datetime.datetime = row["issued_at"]
    always = payload(
        type_,
        number=str(number),
        issuer=runtime.settings.issuer,
        jwk=to_jwk(Suite(device["suite"]), device["public"]),
        issued_at=int(issued.timestamp()),
        place=(row["list"], row["place"]),
    )
    hidden, disclosures = conceal(said.claims, lambda: b64url(os.urandom(16)))
    key = runtime.ring.signing(Purpose.CREDENTIAL, runtime.clock.time())
    kid = key_url(runtime.settings.issuer, key.kid)
    jwt = tokens.mint(key.signer, kid, TokenType.CLAIM, {**always, **hidden})
    detail: dict[str, object] = {"claim": str(number), "type": type_.name, "visit": str(asked.visit)}
    columns: dict[str, Any] = {"actor": holder.actor, "card": holder.card, "item": standing.item.code}
    await audit.insert(tx, kind="claim_issued", outcome="ok", detail=detail, **columns)
    credential = "".join(f"{part}~" for part in (jwt, *(one.text for one in disclosures)))
    return IssuedClaim(id=number, type=type_.name, credential=credential, expires_at=always["exp"])


async def mine(db: Db, holder: Holder) -> MyClaims:
    """Return the holder's credentials, and to whom they were shown."""
    return MyClaims(
        credentials=[
            msgspec.convert({**row, "zh": types()[row["type"]].zh, "en": types()[row["type"]].en}, MyClaim)
            for row in await store.mine(db, holder.card)
        ],
        shown=[msgspec.convert(dict(row), ShownClaim) for row in await store.shown(db, holder.card)],
    )


async def revoke(tx: Tx, number: UUID, reason: str, *, by: UUID, card: int | None) -> None:
    """Revoke a credential, of this card's holder if one is named; raises NotFound."""
    if not await store.revoke(tx, number, reason, card):
        raise NotFound
    await audit.insert(tx, kind="claim_revoked", outcome="ok", actor=by, card=card, detail={"claim": str(number)})


async def ask(tx: Tx, asked: ShowRequest, by: Terminal) -> ShowAsked:
    """Note what a terminal wants to be shown; raises ClaimTypeUnknown."""
    wanted = sorted(set(asked.claims))
    type_of(asked.type, wanted)
    number, nonce = new_id(), b64url(os.urandom(16))
    columns = (number, by.actor, by.agency, asked.type, wanted, asked.purpose, nonce)
    over = await store.ask(tx, *columns, ASKED_SECONDS)
    return ShowAsked(id=number, audience=str(by.agency), nonce=nonce, expires_at=over)


async def answered(runtime: Runtime, number: UUID, by: Terminal) -> ShowAnswer:
    """Return what a terminal of this agency was shown; raises NotFound."""
    row = await store.request(runtime.pool, number)
    if row is None or row["agency"] != by.agency:
        raise NotFound
    state, claims = RequestState.WAITING, dict[str, Any]()
    if row["over"]:
        state = RequestState.EXPIRED
    elif row["claim"] is not None:
        state, claims = RequestState.PRESENTED, msgspec.json.decode(runtime.vault.open(_PLACE, row["answer"]))
    return ShowAnswer(
        id=number,
        state=state,
        type=row["type"],
        claims=claims,
        presented_at=row["presented_at"],
        expires_at=row["expires_at"],
    )


async def wanted(db: Db, number: UUID, holder: Holder) -> ShowWanted:
    """Return a request as the phone that scanned it sees it, and take it for this phone.

    Raises NotFound (none such, or another phone has it) and RequestOver.
    """
    row = await _open(db, number, holder)
    return ShowWanted(
        id=number,
        agency=row["agency_name"],
        site=row["site"],
        purpose=row["purpose"],
        type=row["type"],
        claims=row["claims"],
        audience=str(row["agency"]),
        nonce=row["nonce"],
        expires_at=row["expires_at"],
    )


async def show(tx: Tx, runtime: Runtime, number: UUID, presented: str, holder: Holder) -> ClaimShown:
    """Verify what a phone shows, and give it to the terminal that asked: once, all that was asked for and no more.

    Raises NotFound, RequestOver, ClaimRefused, ClaimRevoked, TooMuchShown and TooLittleShown.
    """
    row = await _open(tx, number, holder)
    now = runtime.clock.time()
    shown = read(
        presented,
        issuer_keys(runtime, now),
        issuer=runtime.settings.issuer,
        audience=str(row["agency"]),
        nonce=row["nonce"],
        now=now,
    )
    claim = await _in_force(tx, shown, holder)
    if shown.vct != types()[row["type"]].vct:
        raise ClaimRefused(reason="claims")
    _check_extent(set(row["claims"]), shown.claims.keys())
    sealed = runtime.vault.seal(_PLACE, msgspec.json.encode(shown.claims))
    if not await store.answer(tx, number, claim, sealed):
        raise RequestOver
    detail: dict[str, object] = {"request": str(number), "claim": str(claim), "claims": sorted(shown.claims)}
    await audit.insert(tx, kind="claim_shown", outcome="ok", actor=row["terminal"], card=holder.card, detail=detail)
    return ClaimShown(id=number, claims=sorted(shown.claims))


def issuer_keys(runtime: Runtime, now: float) -> dict[str, PublicKey]:
    """Return the keys whose credentials are accepted, by the name that is in them."""
    issuer = runtime.settings.issuer
    published = runtime.ring.published(Purpose.CREDENTIAL, now)
    return {key_url(issuer, one.kid): PublicKey(one.suite, one.public) for one in published}


async def _standing(
    db: Db, catalogue: Catalogue, asked: ClaimIssueRequest, type_: ClaimType, holder: Holder
) -> Standing:
    standing = await of_own(db, catalogue, asked.visit, holder, *_FLOWS)
    if standing.item.code not in type_.items:
        raise ClaimItem(items=type_.items)
    return standing


async def _open(db: Db, number: UUID, holder: Holder) -> Any:
    row = await store.request(db, number)
    if row is None or not await store.take(db, number, holder.actor):
        raise NotFound
    if row["over"] or row["claim"] is not None:
        raise RequestOver
    return row


async def _in_force(tx: Tx, shown: Shown, holder: Holder) -> UUID:
    """Return a credential that is in force and was issued to this very phone."""
    try:
        number = UUID(shown.id)
    except ValueError:
        raise ClaimRefused(reason="claims") from None
    known = await store.lives(tx, number)
    if known is None or known["device"] != holder.actor:
        raise ClaimRefused(reason="holder")
    if known["revoked"]:
        raise ClaimRevoked
    return number


def _check_extent(asked: set[str], shown: Any) -> None:
    if more := sorted(set(shown) - asked):
        raise TooMuchShown(claims=more)
    if less := sorted(asked - set(shown)):
        raise TooLittleShown(claims=less)
