"""An application goes from its visit to its end, by its route and by nobody else than the route says."""

from ecard.client import cases
from tests.bureau import Bureau, refused
from tests.ecard.cases.office import bank, reviewers, visit


def test_an_item_of_one_level_ends_at_the_counter_that_accepts_it(bureau: Bureau) -> None:
    counter, phone = bureau.terminal(), bureau.phone()
    case = cases.open_case(counter, visit(counter, phone, "A1-02"), form={"reason": "劳动合同到期"})
    assert (case["state"], case["level"], case["levels"]) == ("done", 1, 1)
    own = cases.look(phone, case)
    assert [step["kind"] for step in own["steps"]] == ["opened", "accepted"]
    assert (own["intact"], own["form"]) == (True, {"reason": "劳动合同到期"})


def test_two_and_three_levels_go_through_their_reviewers(bureau: Bureau) -> None:
    counter, phone = bureau.terminal(), bureau.phone()
    for item, levels in (("A1-07", 2), ("A1-29", 3)):
        case = cases.open_case(counter, visit(counter, phone, item))
        assert (case["state"], case["due_level"]) == ("accepted", 2)
        done = cases.finish(case, reviewers(bureau))
        assert (done["state"], done["level"], done["levels"]) == ("done", levels, levels)
    states = [(one["item"], one["state"]) for one in phone.call("GET", "/v1/me/cases").json()]
    assert states == [("A1-29", "done"), ("A1-07", "done")]


def test_a_case_from_the_own_phone_waits_until_a_reviewer_accepts_it(bureau: Bureau) -> None:
    phone = bureau.phone()
    case = cases.open_case(phone, phone.do("A1-07"), materials=[cases.upload(phone)])
    assert (case["state"], case["due_level"]) == ("submitted", 1)
    assert cases.finish(case, reviewers(bureau))["state"] == "done"


def test_the_visit_that_opened_a_case_moves_it_no_further(bureau: Bureau) -> None:
    kiosk, phone = bureau.terminal("kiosk"), bureau.phone()
    opened = visit(kiosk, phone, "A1-02")
    case = cases.open_case(kiosk, opened)
    with refused("case_already_opened", 409):
        cases.move(kiosk, case, "withdraw", visit=opened)
    again = visit(kiosk, phone, "A1-02")
    assert cases.move(kiosk, case, "withdraw", visit=again)["state"] == "withdrawn"


def test_a_bank_accepts_what_it_was_granted(bureau: Bureau) -> None:
    outlet, phone = bank(bureau), bureau.phone()
    case = cases.open_case(outlet.counter, visit(outlet.counter, phone, "A3-12"))
    assert case["state"] == "done"


def test_personal_data_change_when_the_last_reviewer_approves_and_not_before(bureau: Bureau) -> None:
    counter, phone = bureau.terminal(), bureau.phone()
    for form in ({"bank_account": "6299990000000000005"}, {"id_no": "119900199001010016"}):
        with refused("profile_field_fixed", 422):
            cases.open_case(counter, visit(counter, phone, "A1-93"), form=form)
    with refused("invalid_request", 400) as refusal:
        cases.open_case(counter, visit(counter, phone, "A1-93"), form={"mobile": "1390000000"})
    assert refusal.value.problem["pointer"] == "/form/mobile"
    case = cases.open_case(counter, visit(counter, phone, "A1-93"), form={"mobile": "13900000001"})
    assert case["state"] == "accepted"
    assert phone.call("GET", "/v1/me/profile-changes").json() == []
    cases.finish(case, reviewers(bureau))
    [change] = phone.call("GET", "/v1/me/profile-changes").json()
    assert change["fields"] == ["mobile"]


def test_one_visit_opens_one_case_and_a_retry_gets_the_same_answer(bureau: Bureau) -> None:
    counter, phone = bureau.terminal(), bureau.phone()
    body = {"visit": visit(counter, phone, "A1-07"), "form": {}, "materials": []}
    first = counter.call("POST", "/v1/cases", body, key="once").json()
    again = counter.call("POST", "/v1/cases", body, key="once")
    assert (again.json(), again.headers["idempotency-replayed"]) == (first, "true")
    with refused("case_already_opened", 409):
        counter.call("POST", "/v1/cases", body)
    assert len(phone.call("GET", "/v1/me/cases").json()) == 1
