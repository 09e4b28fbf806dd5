"""Which agency decides for a region: its own server over HTTP, or in the sandbox this process."""

import httpx
import msgspec

from ecard.db import Db
from ecard.runtime import Runtime
from pay.medical import wire
from pay.medical.agency import Agency, Asked, Said, SandboxAgency, Silent
from pay.partners import NoAnswer, Partner

KEY = "medical_region.key"
"""The place that an agency's key is sealed for."""
_REGION = "SELECT url, key FROM medical_region WHERE code = $1"
_answer = msgspec.json.Decoder(wire.Answer)


class HttpAgency:
    """An agency's own server."""

    def __init__(self, partner: Partner) -> None:
        self._partner = partner

    async def send(self, asked: Asked) -> Said:
        """Ask for something to be done, once for its reference; raises Silent."""
        return await self._ask(wire.REQUESTS, asked)

    async def query(self, ref: str) -> Said:
        """Ask what became of a reference; raises Silent."""
        return await self._ask(wire.QUERIES, wire.Query(ref=ref))

    async def _ask(self, path: str, asked: msgspec.Struct) -> Said:
        try:
            _, body = await self._partner.ask(path, msgspec.json.encode(asked))
            answer = _answer.decode(body)
        except (NoAnswer, msgspec.DecodeError):
            raise Silent from None
        return Said(answer.verdict, answer.code)


class Unconnected:
    """The agency of a region that names no server, where this is no sandbox: silent."""

    async def send(self, asked: Asked) -> Said:
        """Raise Silent."""
        del asked
        raise Silent

    async def query(self, ref: str) -> Said:
        """Raise Silent."""
        del ref
        raise Silent


class Agencies:
    """The regions' agencies."""

    def __init__(self, runtime: Runtime, http: httpx.AsyncClient) -> None:
        self._runtime = runtime
        self._http = http
        self._own: Agency = SandboxAgency() if runtime.settings.sandbox else Unconnected()

    async def of(self, db: Db, region: str) -> Agency:
        """Return the agency of a region."""
        row = await db.fetchrow(_REGION, region)
        if row is None or row["url"] is None:
            return self._own
        key = self._runtime.vault.open(KEY, row["key"])
        return HttpAgency(Partner(self._http, self._runtime.clock, row["url"], key))
