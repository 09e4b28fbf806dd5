"""A bridge that the real server admits, paired with a terminal as its page does it."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from cardio.bridge.device import LoopbackSettings
from ecard.client import Terminal
from tests.bureau import Bureau
from tests.cardio.bridge.desk import READER, Desk, Tray, enrolled


class Office:
    """A counter with a terminal and its bridge."""

    def __init__(self, bureau: Bureau, place: Path) -> None:
        home = enrolled(place)
        body = {"agency": str(bureau.agency), "name": "三号窗口", "site": "政务大厅", "key": home.device().jwk}
        self.bridge = UUID(bureau.registrar.call("POST", "/v1/bridges", body).json()["id"])
        home = enrolled(place, self.bridge)
        self.terminal: Terminal = bureau.registrar.register_terminal(bureau.agency, "counter")
        self.desk = Desk(home, lambda: bureau.base_url, Tray(READER))

    def pair(self) -> None:
        """Type the digits on the bridge's screen into the terminal's page."""
        self.desk.sees("配对码")
        digits = re.findall(r"\b(\d{4}) (\d{4})\b", self.desk.shown.getvalue())[-1]
        self.terminal.call("POST", "/v1/bridge-pairings", {"code": "".join(digits)})
        self.desk.sees("已与窗口配对")

    def token(self, item: str = "A1-36") -> str:
        """Return a token for the terminal's page."""
        return str(self.terminal.call("POST", "/v1/bridge-tokens", {"item": item}).json()["token"])

    @contextlib.contextmanager
    def open(self, *origins: str) -> Iterator[int]:
        """Run the bridge with a loopback for pages of these origins, paired; yield its port."""
        with self.desk.running(loopback=LoopbackSettings(origins=list(origins), port=0)):
            self.pair()
            assert self.desk.agent.loopback
            yield self.desk.agent.loopback.port
