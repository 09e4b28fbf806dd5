"""A completion needs the hours, and two operators; then the institution is owed what they found."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ecard.client import Operator, Phone
from ecard.ids import new_id
from ecard.settings import Settings
from tests.bank import Bank
from tests.bureau import Bureau, outcomes, refused, rows
from tests.pay.ledger.checking import checked
from tests.school import School, audit, join, learner, scheme, second
from tests.shop import confirm, new_number
from tests.training import FACE, Programme


@pytest.fixture(scope="module")
def school(bureau: Bureau) -> School:
    return School(bureau)


@pytest.fixture(scope="module")
def programme(bureau: Bureau) -> Programme:
    return scheme(bureau, quantity=100)


@pytest.fixture(scope="module")
def other(bureau: Bureau) -> Operator:
    made: Operator = second(bureau)
    return made


def attended(school: School, programme: Programme, *, times: int = 1, **more: Any) -> tuple[str, Phone, str]:
    """Return a class of `times` sessions, and a learner who was at each of them, with the voucher."""
    class_ = school.rehearse(programme, times, **more)
    phone, voucher = learner(programme, class_=class_, level=2)
    for _ in range(times):
        school.check_in(class_, phone.code("voucher"))
    return class_, phone, voucher


def balance(school: School, settings: Settings) -> int:
    """Return what the institution is owed (分)."""
    sql = "SELECT b.balance FROM merchant m JOIN account_balance b ON b.id = m.payable WHERE m.agency = $1"
    return int(rows(settings, sql, UUID(str(school.agency)))[0]["balance"])


def test_two_operators_pass_it_and_the_institution_is_owed_what_they_found(
    bureau: Bureau, school: School, programme: Programme, other: Operator, settings: Settings
) -> None:
    class_, phone, voucher = attended(school, programme)
    completion = school.complete(class_, voucher, FACE - 100)
    assert (completion["hours"], completion["needed"], completion["round"]) == (1, 1, 1)
    waiting = bureau.training.call("GET", "/v1/completions").json()
    assert completion["id"] in [one["id"] for one in waiting]
    with refused("voucher_not_audited", 409):
        school.redeeming(voucher)
    first = audit(bureau.training, completion["id"], amount=FACE - 200)
    assert (first["level"], first["state"]) == (1, "submitted")
    with refused("voucher_not_audited", 409):
        school.redeeming(voucher)
    with refused("completion_over_amount", 422) as refusal:
        audit(other, completion["id"], amount=FACE - 199)
    assert refusal.value.problem["limit"] == FACE - 200
    last = audit(other, completion["id"])
    assert (last["level"], last["state"], last["amount"]) == (2, "passed", FACE - 200)
    with refused("completion_decided", 409):
        audit(other, completion["id"])
    before = balance(school, settings)
    school.redeeming(voucher)
    assert balance(school, settings) - before == FACE - 200
    seen = school.voucher(voucher)
    assert (seen["state"], seen["amount"]) == ("redeemed", FACE - 200)
    kinds = [event["kind"] for event in phone.call("GET", f"/v1/me/vouchers/{voucher}").json()["events"]]
    assert kinds == ["issued", "claimed", "bound", "attended", "completed", "audited", "redeemed"]
    passed = bureau.training.call("GET", "/v1/completions", query="status=passed").json()
    assert completion["id"] in [one["id"] for one in passed]
    checked(settings)


def test_one_operator_is_no_four_eyes(bureau: Bureau, school: School, programme: Programme, settings: Settings) -> None:
    class_, _, voucher = attended(school, programme)
    completion = school.complete(class_, voucher)["id"]
    audit(bureau.training, completion)
    with refused("completion_same_operator", 409):
        audit(bureau.training, completion)
    refusals = rows(
        settings,
        "SELECT FROM audit_event WHERE kind = 'completion_audit' AND outcome = 'completion_same_operator'",
    )
    assert refusals
    assert school.voucher(voucher)["state"] == "completed"
    with refused("wrong_role", 403):
        audit(bureau.finance, completion)


def test_the_database_itself_holds_four_eyes(
    bureau: Bureau, school: School, programme: Programme, other: Operator, settings: Settings
) -> None:
    class_, _, voucher = attended(school, programme)
    completion = UUID(school.complete(class_, voucher)["id"])
    audit(bureau.training, str(completion))
    passing = "UPDATE completion SET state = 'passed', decided_at = now() WHERE id = $1"
    with pytest.raises(asyncpg.CheckViolationError):
        rows(settings, passing, completion)
    actor = UUID(str(bureau.training.actor))
    again = "INSERT INTO completion_audit (completion, level, actor, passed, amount) VALUES ($1, 2, $2, true, 1)"
    with pytest.raises(asyncpg.UniqueViolationError):
        rows(settings, again, completion, actor)
    for sql in (
        "UPDATE completion_audit SET actor = $2 WHERE completion = $1",
        "DELETE FROM completion_audit WHERE completion = $1 AND actor <> $2",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            rows(settings, sql, completion, new_id())
    audited = "UPDATE voucher SET state = 'audited', amount = $2 WHERE id = $1"
    step = "SELECT voucher_step($1, '{completed}', 'audited', 'audited', NULL, p_amount => $2)"
    for sql in (audited, step):
        with pytest.raises(asyncpg.CheckViolationError):
            rows(settings, sql, UUID(voucher), 1)
    audit(other, str(completion), amount=FACE - 1)
    with pytest.raises(asyncpg.CheckViolationError):
        rows(settings, audited, UUID(voucher), FACE)


def test_of_many_audits_at_once_two_count(bureau: Bureau, school: School, programme: Programme) -> None:
    class_, _, voucher = attended(school, programme)
    completion = school.complete(class_, voucher)["id"]
    operators = [second(bureau) for _ in range(6)]
    counted = outcomes([lambda one=one: audit(one, completion) for one in operators])  # type: ignore[misc] # bound now
    assert counted == {"ok": 2, "completion_decided": 4}
    assert school.voucher(voucher)["state"] == "audited"


def test_a_rejection_gives_it_back_with_the_reason(
    bureau: Bureau, school: School, programme: Programme, other: Operator
) -> None:
    class_, phone, voucher = attended(school, programme)
    completion = school.complete(class_, voucher)["id"]
    with refused("invalid_request", 400) as refusal:
        audit(bureau.training, completion, passed=False)
    assert refusal.value.problem["pointer"] == "/reason"
    with refused("invalid_request", 400):
        audit(bureau.training, completion, passed=False, reason="缺考勤表", amount=1)
    audit(bureau.training, completion)
    assert audit(other, completion, passed=False, reason="缺考勤表")["state"] == "rejected"
    seen = school.voucher(voucher)
    assert (seen["state"], seen["reason"]) == ("in_use", "缺考勤表")
    events = phone.call("GET", f"/v1/me/vouchers/{voucher}").json()["events"]
    assert events[-1]["kind"] == "rejected"
    again = school.complete(class_, voucher)
    assert again["round"] == 2
    audit(other, again["id"])
    assert audit(bureau.training, again["id"])["state"] == "passed"


def test_too_few_hours_complete_nothing(school: School, bureau: Bureau) -> None:
    programme = scheme(bureau, min_attendance_percent=60)
    class_ = school.rehearse(programme, 5)
    phone, voucher = learner(programme, class_=class_)
    for attended_ in range(3):
        with refused("completion_too_few_hours", 409) as refusal:
            school.complete(class_, voucher)
        assert (refusal.value.problem["hours"], refusal.value.problem["needed"]) == (attended_, 3)
        school.check_in(class_, phone.code("voucher"))
    assert school.complete(class_, voucher)["hours"] == 3
    strict = school.rehearse(programme, 2, min_hours=2)
    phone, voucher = learner(programme, class_=strict)
    school.check_in(strict, phone.code("voucher"))
    with refused("completion_too_few_hours"):
        school.complete(strict, voucher)


def test_an_institution_asks_for_no_more_than_fee_and_face(school: School, programme: Programme) -> None:
    class_, _, voucher = attended(school, programme, fee=FACE - 1)
    with refused("completion_over_amount", 422) as refusal:
        school.complete(class_, voucher, FACE)
    assert refusal.value.problem["limit"] == FACE - 1
    assert school.complete(class_, voucher)["amount"] == FACE - 1


def test_the_own_share_is_paid_before_the_voucher_is_completed(
    bureau: Bureau, school: School, programme: Programme, other: Operator, settings: Settings, bank: Bank
) -> None:
    del bank
    class_, phone, voucher = attended(school, programme, fee=FACE + 500)
    with refused("completion_own_share_open", 409):
        school.complete(class_, voucher)
    before = balance(school, settings)
    tuition = phone.call("POST", "/v1/me/tuitions", {"voucher": voucher}).json()
    confirm(phone, {"id": tuition["order"]})
    completion = school.complete(class_, voucher)["id"]
    audit(bureau.training, completion)
    audit(other, completion)
    school.redeeming(voucher)
    assert balance(school, settings) - before == FACE + 500, "both legs reach the institution"
    checked(settings)


def test_an_own_share_that_went_back_completes_nothing(
    bureau: Bureau, school: School, programme: Programme, other: Operator, bank: Bank
) -> None:
    del bank
    class_, phone, voucher = attended(school, programme, fee=FACE + 500)
    order = phone.call("POST", "/v1/me/tuitions", {"voucher": voucher}).json()["order"]
    confirm(phone, {"id": order})
    completion = school.complete(class_, voucher)["id"]
    audit(bureau.training, completion)
    refund = {"out_refund_no": new_number(), "amount": 499, "reason": "退费"}
    school.counter.call("POST", f"/v1/orders/{order}/refunds", refund)
    with refused("completion_own_share_open", 409):
        audit(other, completion)
    audit(other, completion, passed=False, reason="自费部分已退")
    with refused("completion_own_share_open", 409):
        school.complete(class_, voucher)


def test_only_its_own_institution_completes_and_redeems(
    bureau: Bureau, school: School, programme: Programme, other: Operator
) -> None:
    class_, _, voucher = attended(school, programme)
    theirs = School(bureau)
    with refused("not_found", 404):
        theirs.complete(class_, voucher)
    with refused("voucher_wrong_institution", 403):
        theirs.complete(theirs.open(programme), voucher)
    with refused("institution_server_wanted", 403):
        school.counter.call("POST", f"/v1/classes/{class_}/completions", {"voucher": voucher})
    with refused("not_found", 404):
        theirs.voucher(voucher)
    assert theirs.server.call("GET", "/v1/institution-vouchers").json() == []
    completion = school.complete(class_, voucher)["id"]
    audit(bureau.training, completion)
    audit(other, completion)
    with refused("voucher_wrong_institution", 403) as refusal:
        theirs.redeeming(voucher)
    assert not {"first_at", "first_by"} & refusal.value.problem.keys()
    school.redeeming(voucher)
    with refused("voucher_already_redeemed", 409) as refusal:
        school.redeeming(voucher)
    assert refusal.value.problem["first_by"] == str(school.server.actor)
    with refused("voucher_wrong_institution", 403) as refusal:
        theirs.redeeming(voucher)
    assert not {"first_at", "first_by"} & refusal.value.problem.keys()
    page = school.server.call("GET", "/v1/institution-vouchers").json()
    assert {"id": voucher, "state": "redeemed"}.items() <= next(one for one in page if one["id"] == voucher).items()


def test_who_comes_back_to_a_class_keeps_the_hours_and_completes(school: School, programme: Programme) -> None:
    class_, phone, voucher = attended(school, programme)
    phone.call("POST", "/v1/me/drop-outs", {"voucher": voucher, "reason": "改期"})
    join(phone, class_, voucher)
    seen = school.voucher(voucher)
    assert (seen["state"], seen["hours"]) == ("in_use", 1)
    assert school.complete(class_, voucher)["hours"] == 1


def test_every_completion_is_found_page_by_page_and_what_waits_for_nobody_is_not(
    bureau: Bureau, school: School, programme: Programme
) -> None:
    made = []
    for _ in range(3):
        class_, _, voucher = attended(school, programme)
        made.append((school.complete(class_, voucher)["id"], voucher))

    def pages(after: str) -> list[str]:
        found: list[str] = []
        while page := bureau.training.call("GET", "/v1/completions", query=f"limit=1&after={after}").json():
            [one] = page
            found.append(after := one["id"])
        return found

    (first, _), *rest = made
    assert pages(first) == [one for one, _ in rest]
    programme.move({"id": rest[0][1]}, "cancel")
    assert pages(first) == [rest[1][0]]


def test_what_is_frozen_is_not_audited(bureau: Bureau, school: School, programme: Programme, other: Operator) -> None:
    class_, _, voucher = attended(school, programme)
    completion = school.complete(class_, voucher)["id"]
    audit(bureau.training, completion)
    programme.move({"id": voucher}, "freeze")
    with refused("voucher_frozen", 409):
        audit(other, completion)
    programme.move({"id": voucher}, "unfreeze")
    assert audit(other, completion)["state"] == "passed"
