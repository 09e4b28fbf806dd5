"""A server of somebody else's that shares a key with us: each side's words are signed under it.

`Ecard-Timestamp` is Unix seconds, `Ecard-Signature` the hexadecimal HMAC-SHA256, under that key, of timestamp, path and
body with a line feed between; that of the answer is made of the request's signature, the status and the body. So nobody
between them changes a word or repeats an old one.
"""

import asyncio
import hmac
from collections.abc import Sequence
from typing import NamedTuple

import httpx

from ecard.clock import Clock

TIMESTAMP, SIGNATURE = "ecard-timestamp", "ecard-signature"
SKEW = 300
"""Seconds that a request's timestamp may be off."""
SECONDS = 5.0
"""Seconds in which a partner must have answered, all in all."""
_MOST_BYTES = 64 * 1024


class NoAnswer(Exception):
    """No answer, or none that is signed: what became of the request is unknown."""


class Partner(NamedTuple):
    """A server and the key that it was given when it was registered."""

    http: httpx.AsyncClient
    clock: Clock
    url: str
    key: bytes

    async def ask(self, path: str, content: bytes, statuses: Sequence[int] = (httpx.codes.OK,)) -> tuple[int, bytes]:
        """Return status and body of a signed answer of one of `statuses`; raises NoAnswer."""
        timestamp = str(int(self.clock.time()))
        asked = signature(self.key, timestamp, path, content)
        headers = {TIMESTAMP: timestamp, SIGNATURE: asked, "content-type": "application/json"}
        try:
            async with (
                asyncio.timeout(SECONDS),
                self.http.stream("POST", self.url.rstrip("/") + path, content=content, headers=headers) as answer,
            ):
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise NoAnswer
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            raise NoAnswer from None
        status, given = answer.status_code, answer.headers.get(SIGNATURE, "")
        if not fits(answer_signature(self.key, asked, status, body), given) or status not in statuses:
            raise NoAnswer
        return status, body


def signature(key: bytes, timestamp: str, path: str, body: bytes) -> str:
    """Return the signature of a request."""
    return _mac(key, timestamp, path, body)


def answer_signature(key: bytes, asked: str, status: int, body: bytes) -> str:
    """Return the signature of the answer to the request signed `asked`."""
    return _mac(key, asked, str(status), body)


def fits(expected: str, given: str) -> bool:
    """Return whether a signature is the expected one, in constant time; one of other characters is not."""
    return hmac.compare_digest(expected.encode(), given.encode())


def _mac(key: bytes, first: str, second: str, body: bytes) -> str:
    return hmac.digest(key, b"\n".join((first.encode(), second.encode(), body)), "sha256").hex()
