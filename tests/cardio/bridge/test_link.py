"""The link: dialled by the bridge, renewed whatever happens to it, and no port listens."""

import queue as queue_module
import time

import psutil
import pytest

from cardio.bridge import link, messages
from cardio.bridge.errors import AlreadyRunning, Replaced
from cardio.bridge.queue import Queue
from tests.cardio.bridge.desk import READER, SELECT, Desk, NotedCard
from tests.cardio.bridge.settlements import settlement


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dial again soon."""
    monkeypatch.setattr(link, "FIRST_DELAY", 0.05)
    monkeypatch.setattr(link, "LONGEST_DELAY", 0.3)
    monkeypatch.setattr(link, "_LOOK", 0.02)


def ports() -> set[int]:
    """Return the ports on which this process listens."""
    return {one.laddr.port for one in psutil.Process().net_connections("inet") if one.status == psutil.CONN_LISTEN}


@pytest.mark.usefixtures("card")
def test_a_bridge_that_serves_listens_on_no_port(desk: Desk) -> None:
    before = ports()
    assert desk.peer.port in before
    with desk.running():
        desk.sees("4821 7730")
        assert desk.peer.ask(desk.peer.open(), SELECT) == ["9000"]
        assert ports() == before


def test_it_says_who_it_is_and_what_readers_it_has_then_each_change(running: Desk) -> None:
    hello = running.peer.hear(messages.Hello)
    assert (hello.version, hello.readers) == (link.VERSION, [messages.ReaderState(name=READER)])
    card = NotedCard()
    running.tray.put(card, "Counter B 00 00")
    told = running.peer.hear(messages.Readers).readers
    assert [one.name for one in told] == [READER, "Counter B 00 00"]
    assert told[1].atr == card.atr.hex().upper()


def test_readers_that_are_not_lent_are_never_named(desk: Desk) -> None:
    desk.tray.put(NotedCard(), "PSAM 00 00")
    with desk.running(readers="^Counter"):
        assert [one.name for one in desk.peer.hear(messages.Hello).readers] == [READER]
        assert desk.peer.refused(desk.peer.open(reader="PSAM 00 00")) == "reader_missing"


def test_pairing_is_shown_renewed_and_ended(running: Desk) -> None:
    running.peer.send(messages.Pairing(pairing="11112222", expires_in=300))
    running.sees("1111 2222")
    running.peer.send(messages.Paired(terminal="三号窗口"))
    running.sees("三号窗口")
    running.peer.send(messages.Unpaired())
    running.sees("解除配对")


@pytest.mark.usefixtures("card")
def test_after_a_restart_of_the_server_it_is_back_with_a_new_token(desk: Desk) -> None:
    with desk.running():
        desk.sees("4821 7730")
        desk.peer.close(1012)
        desk.sees("连接已断开")
        desk.peer.hear(messages.Hello)
        desk.peer.hear(messages.Hello)
        assert desk.peer.ask(desk.peer.open(), SELECT) == ["9000"]
        assert desk.peer.connections == 2


@pytest.mark.usefixtures("card")
def test_a_server_that_is_away_is_said_once_and_dialled_until_it_is_there(desk: Desk) -> None:
    with desk.running():
        desk.sees("4821 7730")
        desk.peer.stop()
        desk.sees("连接已断开")
        time.sleep(0.5)
        assert desk.shown.getvalue().count("连接已断开") == 1
        desk.peer.start()
        desk.peer.hear(messages.Hello)
        desk.peer.hear(messages.Hello)
        assert desk.peer.ask(desk.peer.open(), SELECT) == ["9000"]


def test_a_bridge_that_is_not_admitted_says_what_to_do_and_tries_again(desk: Desk) -> None:
    desk.peer.refuses = True
    with desk.running():
        desk.sees("not_admitted", "时钟", "clock")
        desk.peer.refuses = False
        desk.sees("4821 7730")
        desk.peer.close(link.NOT_ADMITTED)
        desk.peer.hear(messages.Hello)
        desk.peer.hear(messages.Hello)


def test_another_bridge_with_the_same_key_ends_this_one_loudly(desk: Desk) -> None:
    def taken_over() -> None:
        with desk.running():
            desk.sees("4821 7730")
            desk.peer.close(link.REPLACED)
            time.sleep(0.5)

    with pytest.raises(Replaced):
        taken_over()
    assert desk.peer.connections == 1


@pytest.mark.usefixtures("card")
def test_a_frame_that_is_none_ends_the_link_and_its_sessions(running: Desk) -> None:
    session = running.peer.open()
    running.peer.hear(messages.Opened)
    running.peer.send_raw(f'{{"type":"apdus","session":"{session}","n":1,"commands":["00B0"],"secret":"5533"}}')
    running.sees("bad_message", "ecard-bridge")
    running.peer.hear(messages.Hello)
    assert running.tray.held == set()
    assert "5533" not in running.shown.getvalue()


def test_two_processes_of_one_identity_do_not_run_on_one_pc(running: Desk) -> None:
    second = Desk(running.home, running.server, running.tray)
    with pytest.raises(AlreadyRunning), second.running():
        time.sleep(0.2)


def test_the_waits_grow_are_bounded_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    waits = {failures: [link.delay(failures) for _ in range(200)] for failures in (0, 1, 3, 6, 50)}
    assert max(waits[0]) <= 1
    assert max(waits[3]) <= 8
    assert 30 < max(waits[50]) <= 60
    assert all(len(set(found)) > 190 for found in waits.values())


def test_the_queue_is_uploaded_in_order_each_record_once(desk: Desk) -> None:
    queue = Queue(desk.home.queue, desk.home.device().queue_key())
    made = [queue.append(settlement(n), card_id=None) for n in (1, 2)]
    with desk.running():
        assert desk.peer.hear(messages.Queued).record == made[0]
        with pytest.raises(queue_module.Empty):
            desk.peer.hear(messages.Queued, 0.2)
        # Its acknowledgement is lost with the link: it comes again, the second has still not been sent.
        desk.peer.close(1012)
        assert desk.peer.hear(messages.Queued).record == made[0]
        desk.peer.send(messages.Kept(id=made[0].id))
        assert desk.peer.hear(messages.Queued).record == made[1]
        made.append(queue.append(settlement(3), card_id=None))
        desk.peer.send(messages.Kept(id=made[1].id))
        assert desk.peer.hear(messages.Queued).record == made[2]
        desk.peer.send(messages.Kept(id=made[2].id))
        desk.sees("第 3 条已上传")
        assert queue.pending() == []
