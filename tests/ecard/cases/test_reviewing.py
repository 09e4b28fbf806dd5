"""Nobody decides twice, out of turn, on an own case, or on what has moved on; what comes back begins another round."""

import time
from typing import Any

from ecard import workdays
from ecard.client import Operator, Phone, cases
from tests.bureau import PASSWORD, Bureau, new_person, refused, rows
from tests.ecard.cases.office import reviewer, reviewers, visit

ABSENT = "018f0000-0000-7000-8000-000000000000"


def opened(bureau: Bureau, item: str = "A1-29") -> tuple[Phone, cases.Case]:
    """Return a case of three levels that a counter accepted, and its applicant's phone."""
    phone, counter = bureau.phone(), bureau.terminal()
    return phone, cases.open_case(counter, visit(counter, phone, item))


def test_a_decision_is_made_once_in_its_turn_and_on_what_was_read(bureau: Bureau) -> None:
    (first, second, *_), (_, case) = reviewers(bureau), opened(bureau)
    with refused("case_wrong_level", 409) as refusal:
        cases.decide(first, case, level=3)
    assert refusal.value.problem["level"] == 2
    reviewed = cases.decide(first, case)
    with refused("case_stale", 409) as moved:
        cases.decide(second, case)
    assert moved.value.problem["version"] == reviewed["version"]
    with refused("case_same_person", 403):
        cases.decide(first, reviewed)
    done = cases.decide(second, reviewed)
    with refused("case_not_open", 409) as over:
        cases.decide(first, done, level=3)
    assert over.value.problem["state"] == "done"
    with refused("not_found", 404):
        cases.decide(first, {**case, "id": ABSENT})


def test_nothing_is_approved_in_the_name_of_who_says_that_it_was_not_they(bureau: Bureau) -> None:
    (first, *_), (phone, case) = reviewers(bureau), opened(bureau)
    [use] = phone.uses()
    phone.call("POST", f"/v1/me/uses/{use['id']}/dispute")
    with refused("case_disputed", 409):
        cases.decide(first, case)
    assert cases.decide(first, case, "reject", reason="本人否认到场")["state"] == "rejected"


def test_whoever_refuses_or_returns_says_why_and_whoever_approves_does_not(bureau: Bureau) -> None:
    (first, *_), (_, case) = reviewers(bureau), opened(bureau)
    with refused("invalid_request", 400) as refusal:
        cases.decide(first, case, "reject")
    assert refusal.value.problem["pointer"] == "/reason"
    with refused("invalid_request", 400):
        cases.decide(first, case, reason="同意")


def test_a_returned_case_comes_back_in_another_round_and_passes_every_level_again(bureau: Bureau) -> None:
    (first, second, *_), (phone, case) = reviewers(bureau), opened(bureau)
    returned = cases.decide(first, case, "return", reason="请补充档案材料")
    own = cases.look(phone, returned)
    assert (own["state"], own["reason"], own["steps"][-1]["kind"]) == ("returned", "请补充档案材料", "returned")
    back = cases.move(phone, returned, "supplement", form={"archive": "A12"}, materials=[cases.upload(phone)])
    assert (back["state"], back["round"], back["level"]) == ("submitted", 2, 0)
    done = cases.finish(back, reviewers(bureau))
    assert (done["state"], done["round"]) == ("done", 2)
    seen = cases.look(second, done)
    assert (seen["form"], len(seen["materials"]), seen["intact"]) == ({"archive": "A12"}, 1, True)


def test_a_counter_takes_a_supplement_by_another_visit_of_the_same_item_and_holder(bureau: Bureau) -> None:
    counter, (phone, case) = bureau.terminal(), opened(bureau)
    returned = cases.decide(reviewers(bureau)[0], case, "return", reason="请补充")
    with refused("case_other_visit", 422):
        cases.move(counter, returned, "supplement", visit=visit(counter, phone, "A1-02"))
    with refused("case_other_visit", 422):
        cases.move(counter, returned, "supplement", visit=visit(counter, bureau.phone(), "A1-29"))
    back = cases.move(counter, returned, "supplement", visit=visit(counter, phone, "A1-29"))
    assert (back["state"], back["round"], back["level"]) == ("accepted", 2, 1)


def test_an_appeal_is_decided_by_others_and_made_once(bureau: Bureau) -> None:
    (first, second, third, fourth), (phone, case) = reviewers(bureau), opened(bureau)
    rejected = cases.decide(second, cases.decide(first, case), "reject", reason="不符合条件")
    own = cases.look(phone, rejected)
    assert own["appeal_until"] == own["ended_at"] + 60 * 86400
    with refused("invalid_request", 400):
        cases.move(phone, rejected, "appeal")
    appealed = cases.move(phone, rejected, "appeal", reason="档案有误")
    for before in (first, second):
        with refused("case_same_person", 403):
            cases.decide(before, appealed)
    again = cases.decide(fourth, cases.decide(third, appealed), "reject", reason="维持")
    with refused("case_appeal_over", 409):
        cases.move(phone, again, "appeal", reason="不服")


