"""The offline bundle: keys and status lists in one signed token, made at most every few seconds."""

import asyncio
from typing import Any

from ecard import seals, tokens
from ecard.audit import store as audit
from ecard.keyring.model import Purpose
from ecard.keys import to_jwk
from ecard.runtime import Runtime
from ecard.seals import head_of
from ecard.tokens import TokenType
from qr import handle
from qr.model import EPOCH
from qr.status import compress

LIFE = 4 * 3600
"""Seconds that a bundle may be used offline."""
FRESH = 10.0
"""Seconds for which a made bundle is handed out again."""
_DEAD = "SELECT seq FROM card WHERE status <> 'active'"


class BundleMaker:
    """Makes the bundle of each FRESH seconds once, and numbers it by them: two processes agree on the number."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._version = -1
        self._token = ""
        self._making = asyncio.Lock()

    async def current(self) -> str:
        """Return the signed bundle; raises NoKey."""
        async with self._making:
            now = self._runtime.clock.time()
            version = int(now // FRESH)
            if version != self._version:
                self._token = await self._make(now, version)
                self._version = version
            return self._token

    async def _make(self, now: float, version: int) -> str:
        runtime, bits = self._runtime, self._runtime.settings.status_bits
        dead = [row["seq"] for row in await runtime.pool.fetch(_DEAD)]
        epochs = range(int(now) // EPOCH - 1, int(now) // EPOCH + 2)
        lists = await asyncio.to_thread(
            lambda: {
                str(epoch): compress(map(handle.permutation(runtime.vault, epoch, bits).place, dead), bits)
                for epoch in epochs
            }
        )
        last = await seals.last_seal(runtime.pool, audit.LOG)
        key = runtime.ring.signing(Purpose.ANCHOR, now)
        claims: dict[str, Any] = {
            "iss": runtime.settings.issuer,
            "iat": int(now),
            "exp": int(now) + LIFE,
            # Never falls from one bundle to the next; a verifier refuses a lower one than it has seen.
            "version": version,
            "status_bits": bits,
            "status_lists": lists,
            "codes": [
                {"slot": one.slot, "kid": one.kid, "alg": one.suite.value, "revoked": one.revoked_at is not None}
                | {"jwk": to_jwk(one.suite, one.public)}
                for one in runtime.ring.codes.values()
            ],
            "anchors": [
                {"kid": one.kid, "alg": one.suite.value} | to_jwk(one.suite, one.public)
                for one in runtime.ring.published(Purpose.ANCHOR, now)
            ],
        }
        if last is not None:
            claims["audit"] = {"seq": last[0], "head": head_of(last[2])}
        return tokens.mint(key.signer, key.kid, TokenType.BUNDLE, claims)


def jwks(runtime: Runtime) -> list[dict[str, str]]:
    """Return the published keys of tokens (RFC 7517); never an empty list (raises NoKey)."""
    now = runtime.clock.time()
    runtime.ring.signing(Purpose.ASSERTION, now)
    return [
        {"kid": key.kid, "use": "sig", "alg": key.suite.value} | to_jwk(key.suite, key.public)
        for purpose in (Purpose.ASSERTION, Purpose.ANCHOR)
        for key in runtime.ring.published(purpose, now)
    ]
