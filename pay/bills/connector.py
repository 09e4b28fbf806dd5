"""A biller over HTTP: whatever is not its signed answer is Silent, and asked again."""

import httpx
import msgspec

from ecard.clock import Clock
from pay.bills import wire
from pay.bills.model import Marked, Owed, Paid, Silent
from pay.partners import NoAnswer, Partner

_found = msgspec.json.Decoder(wire.Found)
_result = msgspec.json.Decoder(wire.Result)


class HttpBiller:
    """The connector of one biller."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock, url: str, key: bytes) -> None:
        """Take its base URL, and the key that it was given when it was registered."""
        self._partner = Partner(http, clock, url, key)

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
        statuses = (httpx.codes.OK, httpx.codes.NOT_FOUND)
        try:
            return await self._partner.ask(path, msgspec.json.encode(asked), statuses)
        except NoAnswer:
            raise Silent from None
