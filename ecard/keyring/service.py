"""Changing the ring while it is in use: create, rotate, revoke; and keeping a copy in memory."""

from ecard.clock import Clock
from ecard.db import Db, Pool, Tx, begin
from ecard.encoding import b64url
from ecard.errors import NotFound, Text
from ecard.ids import new_id
from ecard.keyring import store
from ecard.keyring.model import LEAD, LIFE, SLOTS, Keyring, Purpose
from ecard.keys import Suite, generate
from ecard.vault import Vault


class KeyUnknown(NotFound):
    """No living key has this name."""

    code = "key_unknown"
    title = Text("没有该密钥, 或已吊销", "No such key, or it is revoked")
    action = Text("请用 ecard keys list 查看。", "See `ecard keys list`.")


async def refresh(db: Db, vault: Vault, ring: Keyring, clock: Clock) -> None:
    """Read the table into `ring`."""
    asked = clock.time()
    ring.replace(await store.read(db, vault, dict(ring.keys)), asked)


async def ensure(pool: Pool, vault: Vault, suite: Suite) -> None:
    """Give each purpose that has no key a current one and a standby (a new installation)."""
    async with begin(pool) as tx:
        await store.lock(tx)
        keys = await store.read(tx, vault, {})
        for purpose in Purpose:
            if not any(key.purpose is purpose for key in keys):
                await _create(tx, vault, purpose, suite, in_use=True)
                await _create(tx, vault, purpose, suite)


async def rotate(pool: Pool, vault: Vault, suite: Suite, purpose: Purpose, *, lead: float = LEAD) -> float:
    """Let the standby follow the current key, and publish a new standby.

    Returns when the new key is used first (Unix seconds): now, if it has been published for `lead`
    seconds, else when it will have been.
    """
    async with begin(pool) as tx:
        return await _succeed(tx, vault, suite, purpose, lead)


async def revoke(pool: Pool, vault: Vault, suite: Suite, kid: str) -> None:
    """Refuse everything that `kid` signed from now on; a current key is replaced at once.

    Raises KeyUnknown.
    """
    async with begin(pool) as tx:
        await store.lock(tx)
        key = next((key for key in await store.read(tx, vault, {}) if key.kid == kid), None)
        if key is None or not await store.revoke(tx, kid):
            raise KeyUnknown
        if key.use_from is None:
            await _create(tx, vault, key.purpose, suite)
        elif key.verify_until is None:
            await _succeed(tx, vault, suite, key.purpose, lead=0)


async def _succeed(tx: Tx, vault: Vault, suite: Suite, purpose: Purpose, lead: float) -> float:
    await store.lock(tx)
    mine = [key for key in await store.read(tx, vault, {}) if key.purpose is purpose and key.revoked_at is None]
    standby = next((key.kid for key in mine if key.use_from is None), None)
    first_use = await store.promote(tx, standby or await _create(tx, vault, purpose, suite), lead)
    for key in mine:
        if key.use_from is not None and key.verify_until is None:
            await store.retire(tx, key.kid, first_use, LIFE[purpose])
    await _create(tx, vault, purpose, suite)
    return first_use


async def _create(tx: Tx, vault: Vault, purpose: Purpose, suite: Suite, *, in_use: bool = False) -> str:
    signer, der = generate(suite)
    kid = f"{purpose.value}-{b64url(new_id().bytes[6:])}"
    keys = [key for key in await store.read(tx, vault, {}) if key.purpose is purpose]
    # The slot after the youngest key's, so that one is used again only after 255 others.
    slot = (keys[-1].slot + 1) % SLOTS if keys else 0
    sealed = vault.seal(store.PRIVATE, der)
    await store.insert(
        tx, kid=kid, purpose=purpose, slot=slot, suite=suite, public=signer.public, sealed=sealed, in_use=in_use
    )
    return kid
