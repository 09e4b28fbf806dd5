"""The negative list: who owes for a ride, in the shape of the status list, signed by an anchor as the bundle is."""

import asyncio

from ecard import tokens
from ecard.keyring.model import Purpose
from ecard.runtime import Runtime
from ecard.tokens import TokenType
from pay.rides import store
from pay.rides.model import BUNDLE_SECONDS
from qr import handle
from qr.model import EPOCH
from qr.status import compress

FRESH = 2.0
"""Seconds for which a made list is handed out again: who has paid is let in soon."""


class DeniedMaker:
    """Makes the list of each FRESH seconds once, and numbers it by them: two processes agree on the number."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._version = -1
        self._token = ""
        self._making = asyncio.Lock()

    async def current(self) -> str:
        """Return the signed list; raises NoKey."""
        async with self._making:
            now = self._runtime.clock.time()
            version = int(now // FRESH)
            if version != self._version:
                self._token, self._version = await self._make(now, version), version
            return self._token

    async def _make(self, now: float, version: int) -> str:
        runtime, bits = self._runtime, self._runtime.settings.status_bits
        owing = await store.owed(runtime.pool)
        # A code's place is that of the day when it was signed: yesterday's certificate shows codes today.
        epochs = range(int(now) // EPOCH - 1, int(now) // EPOCH + 2)
        lists = await asyncio.to_thread(
            lambda: {
                str(epoch): compress(map(handle.permutation(runtime.vault, epoch, bits).place, owing), bits)
                for epoch in epochs
            }
        )
        key = runtime.ring.signing(Purpose.ANCHOR, now)
        claims: dict[str, object] = {
            "iss": runtime.settings.issuer,
            "iat": int(now),
            "exp": int(now) + BUNDLE_SECONDS,
            "version": version,
            "status_bits": bits,
            "status_lists": lists,
        }
        return tokens.mint(key.signer, key.kid, TokenType.DENIED, claims)
