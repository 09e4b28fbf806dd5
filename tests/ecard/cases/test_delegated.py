"""A bank does of annex 3 what it was granted: which item, at which outlet, to accept or to review."""

import pytest

from ecard.cards.sandbox import FACE_FAILED
from ecard.client import cases, records
from ecard.client.certification import certifications, certify
from tests.bureau import Bureau, refused
from tests.ecard.cases.office import bank, reviewer, reviewers, visit


def test_required_items_come_with_a_grant_and_optional_ones_only_by_name(bureau: Bureau) -> None:
    outlet, phone = bank(bureau), bureau.phone()
    counter = outlet.counter
    with refused("case_not_delegated", 403):
        cases.open_case(counter, visit(counter, phone, "A3-14"))
    grant = cases.grant(bureau.registrar, outlet.agency, ["A3-14"])
    assert cases.open_case(counter, visit(counter, phone, "A3-14"))["state"] == "done"
    bureau.registrar.call("DELETE", f"/v1/case-grants/{grant['id']}")
    with refused("case_not_delegated", 403):
        cases.open_case(counter, visit(counter, phone, "A3-14"))
    listed = bureau.registrar.call("GET", "/v1/case-grants", query=f"agency={outlet.agency}").json()
    assert [(one["items"], one.get("revoked", False)) for one in listed] == [([], False), (["A3-14"], True)]


def test_what_a_bank_was_not_granted_it_does_not_look_up_either(bureau: Bureau) -> None:
    outlet, other, phone = bank(bureau).counter, bureau.terminal(), bureau.phone()
    with refused("case_not_delegated", 403):
        records.look_up(other, visit(other, phone, "A3-30"))
    assert records.look_up(outlet, visit(outlet, phone, "A3-30"))["sections"]


@pytest.mark.parametrize(
    ("place", "allowed"),
    [
        ({"site": "政务大厅"}, True),
        ({"site": "东门支行"}, False),
        ({"region": "6401"}, True),
        ({"region": "11"}, False),
    ],
)
def test_a_grant_is_for_its_outlets(bureau: Bureau, place: dict[str, str], *, allowed: bool) -> None:
    counter, phone = bank(bureau, "A3-27", **place).counter, bureau.phone()
    if allowed:
        assert cases.open_case(counter, visit(counter, phone, "A3-27"))["state"] == "accepted"
    else:
        with refused("case_not_delegated", 403):
            cases.open_case(counter, visit(counter, phone, "A3-27"))


def test_a_bank_reviews_the_one_item_that_may_be_and_not_by_the_counter_that_accepted(bureau: Bureau) -> None:
    outlet, phone = bank(bureau, "A3-26", review=True), bureau.phone()
    desk = bureau.registrar.register_terminal(outlet.agency, "counter", name="2号窗口")
    case = cases.open_case(outlet.counter, visit(outlet.counter, phone, "A3-26"), materials=[])
    with refused("case_same_person", 403):
        cases.decide(outlet.counter, case)
    seen = desk.call("GET", f"/v1/cases/{case['id']}/review").json()
    assert seen["applicant"]["name"].startswith("测试")
    assert cases.decide(desk, case)["state"] == "done"


def test_a_bank_that_may_accept_does_not_review_or_read(bureau: Bureau) -> None:
    outlet, phone = bank(bureau), bureau.phone()
    desk = bureau.registrar.register_terminal(outlet.agency, "counter", name="2号窗口")
    case = cases.open_case(outlet.counter, visit(outlet.counter, phone, "A3-25"), form={"mobile": "13900000001"})
    with refused("case_not_delegated", 403):
        cases.decide(desk, case)
    with refused("case_not_delegated", 403):
        desk.call("GET", f"/v1/cases/{case['id']}/review")
    assert cases.finish(case, [reviewer(bureau)])["state"] == "done"


@pytest.mark.parametrize(
    "body", [{"items": ["A3-25"], "review": True}, {"items": ["A1-02"]}, {"items": [], "review": True}]
)
def test_nothing_is_granted_that_the_source_does_not_delegate(bureau: Bureau, body: dict[str, object]) -> None:
    with refused("grant_beyond_delegation", 422):
        bureau.registrar.call("POST", "/v1/case-grants", {"agency": str(bureau.agency), **body})


def test_an_agency_sees_and_decides_its_own_cases_only_and_only_at_a_counter(bureau: Bureau) -> None:
    kiosk, phone = bureau.terminal("kiosk"), bureau.phone()
    case = cases.open_case(kiosk, visit(kiosk, phone, "A1-02"))
    assert case["state"] == "submitted"
    stranger = bureau.counter_of_another_agency()
    for act in (cases.look, cases.decide):
        with refused("not_found", 404):
            act(stranger, case)
    with refused("case_not_at_counter", 403):
        cases.decide(kiosk, case)
    assert cases.decide(bureau.terminal(), case)["state"] == "done"


def test_a_face_that_does_not_match_is_followed_by_documents_and_three_levels(bureau: Bureau) -> None:
    counter, phone = bank(bureau).counter, bureau.phone()
    with refused("certification_face_mismatch", 422) as refusal:
        certify(counter, visit(counter, phone, "A3-18", proven=False), face=FACE_FAILED)
    item = refusal.value.problem["fallback"]
    assert item == "A3-19"
    with refused("case_materials_missing", 422) as missing:
        cases.open_case(counter, visit(counter, phone, item))
    assert missing.value.problem["least"] == 1
    case = cases.open_case(counter, visit(counter, phone, item), materials=[cases.upload(counter)])
    assert (case["state"], case["levels"]) == ("accepted", 3)
    assert cases.finish(case, reviewers(bureau))["state"] == "done"
    assert [one["item"] for one in certifications(phone)["history"]] == ["A3-19"]


def test_what_is_certified_at_once_opens_no_case(bureau: Bureau) -> None:
    counter, phone = bank(bureau).counter, bureau.phone()
    with refused("item_opens_no_case", 422):
        cases.open_case(counter, visit(counter, phone, "A3-18", proven=False))
    with refused("wrong_flow", 422):
        cases.open_case(counter, visit(counter, phone, "A1-03", proven=False))
