"""The whole way: a card in a reader, the bridge, the server, and the same assertion as for a scanned code."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from cardio.transport.pcsc import PcscReaders
from tests.bureau import Bureau
from tests.cardio.bridge.office import Office
from tests.cardio.conftest import Daemon
from tests.cardio.reads import PIN, new_card

PENSION, SECRET = "A1-36", "A1-22"


def read(office: Office, item: str) -> dict[str, Any]:
    """Read a card for an item; return how the session stands at its end."""
    terminal, wait = office.terminal, "wait=5"
    session = terminal.call("POST", "/v1/card-sessions", {"item": item}).json()["id"]
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        view: dict[str, Any] = terminal.call("GET", f"/v1/card-sessions/{session}", query=wait).json()
        if view["state"] not in {"opening", "reading", "pin"}:
            return view
    raise AssertionError(view)


def visit(office: Office, item: str, session: str) -> dict[str, Any]:
    """Present a read as evidence; return what the assertion says."""
    body = {"item": item, "evidence": {"kind": "card", "session": session}}
    answer = office.terminal.call("POST", "/v1/visits", body).json()
    said: dict[str, Any] = jwt.decode(answer["assertion"], options={"verify_signature": False})
    return said


@pytest.mark.parametrize("version", ["2.00", "3.00"])
def test_a_card_in_a_reader_gives_an_assertion_with_and_without_pin(
    bureau: Bureau, tmp_path: Path, version: str
) -> None:
    office = Office(bureau, tmp_path)
    person, card = new_card(bureau, version=version)
    office.desk.tray.put(card)
    with office.open("https://desk.example"):
        seen = read(office, PENSION)
        assert (seen["state"], seen["authenticated"]) == ("proven", True)
        said = visit(office, PENSION, seen["id"])
        assert (said["form"], said["holder"]["id_no"]) == ("physical", person.facts["id_no"])
        office.desk.pad.ready = ["654321", PIN]
        seen = read(office, SECRET)
        assert (seen["state"], seen["strength"], seen["pin_left"]) == ("proven", "knowledge", 5)
        assert visit(office, SECRET, seen["id"])["amr"] == ["sc", "hwk", "pin"]
        assert [asked.left for asked in office.desk.pad.asked] == [6, 5]


def test_a_clone_is_refused_and_a_card_that_is_taken_out_fails_by_name(bureau: Bureau, tmp_path: Path) -> None:
    office = Office(bureau, tmp_path)
    _, card = new_card(bureau)
    office.desk.tray.put(card.copy_of_files())
    with office.open("https://desk.example"):
        assert read(office, PENSION)["state"] == "failed"
        office.desk.tray.put(card)
        office.desk.pad.waits = True
        office.desk.pad.on_ask = lambda: office.desk.tray.put(None)
        seen = read(office, SECRET)
        assert (seen["state"], seen["reason"]["code"]) == ("failed", "card_removed")


def test_the_whole_way_under_a_real_pcscd_and_again_after_its_restart(
    bureau: Bureau, tmp_path: Path, daemon: Daemon
) -> None:
    office = Office(bureau, tmp_path)
    office.desk.readers = PcscReaders()
    person, card = new_card(bureau)
    with office.open("https://desk.example"):
        office.desk.sees(daemon.names[0], daemon.names[1])
        daemon.insert(card)
        office.desk.sees("已插卡")
        seen = read(office, PENSION)
        assert (seen["state"], seen["authenticated"]) == ("proven", True)
        assert visit(office, PENSION, seen["id"])["holder"]["id_no"] == person.facts["id_no"]
        daemon.remove()
        daemon.pcscd.stop()
        office.desk.sees("service_down")
        daemon.pcscd.start()
        daemon.insert(card)
        deadline = time.monotonic() + 10
        while (seen := read(office, PENSION))["state"] == "failed" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert seen["state"] == "proven"
