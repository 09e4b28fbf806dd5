"""A biller over HTTP: whatever is not its signed answer is Silent, and asked again."""

import asyncio

import httpx
import msgspec

from ecard.clock import Clock
from pay.bills import wire
from pay.bills.model import Marked, Owed, Paid, Silent

SECONDS = 5.0
"""Seconds in which an agency must have answered, all in all."""
_MOST_BYTES = 64 * 1024
_found = msgspec.json.Decoder(wire.Found)
_result = msgspec.json.Decoder(wire.Result)


class HttpBiller:
    """The connector of one biller."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock, url: str, key: bytes) -> None:
        """Take its base URL, and the key that it was given when it was registered."""
        self._http = http
        self._clock = clock
        self._url = url.rstrip("/")
        self._key = key

    async def inquire(self, account: str) -> list[Owed] | None:
        """Return what is owed on an account, None when there is no such account; raises Silent."""
        status, body = await self._ask(wire.INQUIRIES, wire.Inquiry(account=account))
        if status == httpx.codes.NOT_FOUND:
            return None
        try:
            return _found.decode(body).bills
        except msgspec.DecodeError:
            raise Silent from None

    async def mark_paid(self, paid: Paid) -> Marked:
        """Tell that a bill is paid; raises Silent."""
        _, body = await self._ask(wire.PAYMENTS, paid)
        try:
            return _result.decode(body).result
        except msgspec.DecodeError:
            raise Silent from None

    async def _ask(self, path: str, asked: msgspec.Struct) -> tuple[int, bytes]:
        """Return status and body of a signed answer, 200 or 404."""
        content, timestamp = msgspec.json.encode(asked), str(int(self._clock.time()))
        signature = wire.signature(self._key, timestamp, path, content)
        headers = {wire.TIMESTAMP: timestamp, wire.SIGNATURE: signature, "content-type": "application/json"}
        try:
            async with (
                asyncio.timeout(SECONDS),
                self._http.stream("POST", self._url + path, content=content, headers=headers) as answer,
            ):
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise Silent
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            raise Silent from None
        status, given = answer.status_code, answer.headers.get(wire.SIGNATURE, "")
        if not wire.fits(wire.answer_signature(self._key, signature, status, body), given):
            raise Silent
        if status not in {httpx.codes.OK, httpx.codes.NOT_FOUND}:
            raise Silent
        return status, body
