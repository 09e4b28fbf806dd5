"""The rules of card and e-card: status, password form, relatives, and what a card face hides."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.cards.errors import PasswordNotAllowed, QuotaReached, StatusConflict
from ecard.cards.model import (
    HOLDER_MOVES,
    QUOTA,
    Action,
    Level,
    Relation,
    Status,
    check_move,
    check_password_form,
    check_quota,
    mask_name,
    mask_number,
    sources_of,
)

ACTIVE, TEMPORARY, LOST, LOCKED, CANCELLED = Status
LEGAL = {
    (ACTIVE, TEMPORARY),
    (ACTIVE, LOST),
    (ACTIVE, LOCKED),
    (ACTIVE, CANCELLED),
    (TEMPORARY, ACTIVE),
    (TEMPORARY, LOST),
    (TEMPORARY, CANCELLED),
    (LOST, ACTIVE),
    (LOST, CANCELLED),
    (LOCKED, ACTIVE),
    (LOCKED, CANCELLED),
}


@pytest.mark.parametrize("move", [*itertools.product(Status, Status)], ids="-".join)
def test_a_card_moves_as_the_rules_say_and_in_no_other_way(move: tuple[Status, Status]) -> None:
    current, target = move
    if move in LEGAL:
        check_move(current, target)
        assert current.value in sources_of(target)
        return
    with pytest.raises(StatusConflict) as refused:
        check_move(current, target)
    assert refused.value.members == {"current": current.value, "wanted": target.value}
    assert current.value not in sources_of(target)


def test_a_cancelled_card_stays_cancelled() -> None:
    assert all(CANCELLED.value not in sources_of(target) for target in Status)


def test_a_holder_alone_reports_a_loss_and_takes_it_back_and_nothing_more() -> None:
    assert dict(HOLDER_MOVES) == {ACTIVE: TEMPORARY, TEMPORARY: ACTIVE}
    for move in HOLDER_MOVES.items():
        check_move(*move)


@pytest.mark.parametrize("password", ["193746", "112233", "121212", "100000", "123457", "890123", "098765", "135790"])
def test_six_digits_that_are_no_pattern_are_allowed(password: str) -> None:
    check_password_form(password)


@pytest.mark.parametrize(
    "password",
    [
        *(digit * 6 for digit in "0123456789"),
        *("0123456789"[start : start + 6] for start in range(5)),
        *("9876543210"[start : start + 6] for start in range(5)),
        "",
        "19374",
        "1937460",
        "19374a",
        " 19374",
        "19374\n",
        "１９３７４６",
        "١٩٣٧٤٦",
        "²²³³¹¹",
        "-19374",
        "1.9374",
    ],
)
def test_a_pattern_or_anything_but_six_ascii_digits_is_refused(password: str) -> None:
    with pytest.raises(PasswordNotAllowed):
        check_password_form(password)


def test_there_are_ten_relatives_in_all() -> None:
    assert dict(QUOTA) == {Relation.ELDER: 4, Relation.CHILD: 3, Relation.SPOUSE: 1, Relation.OTHER: 2}
    assert sum(QUOTA.values()) == 10


@pytest.mark.parametrize("relation", Relation)
def test_relatives_of_a_kind_are_added_up_to_their_quota(relation: Relation) -> None:
    others = [one.value for one in Relation if one is not relation for _ in range(QUOTA[one])]
    for existing in range(QUOTA[relation]):
        check_quota([*others, *[relation.value] * existing], relation)
    for existing in (QUOTA[relation], QUOTA[relation] + 1):
        with pytest.raises(QuotaReached) as refused:
            check_quota([relation.value] * existing, relation)
        assert refused.value.members == {"relation": relation.value, "quota": QUOTA[relation]}


@pytest.mark.parametrize(("name", "shown"), [("张三", "*三"), ("欧阳娜娜", "***娜"), ("王", "王"), ("", "")])
def test_of_a_name_the_last_character_is_shown(name: str, shown: str) -> None:
    assert mask_name(name) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [("640102199001011234", "6" + "*" * 16 + "4"), ("T00000001", "T*******1"), ("123", "1*3"), ("12", "12"), ("", "")],
)
def test_of_a_number_the_first_and_last_character_are_shown(number: str, shown: str) -> None:
    assert mask_number(number) == shown


@given(st.text(min_size=3, max_size=30))
def test_a_mask_keeps_the_length_and_hides_the_rest(text: str) -> None:
    name, number = mask_name(text), mask_number(text)
    assert len(name) == len(number) == len(text)
    assert set(name[:-1]) == set(number[1:-1]) == {"*"}
    assert (name[-1], number[0], number[-1]) == (text[-1], text[0], text[-1])


def test_action_types_and_levels_are_those_of_the_national_interface() -> None:
    assert [action.value for action in Action] == ["001", "002", "003", "005", "006", "009"]
    assert Level.NONE < Level.IDENTITY < Level.PAYMENT
