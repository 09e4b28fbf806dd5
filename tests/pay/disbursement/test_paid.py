"""Benefits reach the card's account, once, as two operators approved them."""

from tests.bank import Bank
from tests.benefits import Office, line
from tests.bureau import Bureau
from tests.pay.ledger.checking import checked


def test_a_batch_that_two_operators_approved_is_paid_to_its_cards_accounts(bureau: Bureau, bank: Bank) -> None:
    office = Office(bureau)
    one, two = bureau.register(), bureau.register()
    before = office.fund()
    batch = office.released([line(one, 30000), line(two, 12000, "travel")])
    lines = office.until(batch, "paid")
    assert [(row["n"], row["amount"], row["state"]) for row in lines] == [(1, 30000, "paid"), (2, 12000, "paid")]
    paid = [tx for tx in bank.book().values() if tx["kind"] == "payout" and tx["amount"] in {30000, 12000}]
    assert len(paid) == 2
    assert office.fund() == before - 42000
    assert bureau.settings is not None
    checked(bureau.settings)
