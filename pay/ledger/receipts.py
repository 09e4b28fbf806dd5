"""A receipt: what was posted, with the proof that it stands in a sealed period (RFC 9162 §2.1.3).

Whoever holds it needs nothing else but the platform's anchor keys to check it: neither the platform, nor a network,
nor the other entries of the period, of which the proof says nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from ecard import tokens
from ecard.db import Db
from ecard.encoding import b64url, unb64url
from ecard.merkle import digest, path, root_of, unpack
from ecard.seals import Seal
from ecard.tokens import PublicKey, TokenRefused, TokenType
from pay.ledger import store
from pay.ledger.errors import ReceiptNotReady, ReceiptRefused
from pay.ledger.model import Posted

FORMAT = "ecard-receipt/1"


class ReceiptLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A posted leg, as `Posted` names its fields, its place in the period's tree, and the path up to the root."""

    leg: list[str | int | None]
    index: int
    path: list[str]


class ReceiptProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lines of one period, and the period's signed token."""

    period: str
    lines: list[ReceiptLine]


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """凭据 (receipt): all that was posted for one payment."""

    format: str
    id: UUID
    proofs: list[ReceiptProof]


async def made(db: Db, named: UUID, journals: Sequence[UUID], *, accounts: Sequence[UUID] | None = None) -> Receipt:
    """Return the receipt `named` of some journals; with `accounts`, of their lines on these and nobody else's.

    Raises ReceiptNotReady while one of them is not sealed.
    """
    proofs: dict[int, list[Posted]] = {}
    own = None if accounts is None else {str(one) for one in accounts}
    for leg in await store.posted(db, journals):
        if own is None or leg.account in own:
            proofs.setdefault(leg.xid, []).append(leg)
    return Receipt(FORMAT, named, [await _proof(db, xid, legs) for xid, legs in proofs.items()])


async def _proof(db: Db, xid: int, legs: Sequence[Posted]) -> ReceiptProof:
    period = await store.period_of(db, xid)
    if period is None:
        raise ReceiptNotReady(headers={"Retry-After": "10"})
    return await asyncio.to_thread(_proven, period, legs)


def _proven(period: Seal, legs: Sequence[Posted]) -> ReceiptProof:
    """Return the proof of some legs; a tree of a busy period is tens of thousands of hashes."""
    sealed = unpack(period.leaves)
    digests = [leaf.digest for leaf in sealed]
    places = {(leaf.xid, leaf.n): index for index, leaf in enumerate(sealed)}
    lines = []
    for leg in legs:
        index = places[leg.xid, leg.n]
        lines.append(ReceiptLine(list(leg), index, [b64url(one) for one in path(digests, index)]))
    return ReceiptProof(period.token, lines)


def verify(text: bytes, anchors: Mapping[str, PublicKey], now: float) -> list[Posted]:
    """Return what a receipt proves to be posted, checked against the anchors alone.

    Raises ReceiptRefused (`reason`: malformed, a token's reason, or "inclusion": the line is not in that period).
    """
    try:
        receipt = msgspec.json.decode(text, type=Receipt)
        found = [_checked(proof, line, anchors, now) for proof in receipt.proofs for line in proof.lines]
    except TokenRefused as refused:
        raise ReceiptRefused(reason=refused.reason) from None
    except (msgspec.DecodeError, ValueError, TypeError, KeyError):
        raise ReceiptRefused(reason="malformed") from None
    if receipt.format != FORMAT or not found:
        raise ReceiptRefused(reason="malformed")
    return found


def _checked(proof: ReceiptProof, line: ReceiptLine, anchors: Mapping[str, PublicKey], now: float) -> Posted:
    issuer = str(tokens.unverified(proof.period)[1].get("iss"))
    claims: dict[str, Any] = tokens.read(
        proof.period, anchors, typ=TokenType.PERIOD, issuer=issuer, audience=None, now=now
    )
    leg = msgspec.convert(line.leg, Posted)
    root = root_of(digest(line.leg), line.index, claims["count"], [unb64url(one) for one in line.path])
    if root is None or b64url(root) != claims["root"]:
        raise ReceiptRefused(reason="inclusion")
    return leg
