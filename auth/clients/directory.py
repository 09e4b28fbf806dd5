"""Clients as a process knows them: read from the database at most a second ago, keys by URI a few minutes ago.

A second is what "disabled, refused everywhere within two seconds" leaves. A set of keys is fetched
again for an unknown `kid`, but by one request at a time and not more often than every half minute: a caller
with made-up names of keys must not make us call others.
"""

import asyncio
import datetime
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import httpx
import msgspec

from auth.clients import store
from auth.clients.model import Client, web_origin
from ecard.db import Pool
from ecard.tokens import PublicKey

FRESH = 1.0
"""Seconds that a client read from the database is believed."""
KEYS_FRESH = 300.0
COOL_DOWN = 30.0
OLDEST = 3600.0
"""Seconds for which keys are believed while the address that they came from fails."""
_LARGEST_SET = 64 * 1024
_SECONDS = 5.0
"""Seconds in which a set of keys must have come."""
_MOST = 4096


class _Known(NamedTuple):
    client: Client | None
    at: float


class _Origins(NamedTuple):
    names: frozenset[str]
    at: float


class _Keys(NamedTuple):
    keys: Mapping[str, PublicKey]
    at: float
    """When they were asked for."""
    had: float
    """When they were had: keys that cannot be had again are believed for OLDEST seconds."""


class _Place(NamedTuple):
    """Where keys are, and the time of the client's row: what was fetched before a rotation is not looked at again."""

    uri: str
    rotated_at: datetime.datetime


class Directory:
    """Finds clients, their keys, and the origins that their pages have."""

    def __init__(self, pool: Pool, http: httpx.AsyncClient) -> None:
        self._pool = pool
        self._http = http
        self._clients: dict[UUID, _Known] = {}
        self._origins: _Origins | None = None
        self._reading = asyncio.Lock()
        self._keys: dict[_Place, _Keys] = {}
        self._fetching: defaultdict[_Place, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find(self, client_id: str) -> Client | None:
        """Return the living client of this id, None when there is none."""
        try:
            wanted = UUID(client_id)
        except ValueError:
            return None
        now = time.monotonic()
        known = self._clients.get(wanted)
        if known is None or now - known.at > FRESH:
            known = _Known(await store.find(self._pool, wanted), now)
            if len(self._clients) >= _MOST:
                self._clients.clear()
            self._clients[wanted] = known
        return known.client

    async def origins(self, *, sandbox: bool) -> frozenset[str]:
        """Return the web origins of all living clients' redirect URIs, of sandbox clients' in the sandbox alone."""
        async with self._reading:
            if self._origins is None or time.monotonic() - self._origins.at > FRESH:
                uris, now = await store.redirect_uris(self._pool, sandbox=sandbox), time.monotonic()
                self._origins = _Origins(frozenset(filter(None, map(web_origin, uris))), now)
            return self._origins.names

    async def keys(self, client: Client, kid: str) -> Mapping[str, PublicKey]:
        """Return the client's keys; those behind a URI are fetched when they are old or lack `kid`."""
        if client.jwks_uri is None:
            return client.keys
        place = _Place(client.jwks_uri, client.rotated_at)
        held = self._enough(place, kid)
        if held is None:
            # Of many that miss a key at once, one asks for it; the others find what it brought.
            async with self._fetching[place]:
                held = self._enough(place, kid) or await self._renewed(place)
        return held.keys

    def _enough(self, place: _Place, kid: str) -> _Keys | None:
        """Return the keys held for `place`, None when they are to be fetched for `kid`'s sake."""
        held = self._keys.get(place)
        if held is None:
            return None
        age = time.monotonic() - held.at
        return held if age < (KEYS_FRESH if kid in held.keys else COOL_DOWN) else None

    async def _renewed(self, place: _Place) -> _Keys:
        fetched, held, now = await self._fetch(place.uri), self._keys.get(place), time.monotonic()
        if fetched is not None:
            renewed = _Keys(fetched, now, now)
        elif held is not None and now - held.had < OLDEST:
            # A set that cannot be had now is better old than none; the time of asking cools down either way.
            renewed = held._replace(at=now)
        else:
            renewed = _Keys({}, now, now)
        if len(self._keys) >= _MOST:
            self._keys.clear()
        self._keys[place] = renewed
        return renewed

    async def _fetch(self, uri: str) -> Mapping[str, PublicKey] | None:
        body = b""
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._http.stream("GET", uri, headers={"Accept": "application/json"}) as answer,
            ):
                if not answer.is_success:
                    return None
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > _LARGEST_SET:
                        return None
            return store.keys_of(msgspec.json.decode(body))
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError, ValueError, TimeoutError, RecursionError):
            return None
