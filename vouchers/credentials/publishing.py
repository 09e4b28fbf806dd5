"""What verifiers fetch: status lists, and the bundle of keys and lists; each made at most every few seconds."""

import asyncio
from typing import Any

from ecard import tokens
from ecard.claims import publishing as claims
from ecard.errors import NotFound
from ecard.keyring.model import Purpose, key_url
from ecard.keys import to_jwk
from ecard.runtime import Runtime
from ecard.tokens import TokenType
from vouchers.credentials import status, store
from vouchers.credentials.model import key_set

FRESH = 5.0
"""Seconds for which what was made is handed out again."""


class Register:
    """Makes the lists and the bundle of each FRESH seconds once."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._version = -1
        self._lists: dict[int, str] = {}
        self._bundle = ""
        self._making = asyncio.Lock()

    async def published(self, number: int) -> str:
        """Return a signed status list; raises NotFound (no certificate was ever put on it) or NoKey."""
        await self._make()
        if number not in self._lists:
            raise NotFound
        return self._lists[number]

    async def bundle(self) -> str:
        """Return the signed bundle; raises NoKey."""
        await self._make()
        return self._bundle

    async def _make(self) -> None:
        async with self._making:
            now = self._runtime.clock.time()
            version = int(now // FRESH)
            if version == self._version:
                return
            pool = self._runtime.pool
            places = {number: await store.revoked(pool, number) for number in range(await store.last_list(pool) + 1)}
            self._lists = await asyncio.to_thread(
                lambda: {number: self._list(number, found, now) for number, found in places.items()}
            )
            self._bundle, self._version = self._signed(now, version, await claims.lists(self._runtime)), version

    def _list(self, number: int, places: list[int], now: float) -> str:
        issuer, key = self._runtime.settings.issuer, self._runtime.ring.signing(Purpose.CREDENTIAL, now)
        made = status.credential(issuer, number, places, now)
        return tokens.mint(key.signer, key_url(issuer, key.kid), TokenType.STATUS_LIST, made)

    def _signed(self, now: float, version: int, lists: list[str]) -> str:
        runtime = self._runtime
        anchor = runtime.ring.signing(Purpose.ANCHOR, now)
        content: dict[str, Any] = {
            "iss": runtime.settings.issuer,
            "iat": int(now),
            "exp": int(now) + status.LIFE,
            "version": version,
            "keys": keys(runtime, now),
            "lists": list(self._lists.values()),
            # Those of credentials with selective disclosure (`ecard.claims`), which the same keys sign.
            "status_lists": lists,
            "anchors": [
                {"kid": one.kid, "alg": one.suite.value} | to_jwk(one.suite, one.public)
                for one in runtime.ring.published(Purpose.ANCHOR, now)
            ],
        }
        return tokens.mint(anchor.signer, anchor.kid, TokenType.CREDENTIALS, content)


def keys(runtime: Runtime, now: float) -> list[dict[str, str]]:
    """Return the public keys whose certificates are accepted."""
    published = runtime.ring.published(Purpose.CREDENTIAL, now)
    return key_set(
        runtime.settings.issuer,
        {one.kid: {"alg": one.suite.value, **to_jwk(one.suite, one.public)} for one in published},
    )
