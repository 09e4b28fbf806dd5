"""The classic dialect: counter software of the field reads a card unchanged, and gets a read, never more."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from cardio.bridge import messages
from cardio.bridge.device import ClassicSettings
from cardio.commands.iso import Dialect
from cardio.virtual.card import VirtualCard
from cardio.virtual.data import CardData
from tests.cardio.bridge.desk import SELECT, Desk

RARE = CardData(name="测试㛃𠮷")
"""A name with characters that GB 2312 lacks, one of them in four bytes."""
BAS = {"function": "iReadCardBas", "iType": 3}
PAGE = "http://counter.example"


@contextlib.contextmanager
def classic(desk: Desk, **settings: Any) -> Iterator[int]:
    """Run the bridge with the classic port, for programs unless told otherwise; yield its port."""
    made = ClassicSettings(**{"programs": True, "port": 0, **settings})
    with desk.running(classic=made):
        desk.sees("4821 7730")
        assert desk.agent.classic
        yield desk.agent.classic.port


def call(port: int, asked: object, **options: Any) -> Any:
    """Return the answer to one call; bytes are sent as they are, and so is what comes back."""

    async def talk() -> Any:
        async with connect(f"ws://127.0.0.1:{port}/", **options) as socket:
            await socket.send(asked if isinstance(asked, bytes) else msgspec.json.encode(asked).decode())
            return await socket.recv()

    answer = asyncio.run(talk())
    return answer if isinstance(answer, bytes) else msgspec.json.decode(answer)


@pytest.mark.parametrize("t0", [False, True])
@pytest.mark.parametrize("dialect", Dialect)
def test_both_forms_give_the_line_that_counter_software_splits(desk: Desk, dialect: Dialect, *, t0: bool) -> None:
    desk.tray.put(VirtualCard(version="2.00", dialect=dialect, t0=t0))
    with classic(desk, terminal="119900000001") as port:
        answer = call(port, BAS)
        assert answer["success"] is True
        parts = answer["pOutInfo"].split("|")
        assert (len(parts), parts[-1]) == (12, "")
        assert parts[:3] == ["119900", "119900199001011232", "A99000001"]
        assert (parts[3][:6], parts[4], len(parts[5])) == ("119900", "测试甲", 26)
        assert parts[6:10] == ["2.00", "20240131", "20340131", "119900000001"]
        by_code = call(port, {"bizcode": "1002", "body": {"iType": 3, "pDevInfo": ""}})
        assert by_code == {"recode": "0", "reinfo": "", "body": {"pOutInfo": answer["pOutInfo"]}}
        assert call(port, {"bizcode": "1057", "body": {}})["body"]["pOutInfo"] == "6299990000000000012"
        assert call(port, {"bizcode": "1001"})["recode"] == "0"


def test_bytes_are_gb18030_both_ways(desk: Desk) -> None:
    desk.tray.put(VirtualCard(RARE, version="2.00"))
    with classic(desk) as port:
        answer = call(port, '{"function":"iReadCardBas","备注":"测试㛃𠮷"}'.encode("gb18030"))
        assert msgspec.json.decode(answer.decode("gb18030"))["pOutInfo"].split("|")[4] == RARE.name
        assert call(port, BAS)["pOutInfo"].split("|")[4] == RARE.name


def test_a_card_that_wants_a_key_gives_no_number_and_no_name(desk: Desk) -> None:
    desk.tray.put(VirtualCard(version="3.00"))
    with classic(desk) as port:
        parts = call(port, BAS)["pOutInfo"].split("|")
        assert (parts[1], parts[2], parts[4]) == ("", "A99000001", "")


@pytest.mark.parametrize(
    "asked",
    [
        {"function": "iVerifyPIN", "pin": "123456"},
        {"function": "iWriteCard"},
        {"function": "iDoDebit"},
        {"bizcode": "1011", "body": {"pin": "123456"}},
        {"bizcode": "1105", "body": {"apdu": "00A4"}},
        {"nothing": 1},
    ],
)
def test_pins_writes_debits_and_raw_commands_are_not_to_be_had_here(desk: Desk, asked: dict[str, Any]) -> None:
    card = VirtualCard(version="2.00")
    desk.tray.put(card)
    with classic(desk) as port:
        answer = call(port, asked)
        assert answer.get("success") is False or answer["recode"] == "-2"
        assert "123456" not in str(answer)
        assert card.tries == 6


def test_what_is_wrong_is_said_in_chinese(desk: Desk) -> None:
    with classic(desk) as port:
        answer = call(port, BAS)
        assert (answer["success"], answer["pOutInfo"]) == (False, "请插入社会保障卡")
        assert call(port, b"\xff\xfe")
        assert call(port, {"bizcode": "1002"})["reinfo"] == "请插入社会保障卡"


def test_a_session_of_the_backend_goes_first(desk: Desk) -> None:
    desk.tray.put(VirtualCard(version="2.00"))
    with classic(desk) as port:
        session = desk.peer.open()
        desk.peer.hear(messages.Opened)
        assert call(port, BAS)["success"] is False
        assert desk.peer.ask(session, SELECT)[0].endswith("9000")
        desk.peer.send(messages.Close(session=session))
        while not (answer := call(port, BAS))["success"]:
            assert answer["pOutInfo"]


def test_pages_need_an_origin_of_the_list_and_programs_a_setting(desk: Desk) -> None:
    desk.tray.put(VirtualCard(version="2.00"))
    with classic(desk, programs=False, origins=[PAGE]) as port:
        assert call(port, BAS, origin=Origin(PAGE))["success"] is True
        for options in ({}, {"origin": Origin("http://evil.example")}):
            with pytest.raises(InvalidStatus, match="403"):
                call(port, BAS, **options)


def test_it_is_off_unless_it_was_configured(running: Desk) -> None:
    assert running.agent.classic is None
    assert running.agent.loopback is None


def test_no_assertion_and_no_evidence_comes_from_here(desk: Desk, tmp_path: Path) -> None:
    """What the dialect answers is read off the card; the backend hears nothing of it that it could take for proof."""
    desk.tray.put(VirtualCard(version="2.00"))
    with classic(desk) as port:
        desk.peer.hear(messages.Hello)
        call(port, BAS)
        assert all(isinstance(frame, messages.Readers) for frame in desk.peer.heard.queue)
    assert not list(tmp_path.rglob("*assertion*"))
