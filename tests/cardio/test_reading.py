"""A card is read, proves itself and takes a PIN: every version, both dialects, both protocols, in-process and pcscd."""

import pytest

from cardio import reading
from cardio.commands.iso import Dialect
from cardio.errors import (
    BankApplicationMissing,
    CardMissing,
    NotAuthentic,
    NotSocialSecurityCard,
    PinLastTry,
    PinLocked,
    PinMalformed,
    PinWrong,
    Refused,
)
from cardio.keys.model import READ_SSSE, Asked
from cardio.keys.software import sandbox_keys
from cardio.script import run
from cardio.virtual.card import VirtualCard
from cardio.virtual.data import CardData
from cardio.virtual.psam import VirtualPsam
from tests.cardio.acts import IDS, KINDS, identify
from tests.cardio.conftest import Desk, InProcess

each_kind = pytest.mark.parametrize(("version", "dialect", "t0"), KINDS, ids=IDS)


@each_kind
def test_each_kind_of_card_is_read_and_told_from_a_copy_of_its_files(
    desk: Desk, version: str, dialect: Dialect, *, t0: bool
) -> None:
    data = CardData(name="欧阳测试", serial=77, card_no="A99000077")
    genuine = VirtualCard(data, version=version, dialect=dialect, t0=t0)
    desk.insert(genuine, 0)
    desk.insert(genuine.copy_of_files(), 1)
    with desk.hold(0) as reader:
        seen, holder = identify(reader)
        run(reading.verify_pin("123456"), reader)
        assert run(reading.pan(), reader) == data.pan
    assert (seen.card_id, seen.version, seen.region) == (data.card_id, version, "119900")
    assert (seen.card_no, str(seen.issued), str(seen.expires)) == ("A99000077", "2024-01-31", "2034-01-31")
    assert (holder.number, holder.name, holder.sex) == (data.number, "欧阳测试", "1")
    with desk.hold(1) as reader:
        assert run(reading.recognise(), reader).card_id == data.card_id
        with pytest.raises(NotAuthentic):
            identify(reader)


def test_one_identification_takes_at_most_four_round_trips() -> None:
    for version, dialect, t0 in KINDS:
        desk = InProcess()
        desk.insert(VirtualCard(version=version, dialect=dialect, t0=t0))
        with desk.hold() as reader:
            trips, exchange = [], reader.exchange
            reader.exchange = lambda *given, **named: trips.append(1) or exchange(*given, **named)  # type: ignore[method-assign,func-returns-value] # noqa: B023
            identify(reader)
        assert len(trips) == (3 if dialect is Dialect.NUMBER else 4)


def test_an_overheard_proof_is_worth_nothing_for_other_bytes(desk: Desk) -> None:
    desk.insert(VirtualCard())
    with desk.hold() as reader:
        seen = run(reading.recognise(), reader)
        proofs = {run(reading.prove(seen, bytes([n]) * 16), reader).answer for n in range(4)}
    assert len(proofs) == 4


def test_an_overheard_opening_opens_nothing_again(desk: Desk) -> None:
    desk.insert(VirtualCard(version="3.00"))
    with desk.hold() as reader:
        seen = run(reading.recognise(), reader)
        proof = run(reading.prove(seen, bytes(16)), reader)
        opening = sandbox_keys().answer(Asked(seen.card_id, reader.atr, seen.algorithm, None, proof.random)).external
        assert run(reading.holder(seen, opening), reader).name
    with desk.hold() as reader:
        run(reading.recognise(), reader)
        run(reading.challenges(), reader)
        with pytest.raises(Refused):
            run(reading.holder(seen, opening), reader)


def test_a_card_of_version_3_gives_no_name_before_it_is_opened(desk: Desk) -> None:
    desk.insert(VirtualCard(version="3.00"))
    with desk.hold() as reader:
        seen = run(reading.recognise(), reader)
        with pytest.raises(Refused) as refused:
            run(reading.holder(seen), reader)
    assert refused.value.sw == 0x6982
    assert READ_SSSE == 0x0A


def test_what_was_proven_is_forgotten_when_the_card_is_let_go(desk: Desk) -> None:
    desk.insert(VirtualCard(version="3.00"))
    with desk.hold() as reader:
        seen, _ = identify(reader)
    with desk.hold() as reader:
        run(reading.recognise(), reader)
        with pytest.raises(Refused):
            run(reading.holder(seen), reader)


def test_wrong_pins_count_down_and_the_last_try_is_kept(desk: Desk) -> None:
    card = VirtualCard(pin="246810")
    desk.insert(card)
    with desk.hold() as reader:
        run(reading.recognise(), reader)
        for left in (5, 4, 3, 2, 1):
            with pytest.raises(PinWrong) as wrong:
                run(reading.verify_pin("000000"), reader)
            assert wrong.value.left == left
        with pytest.raises(PinLastTry) as last:
            run(reading.verify_pin("246810"), reader)
        assert (last.value.left, card.tries) == (1, 1)
        run(reading.verify_pin("246810", told=True), reader)
        assert card.tries == 6


def test_a_locked_pin_is_said_to_be_locked(desk: Desk) -> None:
    card = VirtualCard()
    card.tries = 1
    desk.insert(card)
    with desk.hold() as reader:
        run(reading.recognise(), reader)
        with pytest.raises(PinLocked):
            run(reading.verify_pin("000000", told=True), reader)
        with pytest.raises(PinLocked):
            run(reading.verify_pin("123456", told=True), reader)
        assert run(reading.tries_left(), reader) == 0


@pytest.mark.parametrize("pin", ["12345", "1234567", "12345a", "１２３４５６", ""])
def test_what_is_no_pin_is_not_sent(desk: Desk, pin: str) -> None:
    card = VirtualCard()
    desk.insert(card)
    with desk.hold() as reader:
        run(reading.recognise(), reader)
        sent = card.commands
        with pytest.raises(PinMalformed):
            run(reading.verify_pin(pin, told=True), reader)
        assert (card.commands, card.tries) == (sent, 6)


def test_a_card_without_a_bank_says_so(desk: Desk) -> None:
    desk.insert(VirtualCard(CardData(pan="")))
    with desk.hold() as reader, pytest.raises(BankApplicationMissing):
        run(reading.pan(), reader)


def test_another_card_is_not_taken_for_one(desk: Desk) -> None:
    desk.insert(VirtualPsam())
    with desk.hold() as reader, pytest.raises(NotSocialSecurityCard):
        run(reading.recognise(), reader)


def test_an_empty_reader_says_so(desk: Desk) -> None:
    with pytest.raises(CardMissing):
        desk.hold()
