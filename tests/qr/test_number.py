"""The 19 digits: their form, what they are good for, and that two of one card have nothing in common."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qr import number

STEP = 59_800_000
BITS = [16, 24, 30]
steps = st.integers(0, 2**32 - 1)
scenes = st.integers(1, 5)


def mac(message: bytes) -> bytes:
    return hmac.digest(b"k" * 32, message, "sha256")


def other_mac(message: bytes) -> bytes:
    return hmac.digest(b"l" * 32, message, "sha256")


def luhn(digits: str) -> str:
    """Append the check digit, found by trying all ten."""

    def total(all_digits: str) -> int:
        doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(all_digits))]
        return sum(n - 9 if n > 9 else n for n in doubled)

    return next(digits + last for last in "0123456789" if total(digits + last) % 10 == 0)


@pytest.mark.parametrize("bits", BITS)
@given(data=st.data(), step=steps, scene=scenes)
def test_a_number_gives_back_its_card_and_step(bits: int, data: st.DataObject, step: int, scene: int) -> None:
    card = data.draw(st.integers(0, 2**bits - 1))
    digits = number.issue(mac, card, step, scene, card_bits=bits)
    assert number.read(mac, digits, range(step, step + 1), scene, card_bits=bits) == (card, step)
    assert len(digits) == 19
    assert digits[0] == "9"
    assert digits == luhn(digits[:-1])
    assert number.looks_like_one(digits)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("card", ["first", "last"])
def test_the_first_and_the_last_card_have_numbers(bits: int, card: str) -> None:
    seq = 0 if card == "first" else 2**bits - 1
    digits = number.issue(mac, seq, STEP, 1, card_bits=bits)
    assert number.read(mac, digits, range(STEP - 1, STEP + 2), 1, card_bits=bits) == (seq, STEP)


@pytest.mark.parametrize("bits", BITS)
def test_a_number_is_good_in_the_steps_asked_and_in_no_other(bits: int) -> None:
    digits = number.issue(mac, 4711, STEP, 1, card_bits=bits)
    assert number.read(mac, digits, range(STEP - 3, STEP + 1), 1, card_bits=bits) == (4711, STEP)
    assert number.read(mac, digits, range(STEP, STEP + 4), 1, card_bits=bits) == (4711, STEP)
    assert number.read(mac, digits, range(STEP - 4, STEP), 1, card_bits=bits) is None
    assert number.read(mac, digits, range(STEP + 1, STEP + 5), 1, card_bits=bits) is None
    assert number.read(mac, digits, range(0), 1, card_bits=bits) is None


@pytest.mark.parametrize("bits", BITS)
def test_a_number_is_good_for_its_scene_and_its_issuer_only(bits: int) -> None:
    digits = number.issue(mac, 4711, STEP, 1, card_bits=bits)
    steps_ = range(STEP - 2, STEP + 2)
    for scene in (0, 2, 3, 4, 5, 255):
        assert number.read(mac, digits, steps_, scene, card_bits=bits) is None
    assert number.read(other_mac, digits, steps_, 1, card_bits=bits) is None
    for other_bits in set(BITS) - {bits}:
        assert number.read(mac, digits, steps_, 1, card_bits=other_bits) is None


@pytest.mark.parametrize("bits", BITS)
def test_any_one_digit_changed_is_seen_by_the_check_digit(bits: int) -> None:
    digits = number.issue(mac, 4711, STEP, 1, card_bits=bits)
    for place in range(19):
        for digit in set("0123456789") - {digits[place]}:
            assert not number.looks_like_one(digits[:place] + digit + digits[place + 1 :])


@pytest.mark.parametrize("bits", BITS)
def test_any_one_digit_changed_with_its_check_digit_mended_is_no_live_number(bits: int) -> None:
    digits = number.issue(mac, 4711, STEP, 1, card_bits=bits)
    for place in range(1, 18):
        for digit in set("0123456789") - {digits[place]}:
            changed = luhn(digits[:place] + digit + digits[place + 1 : -1])
            assert number.looks_like_one(changed)
            assert number.read(mac, changed, range(STEP - 2, STEP + 2), 1, card_bits=bits) is None


@pytest.mark.parametrize("bits", BITS)
def test_digits_beyond_every_value_are_no_live_number(bits: int) -> None:
    beyond = luhn("9" * 18)
    assert number.looks_like_one(beyond)
    assert number.read(mac, beyond, range(STEP - 2, STEP + 2), 1, card_bits=bits) is None


GOOD = number.issue(mac, 4711, STEP, 1, card_bits=24)


@pytest.mark.parametrize(
    "scanned",
    [
        "",
        GOOD[:-1],
        luhn(GOOD),  # 20 digits with a right check digit
        luhn("8" + GOOD[1:-1]),  # right, but not our prefix
        luhn("1" + GOOD[1:-1]),
        luhn("62" + GOOD[2:-1]),
        " " + GOOD[1:],
        GOOD + "\n",
        GOOD[:-1] + "\n",
        GOOD.translate({ord(d): chr(ord(d) + 0xFEE0) for d in "0123456789"}),  # full-width
        GOOD.translate({ord(d): chr(ord(d) + 0x0630) for d in "0123456789"}),  # Arabic-Indic
        GOOD[:9] + "²" + GOOD[10:],
        "9" + "A" * 18,
        "-" + GOOD[1:],
    ],
)
def test_other_scans_do_not_look_like_a_number(scanned: str) -> None:
    assert number.looks_like_one(GOOD)
    assert not number.looks_like_one(scanned)


@pytest.mark.parametrize("bits", BITS)
def test_the_numbers_of_one_card_have_nothing_in_common(bits: int) -> None:
    mine = [number.issue(mac, 4711, STEP + n, 1, card_bits=bits) for n in range(1000)]
    assert len(set(mine)) == 1000
    # 2^56 has 17 digits, the first of them at most 7; every place but the prefix takes every digit it can.
    assert {digits[1] for digits in mine} == set("01234567")
    for place in range(2, 19):
        assert len({digits[place] for digits in mine}) == 10
    # The card's own bits are masked: what stands in their place differs each time (collisions are chance).
    masked = {int(digits[1:-1]) & (2**bits - 1) for digits in mine}
    assert len(masked) > 980


def test_two_scenes_of_one_screen_have_numbers_with_nothing_in_common() -> None:
    assert len({number.issue(mac, 4711, STEP, scene, card_bits=24) for scene in range(1, 6)}) == 5


def test_no_two_of_many_cards_share_a_number_in_a_step() -> None:
    assert len({number.issue(mac, card, STEP, 1, card_bits=24) for card in range(5000)}) == 5000
