"""The certificates of the keys that sign papers, and the bundle by which anybody checks a paper with no network."""

import asyncio
import base64
from typing import Any

from ecard import tokens
from ecard.keyring.model import Key, NoKey, Purpose
from ecard.keys import to_jwk
from ecard.records.papers import store
from ecard.runtime import Runtime
from ecard.tokens import TokenType

LIFE = 7 * 86400
"""Seconds that a bundle may be used."""
FRESH = 60.0
"""Seconds for which a bundle that was made is handed out again."""


class Publisher:
    """Makes certificates where one is missing, and a bundle at most once in FRESH seconds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._bundle = ""
        self._version: tuple[int, float] = (-1, 0.0)
        self._making = asyncio.Lock()

    async def certificate(self, key: Key, issuer: Key) -> bytes:
        """Return the certificate (DER) of a key by an issuer, made when it is first asked for."""
        pool = self._runtime.pool
        found = await store.certificate(pool, key.kid, issuer.kid)
        if found is None:
            await store.certify(pool, key.kid, issuer.kid, await asyncio.to_thread(_made, key, issuer))
            found = await store.certificate(pool, key.kid, issuer.kid)
        if found is None:
            raise NoKey
        return found

    async def bundle(self) -> str:
        """Return the signed bundle; raises NoKey."""
        async with self._making:
            now = self._runtime.clock.time()
            version = (int(now // FRESH), self._runtime.ring.as_of)
            if version != self._version:
                self._bundle, self._version = await self._signed(now), version
            return self._bundle

    async def _signed(self, now: float) -> str:
        ring = self._runtime.ring
        roots = ring.published(Purpose.DOCUMENT_CA, now)
        known = [key for key in ring.keys.values() if key.purpose is Purpose.DOCUMENT and key.state(now) != "expired"]
        anchor = ring.signing(Purpose.ANCHOR, now)
        claims: dict[str, Any] = {
            "iss": self._runtime.settings.issuer,
            "iat": int(now),
            "exp": int(now) + LIFE,
            "keys": [{"kid": one.kid, "alg": one.suite.value} | to_jwk(one.suite, one.public) for one in known],
            "certificates": [
                {"kid": key.kid, "x5c": _text(await self.certificate(key, root))} for key in known for root in roots
            ],
            "roots": [_text(await self.certificate(root, root)) for root in roots],
            "revoked": [one.kid for one in known if one.revoked_at is not None],
            "anchors": [
                {"kid": one.kid, "alg": one.suite.value} | to_jwk(one.suite, one.public)
                for one in ring.published(Purpose.ANCHOR, now)
            ],
        }
        return tokens.mint(anchor.signer, anchor.kid, TokenType.DOCUMENTS, claims)


def _made(key: Key, issuer: Key) -> bytes:
    # A library that only printing needs: a server that prints nothing does not load it.
    from ecard.records.papers.certificates import certificate  # noqa: PLC0415

    return bytes(certificate(key, issuer).dump())


def _text(der: bytes) -> str:
    return base64.b64encode(der).decode()
