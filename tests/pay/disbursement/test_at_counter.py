"""Who comes to a counter with the card is told what was paid under that item, and nobody else's."""

import pytest

from tests.bank import Bank
from tests.benefits import Office, line
from tests.bureau import Bureau, refused
from tests.reader import Readers, carded

PENSION = "A1-36"


@pytest.fixture(scope="module")
def counter(bureau: Bureau) -> Readers:
    return Readers(bureau)


def test_a_counter_sees_what_was_paid_under_the_visits_item_and_no_more(
    bureau: Bureau, bank_house: Bank, counter: Readers
) -> None:
    del bank_house
    person, card = carded(bureau)
    bureau.phone(person)
    pension, allowance = Office(bureau, item=PENSION, components=["base"]), Office(bureau)
    batch = pension.released([line(person, component="base")])
    allowance.released([line(person)])
    [paid] = pension.until(batch, "paid")
    path = f"/v1/visits/{counter.visit(PENSION, card)}/benefits"
    [shown] = counter.terminal.call("GET", path).json()
    assert (shown["amount"], shown["item"], shown["state"]) == (paid["amount"], PENSION, "paid")


def test_a_visit_of_another_agency_or_item_shows_nothing(bureau: Bureau, counter: Readers) -> None:
    _, card = carded(bureau)
    visit = counter.visit(PENSION, card)
    with refused("visit_unknown"):
        Office(bureau, budget=0).server.call("GET", f"/v1/visits/{visit}/benefits")
    other = counter.visit("A1-01", card)
    with refused("wrong_flow"):
        counter.terminal.call("GET", f"/v1/visits/{other}/benefits")
