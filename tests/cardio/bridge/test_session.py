"""A session: one card, one driver, and nothing sent that its policy does not let through."""

from uuid import uuid4

import pytest

from cardio.bridge import messages
from cardio.errors import ServiceDown
from tests.cardio.bridge.desk import READER, SELECT, Desk, NotedCard

EF05, EF06 = "00A4020002EF05", "00A4020002EF06"
NUMBER, NAME = "00B2080014", "00B2090020"


def test_a_batch_goes_to_the_card_and_its_answers_come_back_in_one_frame(card: NotedCard, running: Desk) -> None:
    session = running.peer.open()
    opened = running.peer.hear(messages.Opened)
    assert (opened.session, opened.reader, opened.atr) == (session, READER, card.atr.hex().upper())
    answers = running.peer.ask(session, SELECT, EF05, "00B207040B", EF06, NUMBER, NAME)
    assert len(answers) == 6
    assert card.noted == [SELECT, EF05, "00B207040B", EF06, NUMBER, NAME]


def test_a_closed_session_is_over_and_the_next_one_begins_at_once(card: NotedCard, running: Desk) -> None:
    card.pause = 0.1
    for _ in range(3):
        session = running.peer.open()
        running.peer.ask(session, SELECT)
        running.peer.send(messages.Close(session=session))
        running.peer.send(messages.Apdus(session=session, n=2, commands=[EF05]))
        assert running.peer.refused(session) == "session_over"
    assert EF05 not in card.noted


def test_a_batch_stops_at_the_first_error_where_it_says_so(desk: Desk) -> None:
    card = NotedCard(pin="none")
    desk.tray.put(card)
    with desk.running():
        desk.sees("4821 7730")
        session = desk.peer.open()
        assert desk.peer.ask(session, SELECT, EF06, NUMBER) == ["9000", "6A82"]
        # And where it goes on, a record that was meant for one file is not read of another.
        desk.peer.send(messages.Apdus(session=session, n=2, commands=[SELECT, EF06, NUMBER], stop_on_error=False))
        assert desk.peer.refused(session) == "not_allowed"
        assert NUMBER not in card.noted


FORBIDDEN = {
    "a PIN": "0020000003246810",
    "a change of PIN": "005E010006246810135790",
    "an unblocking": "0024000003246810",
    "an update": "00DC01040B0709543030303030303031",
    "a secured update": "04DC010400",
    "an append": "00E200000400000000",
    "a debit": "805401020F000000000000000000000000000000",
    "the birth date": "00B20D0006",
    "the birth date by number": "00B2070406",
    "the photo": "00A4020002EF08",
    "the medical application": "00A4040007D1560000050400",
    "the bank's application": "00A4040008A000000333010101",
    "a binary read": "00B0000010",
    "GET RESPONSE": "00C0000010",
    "a command cut short": "00A4040010AA",
    "another class": "80A404000F7378312E73682EC9E7BBE1B1A3D5CF",
}


