"""Acts at a bank's counter change the card, its account and its passwords, and each is kept as a case."""

import functools
from functools import cache

import pytest

from ecard.cards.sandbox import FACE_FAILED, FACE_PASSED
from ecard.client import Phone, cases
from tests.bureau import PASSWORD, Bureau, Person, new_person, outcomes, refused
from tests.ecard.cases.office import Bank, bank, visit

NEW = "824613"


@cache
def outlet(bureau: Bureau) -> Bank:
    return bank(bureau)


def served(bureau: Bureau, phone: Phone, item: str, act: str, *, password: str = PASSWORD, **more: str) -> cases.Case:
    """Return what became of an act, from a new visit of its item."""
    counter = outlet(bureau).counter
    phone.prove(password)
    done = cases.serve(counter, visit(counter, phone, item, proven=False), act, **more)
    assert (done["case"]["state"], done["case"]["act"]) == ("done", act)
    return done


def enrolled(bureau: Bureau) -> tuple[Person, Phone]:
    person = bureau.register()
    return person, bureau.phone(person)


def test_a_lost_account_pays_nothing_until_it_is_found(bureau: Bureau) -> None:
    phone = bureau.phone(level=2)
    assert served(bureau, phone, "A3-01", "account_activate")["account"] == "active"
    lost = served(bureau, phone, "A3-02", "account_lose")
    assert (lost["account"], lost["level"], lost["card"]) == ("lost", 1, "active")
    with refused("bank_not_ready", 409):
        phone.open_payment(PASSWORD)
    found = served(bureau, phone, "A3-02", "account_find")
    assert (found["account"], found["level"]) == ("active", 2)
    with refused("account_status_conflict", 409) as refusal:
        served(bureau, phone, "A3-02", "account_find")
    assert refusal.value.problem["current"] == "active"


def test_a_closed_account_stays_closed_and_opens_no_payment(bureau: Bureau) -> None:
    _, phone = enrolled(bureau)
    assert served(bureau, phone, "A3-04", "account_close")["account"] == "closed"
    for item, act in (("A3-01", "account_activate"), ("A3-05", "book_apply"), ("A3-02", "account_lose")):
        with refused("account_status_conflict", 409):
            served(bureau, phone, item, act)
    with refused("bank_not_ready", 409):
        phone.open_payment(PASSWORD)


def test_a_card_without_an_account_has_none_to_act_on(bureau: Bureau) -> None:
    phone = bureau.phone(bureau.register(bank_account=""))
    with refused("account_missing", 409):
        served(bureau, phone, "A3-01", "account_activate")


def test_the_accounts_password_is_reset_by_face_and_changed_by_the_old_one(bureau: Bureau) -> None:
    _, phone = enrolled(bureau)
    with refused("password_unset", 409):
        served(bureau, phone, "A3-03", "account_password_modify", old_password=NEW, new_password="735142")
    with refused("face_mismatch", 422):
        served(bureau, phone, "A3-03", "account_password_reset", face=FACE_FAILED, new_password=NEW)
    served(bureau, phone, "A3-03", "account_password_reset", face=FACE_PASSED, new_password=NEW)
    with refused("password_wrong", 403):
        served(bureau, phone, "A3-03", "account_password_modify", old_password="111222", new_password="735142")
    served(bureau, phone, "A3-03", "account_password_modify", old_password=NEW, new_password="735142")
    with refused("password_wrong", 403):
        served(bureau, phone, "A3-03", "account_password_modify", old_password=NEW, new_password="735142")


def test_the_cards_password_is_the_e_cards_and_holds_in_every_channel(bureau: Bureau) -> None:
    _, phone = enrolled(bureau)
    served(bureau, phone, "A3-22", "card_password_modify", old_password=PASSWORD, new_password=NEW)
    with refused("password_wrong", 403):
        phone.prove(PASSWORD)
    served(bureau, phone, "A3-22", "card_password_reset", password=NEW, face=FACE_PASSED, new_password=PASSWORD)
    phone.prove(PASSWORD)


def test_passbooks_are_numbered(bureau: Bureau) -> None:
    _, phone = enrolled(bureau)
    with refused("account_status_conflict", 409):
        served(bureau, phone, "A3-05", "book_replace")
    numbers = [served(bureau, phone, "A3-05", act)["book"] for act in ("book_apply", "book_replace", "statement_print")]
    assert numbers == [1, 2, 2]


