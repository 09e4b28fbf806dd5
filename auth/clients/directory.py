"""Clients as a process knows them: read from the database at most a second ago, keys by URI a few minutes ago.

A second is what "disabled, refused everywhere within two seconds" leaves. A set of keys is fetched
again for an unknown `kid`, but not more often than every half minute: a caller with made-up names of keys
must not make us call others.
"""

import time
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import httpx
import msgspec

from auth.clients import store
from auth.clients.model import Client
from ecard.db import Pool
from ecard.tokens import PublicKey

FRESH = 1.0
"""Seconds that a client read from the database is believed."""
KEYS_FRESH = 300.0
COOL_DOWN = 30.0
_LARGEST_SET = 64 * 1024
_MOST = 4096


class _Known(NamedTuple):
    client: Client | None
    at: float


class _Keys(NamedTuple):
    keys: Mapping[str, PublicKey]
    at: float


class Directory:
    """Finds clients and their keys."""

    def __init__(self, pool: Pool, http: httpx.AsyncClient) -> None:
        self._pool = pool
        self._http = http
        self._clients: dict[UUID, _Known] = {}
        self._keys: dict[str, _Keys] = {}

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

    async def keys(self, client: Client, kid: str) -> Mapping[str, PublicKey]:
        """Return the client's keys; those behind a URI are fetched when they are old or lack `kid`."""
        if client.jwks_uri is None:
            return client.keys
        now = time.monotonic()
        held = self._keys.get(client.jwks_uri)
        age = now - held.at if held else KEYS_FRESH
        if held is None or age >= KEYS_FRESH or (kid not in held.keys and age >= COOL_DOWN):
            fetched = await self._fetch(client.jwks_uri)
            # A set that cannot be had now is better old than none; the time of asking cools down either way.
            held = _Keys(fetched if fetched is not None else (held.keys if held else {}), now)
            self._keys[client.jwks_uri] = held
        return held.keys

    async def _fetch(self, uri: str) -> Mapping[str, PublicKey] | None:
        try:
            answer = await self._http.get(uri, headers={"Accept": "application/json"})
            if not answer.is_success or len(answer.content) > _LARGEST_SET:
                return None
            return store.keys_of(msgspec.json.decode(answer.content))
        except (httpx.HTTPError, msgspec.DecodeError, ValueError):
            return None
