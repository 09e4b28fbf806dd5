"""The simulated bank's own calls: it notifies of each decision, perhaps late, twice, or the last one first."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import msgspec

from ecard.ids import new_id
from ecard.keys import Signer
from pay.banks import wire
from pay.banks.bank import Outcome
from pay.banks.wire import Told

log = logging.getLogger("pay.banks.simulator")


class Notices(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where notifications go ("" for nowhere), seconds until the first, how often each is sent, how many are reordered.

    With `shuffle` n, notifications are held until n are there, and go out in reverse.
    """

    url: str = ""
    delay: float = 0.0
    copies: int = 1
    shuffle: int = 1


class Notifier:
    """Sends what was decided until it is heard; at most some tries, as banks do."""

    def __init__(self, signer: Signer, clock: Callable[[], float]) -> None:
        self.how = Notices()
        self.sent: dict[str, int] = {}
        self._signer = signer
        self._clock = clock
        self._held: list[Told] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient(timeout=5)

    def notify(self, told: Told) -> None:
        """Notify of a decision, if anybody is to be notified."""
        if not self.how.url or told.outcome is Outcome.UNKNOWN:
            return
        self._held.append(told)
        if len(self._held) >= self.how.shuffle:
            batch, self._held = self._held[::-1], []
            task = asyncio.get_running_loop().create_task(self._send(self.how, batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await self._http.aclose()

    async def _send(self, how: Notices, batch: list[Told]) -> None:
        await asyncio.sleep(how.delay)
        for told in batch:
            event = {"event": str(new_id()), "ref": told.ref, "outcome": told.outcome, "code": told.code}
            body = msgspec.json.encode(event)
            await asyncio.gather(*(self._deliver(how.url, body) for _ in range(how.copies)))

    async def _deliver(self, url: str, body: bytes, tries: int = 5) -> None:
        for n in range(tries):
            headers = wire.signed(self._signer, "POST", urlsplit(url).path, body, self._clock())
            status = "unreachable"
            with contextlib.suppress(httpx.HTTPError):
                answer = await self._http.post(
                    url, content=body, headers={**headers, "content-type": "application/json"}
                )
                status = str(answer.status_code)
            self.sent[status] = self.sent.get(status, 0) + 1
            if status == "200":
                return
            await asyncio.sleep(2**n / 4)