def test_a_lost_card_is_found_by_documents_and_face_for_it_cannot_be_shown(bureau: Bureau) -> None:
    person, phone = enrolled(bureau)
    counter = outlet(bureau).counter
    code = phone.code()
    assert served(bureau, phone, "A3-23", "card_lose")["card"] == "lost"
    with refused("card_suspended", 409):
        counter.visit("A3-12", code)
    with refused("identity_mismatch", 422):
        cases.serve_lost(counter, "card_find", {**person.facts, "name": "他人"}, FACE_PASSED)
    with refused("face_mismatch", 422):
        cases.serve_lost(counter, "card_find", person.facts, FACE_FAILED)
    found = cases.serve_lost(counter, "card_find", person.facts, FACE_PASSED)
    assert (found["card"], found["case"]["item"], found["case"]["state"]) == ("active", "A3-23", "done")
    with refused("card_status_conflict", 409):
        cases.serve_lost(counter, "card_find", person.facts, FACE_PASSED)


def test_a_new_card_takes_the_old_ones_place_when_it_is_enabled(bureau: Bureau) -> None:
    person, phone = enrolled(bureau)
    with refused("card_order_conflict", 409) as refusal:
        served(bureau, phone, "A3-21", "card_enable")
    assert refusal.value.problem["current"] == "none"
    order = served(bureau, phone, "A3-20", "card_apply")["order"]
    with refused("card_order_conflict", 409):
        served(bureau, phone, "A3-20", "card_apply")
    [waiting] = [
        one for one in bureau.cards.call("GET", "/v1/card-orders", query="limit=200").json() if one["id"] == order
    ]
    assert waiting["applicant"]["id_no"] == person.facts["id_no"]
    number = new_person().facts["card_no"]
    assert cases.make_card(bureau.cards, order, number)["state"] == "made"
    served(bureau, phone, "A3-21", "card_enable")
    assert phone.call("GET", "/v1/me/card").json()["card_no"][-1] == number[-1]
    bureau.cards.set_card_status(number, "locked")
    with refused("not_found", 404):
        bureau.cards.set_card_status(person.facts["card_no"], "active")


def test_a_cancelled_card_is_over(bureau: Bureau) -> None:
    person, phone = enrolled(bureau)
    assert served(bureau, phone, "A3-24", "card_cancel")["card"] == "cancelled"
    with refused("card_status_conflict", 409):
        cases.serve_lost(outlet(bureau).counter, "card_find", person.facts, FACE_PASSED)


@pytest.mark.parametrize(
    ("item", "act", "more", "code"),
    [
        ("A3-01", "card_cancel", {}, "act_not_of_item"),
        ("A3-03", "account_password_reset", {"new_password": NEW}, "act_incomplete"),
        ("A3-01", "account_activate", {"new_password": NEW}, "act_incomplete"),
        ("A3-22", "card_password_reset", {"new_password": "111111", "face": FACE_PASSED}, "password_not_allowed"),
        ("A3-12", "card_cancel", {}, "wrong_flow"),
    ],
)
def test_an_act_is_its_items_and_whole(bureau: Bureau, item: str, act: str, more: dict[str, str], code: str) -> None:
    with refused(code):
        served(bureau, bureau.phone(), item, act, **more)


def test_a_relative_acts_on_nobodys_card(bureau: Bureau) -> None:
    phone, counter = bureau.phone(), outlet(bureau).counter
    person, _ = enrolled(bureau)
    relative = bureau.add_relative(phone, person)
    phone.prove(PASSWORD)
    shown = str(phone.codes(relative=relative)[0]["code"])
    with refused("holder_only", 403):
        cases.serve(counter, counter.visit("A3-24", shown)["visit"], "card_cancel")


def test_an_outlet_without_a_grant_does_none_of_it(bureau: Bureau) -> None:
    counter, phone = bureau.terminal(), bureau.phone()
    facts = bureau.register().facts
    for told in (facts, {**facts, "name": "他人"}):
        with refused("case_not_delegated", 403):
            cases.serve_lost(counter, "card_find", told, FACE_PASSED)
    with refused("case_not_delegated", 403):
        cases.serve(counter, visit(counter, phone, "A3-01"), "account_activate")


def test_of_many_acts_from_one_visit_one_is_done(bureau: Bureau) -> None:
    _, phone = enrolled(bureau)
    counter = outlet(bureau).counter
    shown = visit(counter, phone, "A3-02")
    found = outcomes([functools.partial(cases.serve, counter, shown, "account_lose") for _ in range(8)])
    assert (found["ok"], found.keys() - {"case_already_opened"}) == (1, {"ok"})


def test_acts_of_many_visits_on_one_card_wait_for_each_other(bureau: Bureau) -> None:
    _, phone = enrolled(bureau)
    counter = outlet(bureau).counter
    acts = [("A3-24", "card_cancel"), ("A3-23", "card_lose"), ("A3-04", "account_close"), ("A3-02", "account_lose")]
    shown = [(visit(counter, phone, item), act) for item, act in acts]
    found = outcomes([functools.partial(cases.serve, counter, *one) for one in shown])
    assert found["ok"] >= 1
    assert found.keys() <= {"ok", "card_suspended", "account_status_conflict"}, found
