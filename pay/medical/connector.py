"""Which agency decides for a region: its own server, or in the sandbox this process."""

from ecard.db import Db
from pay.medical.agency import Agency, Asked, Said, SandboxAgency, Silent

_REGION = "SELECT url, key FROM medical_region WHERE code = $1"


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

    def __init__(self, *, sandbox: bool) -> None:
        self._own: Agency = SandboxAgency() if sandbox else Unconnected()

    async def of(self, db: Db, region: str) -> Agency:
        """Return the agency of a region."""
        del db, region
        return self._own
