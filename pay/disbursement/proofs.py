"""Manifests and proofs: what a batch's lines give, the signed word of two approvals, and that one line is in it.

A payee's proof needs nothing else but the platform's anchor keys to be checked, and says of no other line more than a
salted hash.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from ecard import tokens
from ecard.db import Db, Row, Tx
from ecard.encoding import b64url, unb64url
from ecard.keyring.model import Purpose
from ecard.merkle import HASH, digest, path, root, root_of
from ecard.runtime import Runtime
from ecard.tokens import PublicKey, TokenRefused, TokenType
from pay.disbursement import lines, model, store
from pay.disbursement.errors import ProofNotReady, ProofRefused
from pay.disbursement.model import FORMAT, Leaf
from pay.disbursement.schemas import BenefitProof

_FOR_EVER = 100 * 365 * 86400


class Manifest(NamedTuple):
    """What a batch's lines give: the root, how many, their total (分), and the leaves, 32 bytes each."""

    root: bytes
    lines: int
    total: int
    leaves: bytes


async def manifest(tx: Tx, batch: UUID, programme: UUID, period: str) -> Manifest:
    """Return the manifest of the lines as they stand."""
    found = await store.leaves(tx, batch)
    return await asyncio.to_thread(_manifest, batch, programme, period, found)


def _manifest(batch: UUID, programme: UUID, period: str, found: Sequence[Leaf]) -> Manifest:
    hashes = model.leaves(batch, programme, period, found)
    return Manifest(root(hashes), len(found), sum(line.amount for line in found), b"".join(hashes))


async def sign(tx: Tx, runtime: Runtime, batch: UUID) -> None:
    """Sign what two operators have approved, and keep it: proofs lead there."""
    row = await store.approved(tx, batch)
    now = runtime.clock.time()
    key = runtime.ring.signing(Purpose.ANCHOR, now)
    claims = {
        "iss": runtime.settings.issuer,
        "iat": int(now),
        # Nobody lets the past expire; the token reader wants a date all the same.
        "exp": int(now) + _FOR_EVER,
        "batch": str(batch),
        "item": row.item,
        "programme": row.name,
        "period": row.period,
        "count": row.lines,
        "total": row.total,
        "root": b64url(row.root),
        "approved": row.approved,
    }
    await store.keep_token(tx, batch, tokens.mint(key.signer, key.kid, TokenType.MANIFEST, claims))


async def proof(db: Db, payees: Sequence[UUID], line: UUID) -> BenefitProof | None:
    """Return the proof of a holder's line, None where it is nobody's of theirs; raises ProofNotReady."""
    row = await lines.place(db, payees, line)
    if row is None:
        return None
    if row["token"] is None:
        raise ProofNotReady
    return await asyncio.to_thread(_proven, row)


def _proven(row: Row) -> BenefitProof:
    """Return the proof; the tree of a large batch is a hundred thousand hashes."""
    packed, index = row["leaves"], row["index"]
    hashes = [packed[i : i + HASH] for i in range(0, len(packed), HASH)]
    leaf = Leaf(row["n"], row["component"], row["payee"], row["amount"], row["salt"])
    content = leaf.content(row["batch"], row["programme"], row["period"])
    return BenefitProof(
        format=FORMAT,
        manifest=row["token"],
        line=content,
        index=index,
        path=[b64url(one) for one in path(hashes, index)],
    )


def verify(text: bytes, anchors: Mapping[str, PublicKey], now: float | None = None) -> dict[str, Any]:
    """Return what a proof proves: the manifest's claims, and the line's component, period and amount (分).

    Checked against the anchors alone, at `now` (Unix seconds). Raises ProofRefused (`reason`: malformed, a token's
    reason, or "inclusion": the line is not in that manifest).
    """
    try:
        found = msgspec.json.decode(text, type=BenefitProof)
        issuer = str(tokens.unverified(found.manifest)[1].get("iss"))
        claims = tokens.read(
            found.manifest,
            anchors,
            typ=TokenType.MANIFEST,
            issuer=issuer,
            audience=None,
            now=time.time() if now is None else now,
        )
        form, batch, n, _, period, component, _, amount, _ = found.line
        reached = root_of(digest(found.line), found.index, claims["count"], [unb64url(one) for one in found.path])
    except TokenRefused as refused:
        raise ProofRefused(reason=refused.reason) from None
    except (msgspec.DecodeError, ValueError, TypeError, KeyError, RecursionError):
        raise ProofRefused(reason="malformed") from None
    if (found.format, form) != (FORMAT, FORMAT):
        raise ProofRefused(reason="malformed")
    if reached is None or b64url(reached) != claims["root"] or batch != claims["batch"]:
        raise ProofRefused(reason="inclusion")
    said = {key: claims[key] for key in ("batch", "item", "programme", "period", "approved")}
    return {**said, "n": n, "component": component, "period": period, "amount": amount}
