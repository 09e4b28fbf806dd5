"""The table of signing keys; private keys are sealed, and leave it only into a signer."""

from ecard.db import Db, Row, Tx
from ecard.keyring.model import Key, Purpose
from ecard.keys import Suite, load_signer, verifier
from ecard.vault import Vault

_SELECT = """
    SELECT kid, purpose, slot, suite, public, private,
           extract(epoch FROM created_at)::float8 AS created_at, extract(epoch FROM use_from)::float8 AS use_from,
           extract(epoch FROM verify_until)::float8 AS verify_until,
           extract(epoch FROM revoked_at)::float8 AS revoked_at
    FROM signing_key ORDER BY created_at, kid
"""
_INSERT = """
    INSERT INTO signing_key (kid, purpose, slot, suite, public, private, use_from)
    VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN now() END)
"""
# A standby published for less than the lead waits out the rest of it.
_PROMOTE = """
    UPDATE signing_key SET use_from = greatest(now(), created_at + make_interval(secs => $2))
    WHERE kid = $1 RETURNING extract(epoch FROM use_from)::float8
"""
_RETIRE = """
    UPDATE signing_key SET verify_until = to_timestamp($2) + make_interval(secs => $3)
    WHERE kid = $1 AND verify_until IS NULL
"""
_REVOKE = "UPDATE signing_key SET revoked_at = now() WHERE kid = $1 AND revoked_at IS NULL RETURNING kid"
_MADE_AGAIN = frozenset(set(Purpose) - {Purpose.CODE, Purpose.TOKEN})
"""A retried answer of these is made again to the byte; the others sign with a random nonce, which is quicker."""
PRIVATE = "signing_key.private"


async def lock(tx: Tx) -> None:
    """Serialise changes of the ring until the transaction ends."""
    await tx.execute("LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE")


async def read(db: Db, vault: Vault, known: dict[str, Key]) -> list[Key]:
    """Return all keys; the private key of one already `known` is not opened again."""
    return [_key(row, vault, known.get(row["kid"])) for row in await db.fetch(_SELECT)]


def _key(row: Row, vault: Vault, known: Key | None) -> Key:
    suite, purpose = Suite(row["suite"]), Purpose(row["purpose"])
    return Key(
        kid=row["kid"],
        purpose=purpose,
        slot=row["slot"],
        suite=suite,
        public=row["public"],
        signer=known.signer
        if known
        else load_signer(vault.open(PRIVATE, row["private"]), deterministic=purpose in _MADE_AGAIN),
        verifier=known.verifier if known else verifier(suite, row["public"]),
        created_at=row["created_at"],
        use_from=row["use_from"],
        verify_until=row["verify_until"],
        revoked_at=row["revoked_at"],
    )


async def insert(
    tx: Tx,
    *,
    kid: str,
    purpose: Purpose,
    slot: int,
    suite: Suite,
    public: bytes,
    sealed: bytes,
    in_use: bool,
) -> None:
    """Add a key, the current one (`in_use`) or a standby."""
    await tx.execute(_INSERT, kid, purpose.value, slot, suite.value, public, sealed, in_use)


async def promote(tx: Tx, kid: str, lead: float) -> float:
    """Give the standby `kid` its first use, `lead` seconds after its publication or now; return when."""
    return float(await tx.fetchval(_PROMOTE, kid, lead))


async def retire(tx: Tx, kid: str, at: float, life: float) -> None:
    """Let the key `kid`, used until `at`, verify for `life` seconds more."""
    await tx.execute(_RETIRE, kid, at, life)


async def revoke(tx: Tx, kid: str) -> bool:
    """Revoke `kid` at once; return whether it was alive."""
    return await tx.fetchval(_REVOKE, kid) is not None
