"""Nobody is paid who may not be, what a bank returns goes to the account that the payee has by then, and what was
paid too much comes back."""

import time

from ecard.cards.sandbox import FACE_PASSED
from ecard.client import Operator
from ecard.client.certification import certify_oneself
from ecard.settings import Settings
from pay.disbursement.eligibility import DECEASED, MOVED
from tests.bank import Bank
from tests.benefits import CLOSED, SOON, Office, line
from tests.bureau import Bureau, Person, new_person, refused, rows
from tests.pay.ledger.checking import checked

NOW = "UPDATE benefit_line SET due_at = now() WHERE batch = $1 AND state IN ('held', 'returned')"


def new_card(bureau: Bureau, person: Person, account: str) -> None:
    """Give a person a new card with another account."""
    bureau.cards.set_card_status(person.facts["card_no"], "cancelled")
    card_no = new_person().facts["card_no"]
    bureau.cards.register_holder(**{**person.facts, "card_no": card_no, "bank_account": account})


def test_who_died_or_moved_or_has_no_bank_is_not_paid_and_the_money_goes_back(
    office: Office, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    del bank
    before = office.fund()
    people = [
        bureau.register(address=DECEASED),
        bureau.register(address=MOVED),
        bureau.register(bank_account="6111110000000000004"),
        bureau.register(),
    ]
    batch = office.released([line(person, 100) for person in people])
    lines = office.until(batch, "held", "paid")
    assert [row["reason"] for row in lines] == ["deceased", "moved", "bank_not_connected", ""]
    assert office.act(lines[0], "cancel")["state"] == "cancelled"
    with refused("benefit_line_not_open", 409):
        office.act(lines[3], "cancel")
    [mine] = bureau.phone(people[2]).call("GET", "/v1/me/benefits").json()
    assert mine["why"]["code"] == "bank_not_connected"
    assert office.fund() == before - 400
    assert office.finance.call("POST", f"/v1/benefit-reviews/{batch['id']}/close").json()["state"] == "closed"
    assert office.fund() == before - 100
    assert [row["state"] for row in office.lines(batch)] == ["cancelled", "cancelled", "cancelled", "paid"]
    checked(settings)


def test_a_certification_that_lapsed_holds_and_a_new_one_pays(bureau: Bureau, bank: Bank, settings: Settings) -> None:
    del bank
    with refused("item_not_certifying", 422):
        Office(bureau, certified_by=["A1-01"])
    strict = Office(bureau, certified_by=["A1-35", "A3-18"])
    person = bureau.register()
    batch = strict.released([line(person)])
    assert [row["reason"] for row in strict.until(batch, "held")] == ["certification_lapsed"]
    phone = bureau.phone(person)
    assert phone.call("GET", "/v1/me/benefits").json()[0]["why"]["code"] == "certification_lapsed"
    certify_oneself(phone, phone.do("A1-56", face=FACE_PASSED))  # of another benefit: it frees nothing
    certify_oneself(phone, phone.do("A1-35", face=FACE_PASSED))
    strict.until(batch, "paid")
    aged = """
        UPDATE certification SET at = at - interval '13 months', valid_until = valid_until - interval '13 months'
        WHERE holder = (SELECT c.holder FROM card c JOIN device d ON d.card = c.seq WHERE d.actor = $1)
    """
    rows(settings, aged, phone.actor)
    [held] = strict.until(strict.released([line(person)], "2026-02"), "held")
    assert held["reason"] == "certification_lapsed"


def test_a_return_is_paid_again_by_itself_once_the_payee_has_another_account(
    office: Office, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    person = bureau.register(bank_account=CLOSED)
    batch = office.released([line(person, 700)])
    [returned] = office.until(batch, "returned")
    assert (returned["reason"], returned["attempt"]) == ("14", 1)
    phone = bureau.phone(person)
    assert [one["why"]["code"] for one in phone.call("GET", "/v1/me/benefits").json()] == ["returned"]
    rows(settings, NOW, batch["id"])
    time.sleep(2.5)
    assert len(office.lines(batch)) == 1  # the account is the same: it would only come back
    account = "6299990000000000061"
    new_card(bureau, person, account)
    first, second = office.until(batch, "paid")
    assert [(one["attempt"], one["state"]) for one in (first, second)] == [(1, "returned"), (2, "paid")]
    assert [tx["amount"] for tx in bank.book().values() if tx["account"] == account] == [700]
    with refused("benefit_line_not_open", 409):
        office.act(second, "redrive")
    checked(settings)


def test_an_operator_pays_a_verified_return_again_and_not_what_another_batch_has(
    office: Office, bureau: Bureau, bank: Bank
) -> None:
    one, two = bureau.register(), bureau.register()
    bank.fault("decline", on="payout", times=2)
    batch = office.released([line(one, 800), line(two, 900)])
    first, second = office.until(batch, "returned")
    other = office.open()
    assert office.upload(other, [line(two, 900)])["taken"] == 1
    with refused("benefit_line_elsewhere", 409):
        office.act(second, "redrive")
    for _ in range(2):
        office.act(first, "redrive")
    deadline = time.monotonic() + SOON
    while office.batch(batch)["counts"] != {"returned": 2, "paid": 1} and time.monotonic() < deadline:
        time.sleep(0.1)
    found = {(row["n"], row["attempt"]): row["state"] for row in office.lines(batch)}
    assert found == {(1, 1): "returned", (1, 2): "paid", (2, 1): "returned"}


def test_what_a_bank_gives_back_the_next_day_is_a_return_and_no_break(
    office: Office, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    before = office.fund()
    bank.fault("return", on="payout")
    batch = office.released([line(bureau.register(), 500)])
    office.until(batch, "paid")
    [(ref, attempt)] = rows(
        settings,
        "SELECT bank_ref, a.id FROM bank_attempt a JOIN benefit_line l ON l.id = a.subject WHERE l.batch = $1",
        batch["id"],
    )
    bank.next_day()
    line_ = f"D|1|reverse|{ref}||500|D|0004|2011-03-02T01:02:03Z"
    paid = f"D|1|payout|{ref}||500|C|0004|2011-03-01T01:02:03Z"
    rows(settings, "UPDATE bank_attempt SET sent_at = '2011-03-01 04:00+00' WHERE id = $1", attempt)
    for day, sums, said in (("2011-03-01", "0|500", paid), ("2011-03-02", "500|0", line_)):
        head = f"H|ecard-day-1|SANDBOX|{day.replace('-', '')}|CNY"
        content = "\n".join([head, said, f"T|1|{sums}", ""])
        office.finance.call("POST", "/v1/reconciliations", {"bank": "SANDBOX", "day": day, "content": content})
        assert not [
            one
            for one in office.finance.call("GET", "/v1/breaks", query=f"day={day}").json()
            if one["state"] != "closed"
        ]
    assert [row["state"] for row in office.lines(batch)] == ["returned"]
    office.finance.call("POST", f"/v1/benefit-reviews/{batch['id']}/close")
    assert office.fund() == before
    checked(settings)


def test_what_was_paid_too_much_is_owed_back_when_two_operators_say_so(
    office: Office, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    del bank
    person = bureau.register()
    [paid] = office.until(office.released([line(person, 1000)]), "paid")
    before = office.fund()

    def claim(amount: int, by: Operator) -> str:
        return str(office.act(paid, "clawback", {"amount": amount, "reason": "多发"}, by=by)["state"])

    with refused("benefit_clawback_differs", 409):
        claim(1001, office.finance)
    assert claim(400, office.finance) == "proposed"
    with refused("benefit_same_operator", 403):
        claim(400, office.finance)
    with refused("benefit_clawback_differs", 409):
        claim(500, office.second)
    with refused("benefit_line_not_open", 409):
        office.act(paid, "recoveries", {"amount": 100, "bank": "SANDBOX", "bank_ref": f"R{paid['id']}"})
    assert claim(400, office.second) == "confirmed"
    assert bureau.phone(person).call("GET", "/v1/me/benefits").json()[0]["owed_back"] == 400
    for _ in range(2):
        body = {"amount": 300, "bank": "SANDBOX", "bank_ref": f"R{paid['id']}"}
        found = office.act(paid, "recoveries", body)
        assert (found["owed_back"], found["recovered"]) == (100, 300)
    with refused("benefit_clawback_differs", 409):
        office.act(paid, "recoveries", {"amount": 101, "bank": "SANDBOX", "bank_ref": f"S{paid['id']}"})
    assert office.fund() == before + 300
    checked(settings)
