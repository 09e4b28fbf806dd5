"""UUID version 7 (RFC 9562 §5.7)."""

import time
import uuid

from ecard.ids import new_id


def test_an_id_is_a_version_7_uuid_of_the_rfcs_variant() -> None:
    for _ in range(200):
        made = new_id()
        assert made.version == 7
        assert made.variant == uuid.RFC_4122


def test_an_id_begins_with_the_milliseconds_of_its_making() -> None:
    before = time.time_ns() // 1_000_000
    stamped = new_id().int >> 80
    assert before <= stamped <= time.time_ns() // 1_000_000


def test_an_id_made_later_sorts_later() -> None:
    first = new_id()
    time.sleep(0.003)
    assert first.bytes < new_id().bytes


def test_all_but_time_version_and_variant_is_random() -> None:
    made = [new_id().int for _ in range(300)]
    assert len(set(made)) == 300
    fixed = (0xF << 76) | (0b11 << 62)
    ever_set = ever_clear = 0
    for one in made:
        ever_set |= one
        ever_clear |= ~one
    random_bits = (1 << 80) - 1 & ~fixed
    assert ever_set & random_bits == random_bits
    assert ever_clear & random_bits == random_bits