@pytest.mark.parametrize("policy", ["identify", "identify_pin"])
@pytest.mark.parametrize("command", FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_the_policy_does_not_let_through_ends_the_session_and_nothing_of_its_batch_is_sent(
    card: NotedCard, running: Desk, command: str, policy: messages.PolicyName
) -> None:
    session = running.peer.open(policy)
    running.peer.ask(session, SELECT, EF06)
    sent = list(card.noted)
    running.peer.send(messages.Apdus(session=session, n=2, commands=[NAME, command]))
    assert running.peer.refused(session) == "not_allowed"
    assert (card.noted, running.tray.held) == (sent, set())


def test_nothing_is_read_before_an_application_is_selected(card: NotedCard, running: Desk) -> None:
    session = running.peer.open()
    running.peer.send(messages.Apdus(session=session, n=1, commands=[NAME]))
    assert (running.peer.refused(session), card.noted) == ("not_allowed", [])


@pytest.mark.usefixtures("card")
def test_a_card_that_is_taken_out_ends_the_session_at_once(running: Desk) -> None:
    session = running.peer.open()
    running.peer.hear(messages.Opened)
    running.tray.put(None)
    assert running.peer.refused(session) == "card_removed"
    assert running.tray.held == set()


@pytest.mark.usefixtures("card")
def test_a_card_that_is_exchanged_between_two_batches_is_another_card(running: Desk) -> None:
    session = running.peer.open()
    running.peer.ask(session, SELECT)
    other = NotedCard()
    running.tray.put(other)
    running.peer.send(messages.Apdus(session=session, n=2, commands=[EF05]))
    assert (running.peer.refused(session), other.noted) == ("card_removed", [])


@pytest.mark.parametrize(("policy", "item"), [("write_a1_04", "A1-36"), ("settle_a2_52", "A1-04")])
def test_a_policy_that_writes_is_for_its_own_item_alone(
    card: NotedCard, running: Desk, policy: messages.PolicyName, item: str
) -> None:
    assert running.peer.refused(running.peer.open(policy, item=item)) == "not_allowed"
    assert card.noted == []


def test_a_driver_that_waits_for_no_answer_is_cut_off(card: NotedCard, running: Desk) -> None:
    card.pause = 0.2
    session = running.peer.open()
    running.peer.hear(messages.Opened)
    for n in range(1, 20):
        running.peer.send(messages.Apdus(session=session, n=n, commands=[SELECT]))
    assert running.peer.refused(session) == "session_busy"
    assert len(card.noted) < 10


def test_sessions_that_wait_for_a_card_are_counted(running: Desk) -> None:
    for _ in range(16):
        running.peer.open()
    assert running.peer.refused(running.peer.open()) == "session_busy"


@pytest.mark.usefixtures("card")
def test_a_second_session_on_the_reader_is_refused_and_the_first_goes_on(running: Desk) -> None:
    first = running.peer.open()
    running.peer.hear(messages.Opened)
    assert running.peer.refused(running.peer.open()) == "session_busy"
    assert running.peer.refused(running.peer.open(reader=READER)) == "session_busy"
    assert running.peer.ask(first, SELECT) == ["9000"]


@pytest.mark.usefixtures("card")
def test_two_readers_serve_two_sessions_and_a_slow_card_holds_up_none(running: Desk) -> None:
    slow = NotedCard()
    slow.pause = 1
    running.tray.put(slow, "Counter B 00 00")
    running.sees("Counter B 00 00: 已插卡")
    assert running.peer.refused(running.peer.open()) == "reader_ambiguous"
    at_b, at_a = running.peer.open(reader="Counter B 00 00"), running.peer.open(reader=READER)
    running.peer.hear(messages.Opened)
    running.peer.hear(messages.Opened)
    running.peer.send(messages.Apdus(session=at_b, n=1, commands=[SELECT]))
    running.peer.send(messages.Apdus(session=at_a, n=1, commands=[SELECT]))
    assert [running.peer.hear(messages.Answers).session for _ in range(2)] == [at_a, at_b]


def test_without_a_card_the_counter_is_asked_for_one_and_the_session_begins_with_it(desk: Desk) -> None:
    with desk.running():
        desk.sees("4821 7730")
        session, prompt = uuid4(), messages.Prompt(zh="养老待遇资格认证", en="pension")
        desk.peer.send(messages.Open(session=session, policy="identify", item="A1-36", prompt=prompt))
        desk.sees("养老待遇资格认证", "pension")
        desk.tray.put(NotedCard())
        assert desk.peer.hear(messages.Opened).session == session


def test_a_session_that_waits_for_a_card_can_be_closed(running: Desk) -> None:
    running.peer.send(messages.Close(session=running.peer.open()))
    running.tray.put(NotedCard())
    assert running.peer.ask(running.peer.open(), SELECT) == ["9000"]


def test_no_reader_and_no_service_are_told_apart(running: Desk) -> None:
    running.tray.unplug(READER)
    running.sees("读卡器已移除")
    assert running.peer.refused(running.peer.open()) == "reader_missing"
    running.tray.fail(ServiceDown())
    running.sees(ServiceDown.title.zh, ServiceDown.title.en)
    assert running.peer.refused(running.peer.open()) == "service_down"
    running.tray.fail(None)
    running.tray.put(NotedCard())
    running.sees("已插卡")
    assert running.peer.ask(running.peer.open(), SELECT) == ["9000"]


@pytest.mark.usefixtures("card")
def test_a_session_ends_by_itself(running: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cardio.bridge.sessions.LIFETIME", 0.2)
    session = running.peer.open()
    assert running.peer.refused(session) == "timed_out"
    assert running.tray.held == set()


def test_the_card_is_let_go_when_the_backend_goes(card: NotedCard, running: Desk) -> None:
    card.pause = 0.3
    session = running.peer.open()
    running.peer.hear(messages.Opened)
    running.peer.send(messages.Apdus(session=session, n=1, commands=[SELECT, EF05]))
    running.peer.close(1011)
    running.sees("连接已断开")
    running.peer.hear(messages.Hello)
    assert running.tray.held == set()
    card.pause = 0
    assert running.peer.ask(running.peer.open(), SELECT) == ["9000"]
