"""Cards and counters that lie, and cards that may no more: each told from the genuine, and on record."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from cardio.virtual.faults import Fault, Kind
from ecard import parts
from ecard.settings import Settings
from tests.bureau import Bureau, refused, rows
from tests.cardio.reads import Counter, new_card
from tests.conftest import serving

PENSION, LIBRARY, PARK, SECRET = "A1-36", "A2-35", "A2-33", "A1-22"
MOST_COMMANDS = 40


def audited(settings: Settings, session: str) -> list[Any]:
    return rows(
        settings,
        "SELECT outcome, card, item FROM audit_event WHERE kind = 'card_read' AND detail->>'session' = $1",
        session,
    )


def failed(seen: dict[str, Any]) -> str:
    assert seen["state"] == "failed", seen
    assert seen["reason"]["zh"]
    assert seen["name"] is seen["id_no"] is None
    return str(seen["reason"]["code"])


@pytest.mark.parametrize("version", ["2.00", "3.00"])
def test_a_copy_of_every_file_is_no_card(bureau: Bureau, counter: Counter, settings: Settings, version: str) -> None:
    _, card = new_card(bureau, version=version)
    assert counter.read(PENSION, card)["state"] == "proven"
    for item in (PENSION, LIBRARY):
        seen = counter.read(item, card.copy_of_files())
        assert failed(seen) == "not_authentic"
        with refused("card_refused", 422) as refusal:
            counter.visit(item, seen["id"])
        assert refusal.value.problem["reason"] == "not_authentic"
        [noted] = audited(settings, seen["id"])
        assert (noted["outcome"], noted["item"]) == ("not_authentic", item)
        assert noted["card"] is not None


def test_an_authentication_that_was_overheard_is_worth_nothing(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau)
    heard: list[list[bytes]] = []

    def record(_: Sequence[bytes], answers: list[bytes]) -> list[bytes]:
        heard.append(answers)
        return answers

    counter.lie = record
    assert counter.read(PENSION, card)["state"] == "proven"
    told = iter(heard)
    counter.lie = lambda *_: next(told)
    seen = counter.read(PENSION, card.copy_of_files())
    counter.lie = lambda _, answers: answers
    assert failed(seen) == "not_authentic"


def test_a_card_that_will_not_prove_itself_is_not_taken_for_one_that_cannot(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau, version="2.00")

    def refuse(commands: Sequence[bytes], answers: list[bytes]) -> list[bytes]:
        return [b"\x6d\x00"] if commands[0][1] == 0x88 else answers

    counter.lie = refuse
    seen = counter.read(LIBRARY, card)
    counter.lie = lambda _, answers: answers
    assert failed(seen) == "not_authentic"


def test_a_counter_that_puts_another_name_on_a_genuine_card_is_found_out(
    bureau: Bureau, counter: Counter, settings: Settings
) -> None:
    _, victim = new_card(bureau)
    for version in ("2.00", "3.00"):
        _, own = new_card(bureau, version=version)
        name = b"\x09\x1e" + victim.data.name.encode("gb18030").ljust(30, b"\x00") + b"\x90\x00"

        def swap(_: Sequence[bytes], answers: list[bytes], name: bytes = name) -> list[bytes]:
            return [name if one[:2] == b"\x09\x1e" else one for one in answers]

        counter.lie = swap
        seen = counter.read(PENSION, own)
        counter.lie = lambda _, answers: answers
        assert failed(seen) == "card_mismatch"
        [noted] = audited(settings, seen["id"])
        assert (noted["outcome"], noted["card"] is not None) == ("card_mismatch", True)


def test_a_genuine_card_cannot_be_passed_off_as_another_persons(
    bureau: Bureau, counter: Counter, settings: Settings
) -> None:
    """The PC swaps every record for the victim's, the card's number too; its own card answers the challenge."""
    for version in ("2.00", "3.00"):
        _, other = new_card(bureau, version=version)
        _, own = new_card(bureau, version=version)
        mine, theirs = (one.data.records(version, name_more=True) for one in (own, other))
        swaps = {mine[file][tag]: theirs[file][tag] for file in mine for tag in mine[file]}

        def swap(_: Sequence[bytes], answers: list[bytes], swaps: dict[bytes, bytes] = swaps) -> list[bytes]:
            return [swaps.get(one[:-2], one[:-2]) + one[-2:] for one in answers]

        counter.lie = swap
        seen = counter.read(PENSION, own)
        counter.lie = lambda _, answers: answers
        assert failed(seen) == "card_mismatch"
        [noted] = audited(settings, seen["id"])
        assert noted["card"] is not None


def test_a_lost_card_is_refused_at_the_next_read(bureau: Bureau, counter: Counter, settings: Settings) -> None:
    person, card = new_card(bureau)
    session = counter.read(PENSION, card)["id"]
    bureau.cards.set_card_status(person.facts["card_no"], "lost")
    # Also one that was read just before.
    with refused("card_suspended", 409):
        counter.visit(PENSION, session)
    seen = counter.read(PENSION, card)
    assert failed(seen) == "card_suspended"
    [noted] = audited(settings, seen["id"])
    assert noted["card"] is not None
    bureau.cards.set_card_status(person.facts["card_no"], "cancelled")
    assert failed(counter.read(PENSION, card)) == "card_suspended"


def test_what_a_revoked_bridge_read_just_before_is_no_evidence(bureau: Bureau) -> None:
    counter = Counter(bureau)
    _, card = new_card(bureau)
    session = counter.read(PENSION, card)["id"]
    bureau.security.revoke(counter.bridge.id)
    with refused("card_refused", 422) as refusal:
        counter.visit(PENSION, session)
    assert refusal.value.problem["reason"] == "bridge_lost"
    assert failed(counter.look(session)) == "bridge_lost"
    counter.close()


def test_a_locked_pin_and_a_longer_atr_than_any_are_refused(
    bureau: Bureau, counter: Counter, settings: Settings
) -> None:
    _, card = new_card(bureau)
    card.tries = 0
    seen = counter.read(SECRET, card)
    assert failed(seen) == "pin_locked"
    [noted] = audited(settings, seen["id"])
    assert (noted["outcome"], noted["card"] is not None) == ("pin_locked", True)
    card.atr += bytes(40)
    assert failed(counter.read(PENSION, card)) == "bad_answer"


def test_a_card_that_nobody_registered_is_refused(bureau: Bureau, counter: Counter, settings: Settings) -> None:
    _, card = new_card(bureau, registered=False)
    seen = counter.read(PENSION, card)
    assert failed(seen) == "card_unknown"
    [noted] = audited(settings, seen["id"])
    assert (noted["outcome"], noted["card"]) == ("card_unknown", None)


def test_an_expired_card_is_refused(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau, expires_on="20240229")
    assert failed(counter.read(PENSION, card)) == "card_expired"
    _, unlimited = new_card(bureau, expires_on="")
    assert counter.read(PENSION, unlimited)["state"] == "proven"


def test_a_card_whose_printed_number_is_another_cards_is_refused(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau, card_no="X99999999")
    assert failed(counter.read(PENSION, card)) == "card_mismatch"


def test_a_card_taken_out_at_any_command_ends_the_session_and_frees_the_reader(
    bureau: Bureau, counter: Counter
) -> None:
    _, card = new_card(bureau)
    before = len(counter.seen)
    counter.read(PENSION, card)
    whole = sum(len(one["commands"]) for one in counter.seen[before:] if one["type"] == "apdus")
    for command in range(1, min(whole, MOST_COMMANDS) + 1):
        card.faults = type(card.faults)(Fault(Kind.REMOVED, command))
        assert failed(counter.read(PENSION, card)) == "card_removed", command
    card.faults = type(card.faults)()
    assert counter.read(PENSION, card)["state"] == "proven"


LIES: dict[str, Any] = {
    "no answers": lambda _, __: [],
    "one too many": lambda _, answers: [*answers, b"\x90\x00"],
    "one too few": lambda _, answers: answers[:-1] if len(answers) > 1 else [],
    "no status word": lambda _, answers: [b"\x90", *answers[1:]],
    "garbage": lambda _, answers: [b"\xff" * 200 + b"\x90\x00" for _ in answers],
}


@pytest.mark.parametrize("case", LIES)
def test_answers_that_make_no_sense_end_the_session(bureau: Bureau, counter: Counter, case: str) -> None:
    _, card = new_card(bureau)
    counter.lie = LIES[case]
    seen = counter.read(PENSION, card)
    counter.lie = lambda _, answers: answers
    assert failed(seen) in {"bad_answer", "card_refused", "not_authentic", "not_social_security_card"}
    assert counter.read(PENSION, card)["state"] == "proven"


@pytest.fixture
def keyless(settings: Settings, bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A counter at a server that has no key module."""
    monkeypatch.setattr(parts, "_key_module", lambda _: None)
    with serving(settings) as url:
        made = Counter(bureau, base_url=url)
        yield made
        made.close()


@pytest.mark.parametrize("version", ["2.00", "3.00"])
def test_without_a_key_module_a_card_opens_a_library_and_pays_no_pension(
    bureau: Bureau, keyless: Counter, version: str
) -> None:
    _, card = new_card(bureau, version=version)
    seen = keyless.read(LIBRARY, card)
    assert (seen["state"], seen["authenticated"], seen["strength"]) == ("read", False, "presented")
    answer = keyless.visit(LIBRARY, seen["id"])
    assert (answer["acr"], answer["amr"]) == ("card-presented", ["read"])
    assert keyless.visit(PARK, keyless.read(PARK, card)["id"])["holder"] == {}
    seen = keyless.read(PENSION, card)
    with refused("evidence_too_weak", 422) as refusal:
        keyless.visit(PENSION, seen["id"])
    assert refusal.value.problem["required"] == "possession"


def test_outside_the_sandbox_nobody_knows_a_key(settings: Settings) -> None:
    assert parts._key_module(settings) is not None
    assert parts._key_module(msgspec.structs.replace(settings, sandbox=False)) is None