def test_an_applicant_withdraws_what_is_not_decided(bureau: Bureau) -> None:
    phone, case = opened(bureau)
    other = bureau.phone()
    with refused("not_found", 404):
        cases.move(other, case, "withdraw")
    with refused("case_stale", 409):
        cases.move(phone, {**case, "version": 1}, "withdraw")
    news = f"changed_after={int(time.time()) + 60}"
    assert phone.call("GET", "/v1/me/cases", query=news).json() == []
    assert len(phone.call("GET", "/v1/me/cases", query=f"changed_after={int(time.time()) - 600}").json()) == 1
    gone = cases.move(phone, case, "withdraw")
    assert gone["state"] == "withdrawn"
    for motion in ("withdraw", "supplement"):
        with refused("case_not_open", 409):
            cases.move(phone, gone, motion)
    with refused("case_not_open", 409):
        cases.decide(reviewers(bureau)[0], gone)


def test_a_case_in_ones_hands_is_nobody_elses_until_it_is_handed_over(bureau: Bureau) -> None:
    (first, second, third, _), (phone, case) = reviewers(bureau), opened(bureau)
    with refused("case_not_in_hand", 403):
        cases.look(first, case)
    cases.assign(first, case)
    assert cases.look(first, case)["applicant"]["name"].startswith("测试")
    for act in (cases.assign, cases.decide):
        with refused("case_assigned", 409):
            act(second, case)
    comments = f"/v1/case-reviews/{case['id']}/comments"
    first.call("POST", comments, {"text": "缴费年限待核"})
    with refused("case_not_in_hand", 403):
        second.call("POST", comments, {"text": "我也看看"})
    cases.assign(first, case, to=second.actor)
    mine = second.call("GET", "/v1/case-reviews", query="which=mine&limit=200").json()
    assert case["id"] in {one["id"] for one in mine}
    notes = [step.get("note") for step in cases.look(second, case)["steps"] if step["kind"] == "commented"]
    assert notes == ["缴费年限待核"]
    assert {step["kind"] for step in cases.look(phone, case)["steps"]} == {"opened", "accepted"}
    reviewed = cases.decide(second, case)
    for to in (second.actor, bureau.security.actor):
        with refused("case_same_person" if to == second.actor else "reviewer_unnamed", 403):
            cases.assign(third, reviewed, to=to)


def test_what_a_revoked_key_held_is_taken_by_the_next(bureau: Bureau) -> None:
    leaving, (_, case) = reviewer(bureau), opened(bureau)
    cases.assign(leaving, case)
    bureau.security.revoke(leaving.actor)
    assert cases.assign(reviewers(bureau)[0], case)["state"] == "accepted"


def test_a_reviewer_is_a_known_person_and_no_applicant(bureau: Bureau) -> None:
    person = bureau.register()
    phone, counter = bureau.phone(person), bureau.terminal()
    case = cases.open_case(counter, visit(counter, phone, "A1-29"))
    operator = bureau.security.register_operator("审核员", "reviewer")
    with refused("reviewer_unnamed", 403):
        cases.decide(operator, case)
    named = {"operator": str(operator.actor), "id_no": person.facts["id_no"]}
    bureau.security.call("POST", "/v1/reviewers", named)
    for act in (cases.assign, cases.decide):
        with refused("case_own", 403):
            act(operator, case)
    another = bureau.register()
    with refused("conflict", 409):
        bureau.security.call("POST", "/v1/reviewers", {**named, "id_no": another.facts["id_no"]})


def test_two_keys_of_one_person_are_one_pair_of_eyes(bureau: Bureau) -> None:
    person = new_person()
    one = cases.new_reviewer(bureau.security, bureau.cards, person.facts)
    two: Operator = bureau.security.register_operator("审核员", "reviewer")
    bureau.security.call("POST", "/v1/reviewers", {"operator": str(two.actor), "id_no": person.facts["id_no"]})
    _, case = opened(bureau)
    with refused("case_same_person", 403):
        cases.decide(two, cases.decide(one, case))


def test_a_case_is_due_in_the_working_days_of_its_route(bureau: Bureau) -> None:
    phone = bureau.phone()
    phone.prove(PASSWORD)
    case = cases.open_case(phone, phone.do("A1-29"))
    assert case["due_at"] == workdays.ends_at(time.time(), 5).timestamp()
    accepted = cases.decide(reviewers(bureau)[0], case)
    assert accepted["due_at"] == workdays.ends_at(time.time(), 20).timestamp()
    rows_of(bureau, "UPDATE case_file SET due_at = now() - interval '1 hour' WHERE id = $1", case["id"])
    late = reviewers(bureau)[1].call("GET", "/v1/case-reviews", query="which=overdue&limit=200").json()
    assert [one["overdue"] for one in late if one["id"] == case["id"]] == [True]


def test_every_refusal_is_on_record(bureau: Bureau) -> None:
    first, (_, case) = reviewers(bureau)[0], opened(bureau)
    with refused("case_wrong_level"):
        cases.decide(first, case, level=3)
    found = rows_of(
        bureau,
        "SELECT actor, outcome FROM audit_event WHERE kind = 'case_decision' AND detail ->> 'case' = $1::text",
        case["id"],
    )
    assert [(row["actor"], row["outcome"]) for row in found] == [(first.actor, "case_wrong_level")]


def rows_of(bureau: Bureau, sql: str, *arguments: object) -> list[Any]:
    """Return what `sql` finds, past the application."""
    assert bureau.settings is not None
    return rows(bureau.settings, sql, *arguments)
