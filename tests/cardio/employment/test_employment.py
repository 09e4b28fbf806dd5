"""A certificate of employment is on record as it stands on the card, and for the e-card the record is shown."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from ecard.client.employment import look_up, mine, record
from ecard.settings import Settings
from tests.bureau import Bureau, outcomes, refused, rows
from tests.cardio.reads import Counter, new_card

ITEM = "A1-04"
FIELDS = {"certificate_no": "11990020260001", "status": "1", "employer": "测试厂"}


@pytest.fixture(scope="module")
def counter(bureau: Bureau) -> Iterator[Counter]:
    """A counter whose bridge is paired with it."""
    made = Counter(bureau)
    yield made
    made.close()


def read(counter: Counter, **write: Any) -> str:
    """Return the visit of a card that was read, and written to where there is something to write."""
    session = counter.open(ITEM, **write)
    for _ in range(10):
        view = counter.look(session, wait=5)
        if view["state"] == "proven":
            return str(counter.visit(ITEM, session)["visit"])
    raise AssertionError(view)


def test_with_the_physical_card_the_record_is_what_was_written_to_it(
    bureau: Bureau, counter: Counter, settings: Settings
) -> None:
    _, card = new_card(bureau)
    counter.insert(card)
    visit = read(counter, write=FIELDS)
    with refused("employment_not_on_card", 409):
        record(counter.terminal, visit, {**FIELDS, "status": "3"})
    made = record(counter.terminal, visit, FIELDS)
    assert (made["on_card"], made["certificate"]) == (True, FIELDS)
    assert look_up(counter.terminal, visit) == made
    [row] = rows(settings, "SELECT content FROM employment_certificate WHERE id = $1", made["id"])
    assert "测试厂".encode() not in row["content"]
    counter.insert(card)
    bare = read(counter)
    with refused("employment_not_on_card", 409):
        record(counter.terminal, bare, FIELDS)


def test_with_the_e_card_the_record_is_kept_and_shown(bureau: Bureau) -> None:
    phone, terminal = bureau.phone(), bureau.terminal()
    visit = str(terminal.visit(ITEM, phone.code())["visit"])
    with refused("not_found", 404):
        look_up(terminal, visit)
    first = record(terminal, visit, FIELDS)
    again = str(terminal.visit(ITEM, phone.code())["visit"])
    second = record(terminal, again, {**FIELDS, "status": "2"})
    assert mine(phone) == [second, first]
    assert look_up(terminal, visit)["certificate"]["status"] == "2"
    assert not second["on_card"]


def test_one_visit_records_once_and_only_its_own_item_with_fields_that_fit(bureau: Bureau) -> None:
    phone, terminal = bureau.phone(), bureau.terminal()
    visit = str(terminal.visit(ITEM, phone.code())["visit"])
    for wrong in ({"nickname": "x"}, {"issued_on": "yesterday"}, {}):
        with refused("card_write_refused", 422):
            record(terminal, visit, wrong)
    found = outcomes([partial(record, terminal, visit, FIELDS)] * 6)
    assert found == {"ok": 1, "employment_recorded": 5}
    work = str(terminal.visit("A1-91", phone.code())["visit"])
    with refused("employment_other_item", 422):
        record(terminal, work, FIELDS)
    with refused("visit_unknown", 404):
        look_up(bureau.counter_of_another_agency(), visit)
