"""The real `ecard-bridge` at the real server: what the server asks is what the bridge's own list lets through."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from cardio.bridge.device import Config, Home
from ecard.client import Terminal
from tests.bureau import Bureau
from tests.cardio.bridge.desk import READER, Desk, Tray
from tests.cardio.reads import PIN, new_card

PENSION, SECRET, PAYING, CERTIFICATE, SETTLEMENT = "A1-36", "A1-22", "A1-69", "A1-04", "A2-52"
WRITES: dict[str, dict[str, str]] = {
    CERTIFICATE: {"certificate_no": "11990020260001", "status": "1"},
    SETTLEMENT: {
        "institution": "H119900001",
        "serial": "S1",
        "settled_at": "20261125083000",
        "total": "1000",
        "fund": "700",
        "account": "200",
        "cash": "100",
    },
}


class Place:
    """A counter: the terminal's page, and `ecard-bridge` on the PC beside it."""

    def __init__(self, terminal: Terminal, desk: Desk) -> None:
        self.terminal, self.desk = terminal, desk

    def read(self, item: str) -> dict[str, Any]:
        """Read the card that is in the reader, for an item."""
        body = {"item": item, "write": WRITES.get(item)}
        session = self.terminal.call("POST", "/v1/card-sessions", body).json()["id"]
        for _ in range(6):
            view: dict[str, Any] = self.terminal.call("GET", f"/v1/card-sessions/{session}", query="wait=5").json()
            if view["state"] not in {"opening", "reading", "pin"}:
                break
        return view


@pytest.fixture(scope="module")
def place(bureau: Bureau, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An enrolled bridge, running, and paired by the digits that stand on its screen."""
    home = Home(tmp_path_factory.mktemp("counter") / "bridge")
    device = home.make_device()
    body = {"agency": str(bureau.agency), "name": "真实读卡服务", "site": "大厅", "key": device.jwk}
    bridge = UUID(bureau.registrar.call("POST", "/v1/bridges", body).json()["id"])
    home.write_config(
        Config(server="https://ecard.example", issuer=bureau.issuer, agency="a", name="n", site="s", id=bridge)
    )
    desk = Desk(home, lambda: bureau.base_url, Tray(READER))
    terminal = bureau.registrar.register_terminal(bureau.agency, "counter", name="9号窗口")
    with desk.running():
        desk.sees("配对")
        digits = re.search(r"(?<!\d)(\d{4}) ?(\d{4})(?!\d)", desk.shown.getvalue())
        assert digits is not None, desk.shown.getvalue()
        terminal.call("POST", "/v1/bridge-pairings", {"code": digits[1] + digits[2]})
        desk.sees("9号窗口")
        yield Place(terminal, desk)


@pytest.mark.parametrize("version", ["1.00", "2.00", "3.00"])
@pytest.mark.parametrize("item", [PENSION, SECRET, PAYING, CERTIFICATE, SETTLEMENT])
def test_every_policy_goes_through_the_bridge_to_a_visit(bureau: Bureau, place: Place, item: str, version: str) -> None:
    _, card = new_card(bureau, version=version)
    place.desk.tray.put(card)
    place.desk.pad.ready[:] = [PIN]
    seen = place.read(item)
    assert seen["state"] == "proven", seen
    body = {"item": item, "evidence": {"kind": "card", "session": seen["id"]}}
    answer = place.terminal.call("POST", "/v1/visits", body).json()
    assert answer["form"] == "physical"
    assert ("pin" in answer["amr"]) == (item in {SECRET, PAYING})
    assert seen["written"] == ("written" if item in WRITES else None)
    place.desk.tray.put(None)


def test_a_copy_is_refused_through_the_bridge(bureau: Bureau, place: Place) -> None:
    _, card = new_card(bureau)
    place.desk.tray.put(card.copy_of_files())
    assert place.read(PENSION)["reason"]["code"] == "not_authentic"
    place.desk.tray.put(None)
