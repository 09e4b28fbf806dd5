"""Idempotency-Key on every creating call (draft-ietf-httpapi-idempotency-key-header-07).

The key's row is written in the transaction of the effect: both exist or neither. A second request
with the key waits for the first (the row is locked until its commit) and is given the stored answer;
after 2 s it is told that the first is in flight. Only decided answers are stored, and sealed: some bear
what the caller alone may have, such as a client's secret.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request, Response

from ecard import guards
from ecard.db import Pool, Row, begin
from ecard.errors import Conflict, EcardError, Invalid, Text
from ecard.given import Given
from ecard.runtime import Runtime
from ecard.vault import Vault

_CLAIM = """
    INSERT INTO idempotency (actor, key, operation, body_mac) VALUES ($1, $2, $3, $4)
    ON CONFLICT (actor, key) DO NOTHING RETURNING true
"""
_STORED = "SELECT operation, body_mac, status, response FROM idempotency WHERE actor = $1 AND key = $2"
_STORE = "UPDATE idempotency SET status = $3, response = $4 WHERE actor = $1 AND key = $2"
_PLACE = "idempotency.response"
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


class KeyMissing(Invalid):
    """A creating call without `Idempotency-Key`: a lost answer could not be asked for again."""

    code = "idempotency_key_missing"
    title = Text("缺少 Idempotency-Key", "Idempotency-Key is missing")
    action = Text(
        "请为每个创建请求生成一个新的键 (1 至 64 个字母、数字、- 或 _), 重试时保持不变。",
        "Make a new key for each creating call (1 to 64 letters, digits, - or _) and keep it when you retry.",
    )


class KeyReused(EcardError):
    """The key was used for another request."""

    status = 422
    code = "idempotency_key_reused"
    title = Text("Idempotency-Key 已用于另一请求", "The Idempotency-Key was used for another request")
    action = Text("请为新请求生成新的键。", "Make a new key for a new request.")


class InFlight(Conflict):
    """The first request with this key has not ended."""

    code = "idempotency_in_flight"
    title = Text("相同键的请求正在处理", "A request with this key is in flight")
    action = Text("请稍后以同一键重试。", "Retry with the same key in a moment.")


class Creation(NamedTuple):
    """A creating call: its key, what it asks for, and where its effect is recorded.

    The body is remembered by a MAC: from a plain hash, a copy of the database would give away by
    trial what is short in it, such as a password.
    """

    pool: Pool
    vault: Vault
    key: str | None
    operation: str
    body: bytes
    body_mac: bytes

    async def once(
        self, actor: UUID, effect: Callable[[Any], Awaitable[object]], *, status: int = 201
    ) -> Response[Any]:
        """Return the answer of `effect`, run once for (actor, key) in a transaction that it is given.

        Raises KeyMissing, KeyReused (another operation or body), InFlight, and what `effect` raises;
        a refusal is not stored, so that the call may be made again once its cause is mended.
        """
        key = self.required_key()
        async with begin(self.pool) as tx:
            try:
                claimed = await tx.fetchval(_CLAIM, actor, key, self.operation, self.body_mac)
            except asyncpg.LockNotAvailableError:
                raise InFlight(headers={"Retry-After": "1"}) from None
            if not claimed:
                return self._replay(await tx.fetchrow(_STORED, actor, key))
            answer = msgspec.json.encode(await effect(tx))
            await tx.execute(_STORE, actor, key, status, self.vault.seal(_PLACE, answer))
        return _response(answer, status, {})

    async def answered(self, actor: UUID) -> Response[Any] | None:
        """Return the stored answer, if the call was made before: for calls that ask an authority first.

        Raises KeyMissing and KeyReused.
        """
        stored = await self.pool.fetchrow(_STORED, actor, self.required_key())
        return None if stored is None else self._replay(stored)

    def required_key(self) -> str:
        """Return the key; raises KeyMissing."""
        if self.key is None or not _KEY.fullmatch(self.key):
            raise KeyMissing
        return self.key

    def _replay(self, stored: Row) -> Response[Any]:
        if (stored["operation"], stored["body_mac"]) != (self.operation, self.body_mac):
            raise KeyReused
        answer = stored["response"]
        # The release before kept answers as plain JSON; a retry may come two days later.
        if answer[:1] not in {b"{", b"["}:
            answer = self.vault.open(_PLACE, answer)
        return _response(answer, stored["status"], {"Idempotency-Replayed": "true"})


def _response(body: bytes, status: int, headers: dict[str, str]) -> Response[Any]:
    return Response(body, status_code=status, media_type="application/json", headers=headers)


async def creation(request: Request[Any, Any, Any], runtime: Given[Runtime]) -> Creation:
    """Return the creating call that `request` is; injected under the name `creation`."""
    key = guards.headers(request).get("idempotency-key")
    body = await request.body()
    # What stands in the path is asked for as well: a key is not good for another client's new secret.
    named = request.scope["raw_path"] + b"\n" if request.path_params else b""
    mac = runtime.vault.mac("idempotency body", named + body)
    return Creation(runtime.pool, runtime.vault, key, str(request.route_handler.operation_id), body, mac)
