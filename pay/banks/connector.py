"""A bank over HTTP. Whatever happens on the way, its answer is UNKNOWN with a code that says what.

timeout        the bank did not answer within the time-out, connecting and reading included
unreachable    the line could not be opened, or broke
http_500 …     another status than 200: a proxy or a broken server said it, not the bank's ledger
unverified     the answer is not signed by the bank, or belongs to another request
unreadable     the answer is signed, and is not what was agreed
untold         an exception that nobody foresaw
"""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus

import aiohttp
import msgspec

from ecard.clock import Clock
from ecard.keys import Signer, Verifier
from pay.banks import wire
from pay.banks.bank import Answer, Credit, Debit, Outcome, Payout
from pay.banks.wire import Path, Told

log = logging.getLogger("pay.banks")
_MOST_BYTES = 4096
"""Bytes of the longest answer that is read."""
_DAY_SECONDS = 120
"""Seconds that a day's file may take."""
_told = msgspec.json.Decoder(Told)


def lines_to_banks() -> aiohttp.ClientSession:
    """Return a client for banks alone, with more connections than circuits let through: no request waits for one.

    To be called in the loop that uses it. Its pool is why it is not httpx here: that one walks through all its
    connections for each request (7 ms of CPU with 32 of them, this one 0.7 ms). What is signed is what comes: no
    coding is asked for and none undone. No redirect is followed and no cookie kept; each call has its own time-out.
    A POST that met a closed connection is not sent again by itself: the bank may have heard it.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1000, keepalive_timeout=20),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity", "Content-Type": "application/json"},
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(),
    )


class StatementUnavailable(Exception):
    """The day's file did not come, or is not signed by the bank."""


class HttpBank:
    """The connector of one bank."""

    def __init__(
        self, http: aiohttp.ClientSession, clock: Clock, url: str, own: Signer, theirs: Verifier, seconds: float
    ) -> None:
        """Take the bank's base URL, our key for it, its public key, and the seconds that it has to answer."""
        self._http = http
        self._clock = clock
        self._url = url.rstrip("/")
        self._own = own
        self._theirs = theirs
        self._seconds = seconds

    async def pay(self, ask: Debit) -> Answer:
        """Take money."""
        return await self._ask(Path.PAY, ask.ref, ask)

    async def refund(self, ask: Credit) -> Answer:
        """Give money back."""
        return await self._ask(Path.REFUND, ask.ref, ask)

    async def payout(self, ask: Payout) -> Answer:
        """Pay money out."""
        return await self._ask(Path.PAYOUT, ask.ref, ask)

    async def query(self, ref: str) -> Answer:
        """Return what became of a reference."""
        return await self._ask(Path.QUERY, ref, wire.Ref(ref))

    async def reverse(self, ref: str) -> Answer:
        """Undo a payment."""
        return await self._ask(Path.REVERSE, ref, wire.Ref(ref))

    async def statement(self, day: str) -> bytes:
        """Return the file of a business day (`YYYYMMDD`); raises StatementUnavailable."""
        body = msgspec.json.encode(wire.Day(day))
        headers = wire.signed(self._own, "POST", Path.STATEMENT, body, self._clock.time())
        try:
            async with asyncio.timeout(_DAY_SECONDS), self._post(Path.STATEMENT, body, headers) as answer:
                content = await answer.read()
            signature = answer.headers.get(wire.SIGNATURE, "")
            asked = headers[wire.SIGNATURE]
            # A day of a million lines takes a while to hash: the loop goes on meanwhile.
            await asyncio.to_thread(wire.verify_answer, self._theirs, asked, answer.status, content, signature)
        except (aiohttp.ClientError, OSError, wire.Unverified) as error:
            raise StatementUnavailable from error
        if answer.status != HTTPStatus.OK:
            raise StatementUnavailable
        return content

    async def _ask(self, path: Path, ref: str, ask: msgspec.Struct) -> Answer:
        """Return the bank's answer about `ref`; UNKNOWN for everything that is not one."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._exchange(path, ref, msgspec.json.encode(ask))
        except TimeoutError:
            code = "timeout"
        except (aiohttp.ClientError, OSError):
            code = "unreachable"
        except wire.Unverified:
            code = "unverified"
        except (msgspec.DecodeError, ValueError):
            code = "unreadable"
        except Exception as error:  # noqa: BLE001 - the bank may have booked, so whatever it was decides nothing
            log.warning("a bank was asked in vain: %s", type(error).__name__)
            code = "untold"
        return Answer(Outcome.UNKNOWN, code)

    async def _exchange(self, path: Path, ref: str, body: bytes) -> Answer:
        headers = wire.signed(self._own, "POST", path, body, self._clock.time())
        async with self._post(path, body, headers) as answer:
            if answer.status != HTTPStatus.OK:
                return Answer(Outcome.UNKNOWN, f"http_{answer.status}")
            content = await _short(answer)
            signature = answer.headers.get(wire.SIGNATURE, "")
        wire.verify_answer(self._theirs, headers[wire.SIGNATURE], answer.status, content, signature)
        told = _told.decode(content)
        if told.ref != ref:
            raise ValueError
        return Answer(told.outcome, told.code)

    def _post(
        self, path: Path, body: bytes, headers: dict[str, str]
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._http.post(self._url + path, data=body, headers=headers, allow_redirects=False)


async def _short(answer: aiohttp.ClientResponse) -> bytes:
    content = b""
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise ValueError
    return content
