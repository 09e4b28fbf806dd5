"""密码: the six-digit e-card password, one for all channels.

Its hash is Argon2id over a MAC under the vault's key: six digits are soon guessed from a hash, so a
copy of the database alone must not be enough to try.
"""

import asyncio
from uuid import UUID

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from ecard.audit import store as audit
from ecard.callers import Holder
from ecard.cards import store
from ecard.cards.checks import Checks
from ecard.cards.errors import BusiSeqUnknown, FaceMismatch, FaceRequired, PasswordLocked, PasswordWrong
from ecard.cards.model import BUSI_SEQ_SECONDS, PASSWORD_TRIES, Action, check_password_form
from ecard.cards.profiles import open_profile
from ecard.cards.schemas import PasswordProven, PasswordReset
from ecard.db import Tx, begin
from ecard.ids import new_id
from ecard.runtime import Runtime
from ecard.vault import Vault

# One lane and 19 MiB (OWASP): with the MAC above it, memory buys less than a small worker does.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def _peppered(vault: Vault, password: str) -> bytes:
    return vault.mac("e-card password", password.encode())


async def hashed(vault: Vault, password: str) -> str:
    """Return the hash to store; raises PasswordNotAllowed."""
    check_password_form(password)
    return await asyncio.to_thread(_hasher.hash, _peppered(vault, password))


async def verify(vault: Vault, stored: str, password: str) -> None:
    """Check a password against a stored hash; raises argon2's VerifyMismatchError. Counts nothing."""
    await asyncio.to_thread(_hasher.verify, stored, _peppered(vault, password))


async def prove(runtime: Runtime, card: int, password: str, *, actor: UUID) -> None:
    """Check the password of `card`; raises PasswordWrong with `tries_left`, or PasswordLocked.

    The attempt is counted in a statement of its own before it is judged, so a refusal is remembered.
    """
    tried = await store.try_password(runtime.pool, card)
    if tried is None:
        seconds = await store.locked_for(runtime.pool, card)
        raise PasswordLocked(headers={"Retry-After": str(seconds or 1)})
    stored, tries = tried
    try:
        await verify(runtime.vault, stored, password)
    except VerifyMismatchError:
        await audit.insert(
            runtime.pool, kind="password", outcome="password_wrong", actor=actor, card=card, detail={"tries": tries}
        )
        if tries >= PASSWORD_TRIES:
            raise PasswordLocked(headers={"Retry-After": "86400"}) from None
        raise PasswordWrong(tries_left=PASSWORD_TRIES - tries) from None
    await store.forgive(runtime.pool, card)


async def proven(tx: Tx, runtime: Runtime, holder: Holder) -> PasswordProven:
    """Record a proven password (动作 009): a one-time busiSeq, and a session whose codes say so."""
    busi_seq = new_id()
    await store.add_verification(tx, busi_seq, holder.card, holder.actor)
    until = int(runtime.clock.time()) + BUSI_SEQ_SECONDS
    verified = msgspec.structs.replace(holder, verified_until=until)
    return PasswordProven(
        action_type=Action.PASSWORD_PROVEN.value,
        busi_seq=busi_seq,
        session=runtime.tickets.seal(verified),
        verified_until=until,
    )


async def require_proof(runtime: Runtime, busi_seq: UUID, device: UUID) -> None:
    """Check that a proof of the password lives, before an authority is asked for its owner; raises BusiSeqUnknown."""
    if not await store.proof_lives(runtime.pool, busi_seq, device):
        raise BusiSeqUnknown


async def spend(tx: Tx, busi_seq: UUID | None, device: UUID) -> None:
    """Use a proof of the password once; raises BusiSeqUnknown."""
    if busi_seq is None or not await store.spend_verification(tx, busi_seq, device):
        raise BusiSeqUnknown


async def change(runtime: Runtime, checks: Checks, holder: Holder, asked: PasswordReset) -> None:
    """Set a new password for all channels: with the old one's busiSeq, or with a face check, which unlocks too.

    Raises PasswordNotAllowed, FaceRequired, FaceMismatch, BusiSeqUnknown.
    """
    check_password_form(asked.password)
    if asked.busi_seq is None:
        if asked.face is None:
            raise FaceRequired(pointer="/face")
        row = await store.by_seq(runtime.pool, holder.card)
        if row is None or not await checks.face(open_profile(runtime.vault, row.profile), asked.face):
            raise FaceMismatch
    else:
        await require_proof(runtime, asked.busi_seq, holder.actor)
    new = await hashed(runtime.vault, asked.password)
    async with begin(runtime.pool) as tx:
        if asked.busi_seq is not None:
            await spend(tx, asked.busi_seq, holder.actor)
        await store.set_password(tx, holder.card, new)
        way = "face" if asked.busi_seq is None else "password"
        await audit.insert(
            tx, kind="password_set", outcome="ok", actor=holder.actor, card=holder.card, detail={"by": way}
        )
