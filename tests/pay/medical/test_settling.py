"""A patient's way: registered, fees, trial, cash first, settled; and what stands in it."""

import pytest

from ecard.client.medical import Desk, balances, care_of, designate, fee, pay
from pay.medical.items import sandbox_rules
from tests.bank import Bank
from tests.bureau import PASSWORD, Bureau, refused
from tests.hospital import CLINIC, HERE, STAY, Hospital, account, legs, patient, reconciled, sealed
from tests.shop import receipt_of


def test_a_stay_is_split_settled_and_seen_by_its_patient(hospital: Hospital, bureau: Bureau) -> None:
    phone = patient(bureau)
    visit = hospital.visit(phone)
    tried = hospital.tried(visit, "inpatient", STAY)
    # Eligible 1,000 + 400 × 90 % = 1,360 yuan; less 900 deductible; 80 % of 460 = 368. The account has 1,200.
    assert legs(tried) == {"pooled": 36_800, "personal": 113_200}
    assert balances(tried)
    assert tried["state"] == "precalc"
    settled = hospital.confirm(tried)
    assert settled["state"] == "confirmed"
    assert hospital.settlement(settled) == settled
    [seen] = phone.call("GET", "/v1/me/medical/settlements").json()
    assert (seen["id"], seen["legs"]) == (settled["id"], settled["legs"])
    mine = account(phone)
    assert (mine["balance"], mine["held"]) == (6_800, 0)
    [year] = mine["years"]
    assert (year["deductible"], year["eligible"], year["pooled"]) == (90_000, 46_000, 36_800)


def test_cash_comes_first_by_the_phone_or_at_the_till(hospital: Hospital, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone = patient(bureau, f"{HERE},resident")
    tried = hospital.tried(hospital.visit(phone), "outpatient", [fee(30_000)])
    assert legs(tried) == {"cash": 30_000}
    with refused("medical_cash_not_paid", 409) as refusal:
        hospital.confirm(tried)
    assert refusal.value.problem["cash"] == 30_000
    with refused("medical_cash_differs", 422):
        hospital.cash(tried, "till", amount=29_999)
    ordered = hospital.cash(tried, "order")
    with refused("medical_cash_taken", 409):
        hospital.cash(tried, "till")
    assert pay(phone, ordered, PASSWORD)["state"] == "paid"
    settled = hospital.confirm(tried)
    assert (settled["state"], settled["cash_by"]) == ("confirmed", "order")
    other = hospital.tried(hospital.visit(phone), "outpatient", [fee(1_000)])
    assert hospital.confirm(hospital.cash(other, "till"))["state"] == "confirmed"
    assert receipt_of(phone, settled["order"])["proofs"]


@pytest.mark.parametrize("item", ["A1-51", "A1-52", "A1-53", "A2-54", "A2-55", "A2-56", "A2-63"])
def test_each_item_is_settled_to_its_end(item: str, hospital: Hospital, bureau: Bureau) -> None:
    phone = bureau.phone(level=2)  # insured as the sandbox says of anybody
    settled = hospital.settle(hospital.visit(phone, item), care_of(item), STAY, phone=None)
    assert (settled["state"], settled["item"], balances(settled)) == ("confirmed", item, True)
    assert sealed(phone, settled)["proofs"]
    reconciled(bureau)


def test_every_payer_bears_its_part_in_one_step(hospital: Hospital, bureau: Bureau) -> None:
    phone = patient(bureau, f"{HERE},resident,medical_aid,commercial")
    big = [fee(5_000_000)]
    alone = hospital.tried(hospital.visit(phone), "inpatient", big)
    assert set(legs(alone)) == {"pooled", "serious", "cash"}
    together = hospital.tried(hospital.visit(phone, "A2-56"), "inpatient", big)
    assert set(legs(together)) == {"pooled", "serious", "aid", "commercial", "cash"}
    assert balances(alone)
    assert balances(together)
    servant = patient(bureau, f"{HERE},employee,civil_servant")
    assert set(legs(hospital.tried(hospital.visit(servant), "inpatient", big))) == {"pooled", "civil", "cash"}


def test_a_trial_that_no_longer_says_what_would_be_settled_is_stale(hospital: Hospital, bureau: Bureau) -> None:
    phone = patient(bureau)
    visit = hospital.visit(phone)
    tried = hospital.tried(visit, "inpatient", STAY)
    second = hospital.tried(hospital.visit(phone), "inpatient", [fee(1_000)])
    assert hospital.confirm(second)["state"] == "confirmed"  # the account and the year have moved
    with refused("medical_trial_stale", 409):
        hospital.confirm(tried)
    with refused("medical_trial_stale", 409):
        hospital.confirm({**tried, "split": "0" * 64})
    again = hospital.trial({"id": tried["encounter"]}, visit)
    assert hospital.confirm(again)["state"] == "confirmed"
    assert hospital.confirm(again)["state"] == "confirmed"  # a retry
    with refused("medical_segment_settled", 409):
        hospital.trial({"id": tried["encounter"]}, visit)
    with refused("medical_segment_settled", 409):
        hospital.upload({"id": tried["encounter"]}, STAY)


def test_fees_changed_after_the_trial_are_seen(hospital: Hospital, bureau: Bureau) -> None:
    tried = hospital.tried(hospital.visit(patient(bureau)), "outpatient", [fee(1_000)])
    hospital.upload({"id": tried["encounter"]}, [fee(600), fee(400)])
    with refused("medical_fees_changed", 409):
        hospital.confirm(tried)


def test_a_trial_given_up_gives_its_cash_back(hospital: Hospital, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone = patient(bureau, f"{HERE},resident")
    tried = hospital.tried(hospital.visit(phone), "outpatient", [fee(2_000)])
    pay(phone, hospital.cash(tried, "order"), PASSWORD)
    with refused("medical_cash_taken", 409):
        hospital.trial({"id": tried["encounter"]}, hospital.visit(phone))
    order = hospital.settlement(tried)["order"]
    with refused("order_not_refundable", 409):  # a cash leg goes back with its settlement alone
        body = {"out_refund_no": "R1", "amount": 2_000, "reason": "退"}
        hospital.terminal.call("POST", f"/v1/orders/{order}/refunds", body)
    assert hospital.cancel(tried)["state"] == "superseded"
    assert hospital.cancel(tried)["state"] == "superseded"
    assert phone.call("GET", f"/v1/me/orders/{order}").json()["state"] == "refunded"
    with refused("medical_not_waiting", 409):
        hospital.confirm(tried)
    reconciled(bureau)


def test_what_the_agency_refuses_costs_nobody_anything(hospital: Hospital, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone = patient(bureau, f"{HERE},employee,account=500")
    fees = [fee(2_000, code="SANDBOX-REFUSED")]
    tried = hospital.tried(hospital.visit(phone), "outpatient", fees)
    assert legs(tried) == {"personal": 500, "cash": 1_500}
    pay(phone, hospital.cash(tried, "order"), PASSWORD)
    settled = hospital.confirm(tried)
    assert (settled["state"], settled["refusal"]) == ("rejected", "item_not_allowed")
    assert (account(phone)["balance"], account(phone)["held"]) == (500, 0)
    assert phone.call("GET", f"/v1/me/orders/{settled['order']}").json()["state"] == "refunded"
    reconciled(bureau)


def test_what_is_wrong_is_named(hospital: Hospital, elsewhere: Hospital, bureau: Bureau) -> None:
    phone = patient(bureau)
    visit = hospital.visit(phone)
    with refused("medical_care_not_of_item", 422) as refusal:
        hospital.register(visit, "pharmacy")
    assert refusal.value.problem["accepted"] == ["outpatient", "inpatient"]
    with refused("visit_unknown", 404):
        elsewhere.register(visit, "outpatient")
    with refused("medical_not_an_institution", 403):
        counter, other = Desk(bureau.terminal("counter")), patient(bureau)
        other.prove(PASSWORD)
        counter.register(counter.terminal.visit(CLINIC, other.code("medical"))["visit"], "outpatient")
    encounter = hospital.register(visit, "outpatient")
    with refused("medical_visit_registered", 409):
        hospital.register(visit, "outpatient")
    with refused("medical_fees_missing", 409):
        hospital.trial(encounter, visit)
    for line in ({**fee(100), "amount": 101}, {**fee(100), "quantity": 2}):
        with refused("medical_fees_do_not_sum", 422) as refusal:
            hospital.upload(encounter, [line])
        assert refusal.value.problem["pointer"] == "/fees/0/amount"
    with refused("medical_fees_do_not_sum", 422):
        path = f"/v1/medical/encounters/{encounter['id']}/segments/1/fees"
        hospital.terminal.call("PUT", path, {"fees": [fee(100)], "total": 99})
    with refused("not_found", 404):
        elsewhere.upload(encounter, [fee(100)])
    hospital.upload(encounter, [fee(50_000_001)])
    with refused("medical_over_limit", 422) as refusal:
        hospital.trial(encounter, visit)
    assert refusal.value.problem["limit"] == 50_000_000
    hospital.upload(encounter, [fee(100)])
    with refused("visit_unknown", 404):
        hospital.trial(encounter, hospital.visit(patient(bureau)))
    tried = hospital.trial(encounter, visit)
    for act in (elsewhere.confirm, elsewhere.settlement, elsewhere.cancel):
        with refused("not_found", 404):
            act(tried)
    with refused("not_found", 404):
        patient(bureau).call("GET", f"/v1/me/medical/settlements/{tried['id']}")
    with refused("medical_not_confirmed", 409):
        hospital.reverse(tried, 1)
    with refused("medical_nothing_due", 409):
        hospital.cash(tried, "till", amount=100)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("sandbox-uninsured", "medical_not_insured"),
        ("sandbox-insurer-down", "medical_insurer_silent"),
        ("sandbox-insured:119909,employee", "medical_region_unknown"),
    ],
)
def test_a_patient_who_is_not_insured_here_is_told_so(
    address: str, code: str, hospital: Hospital, bureau: Bureau
) -> None:
    phone = bureau.phone(bureau.register(address=address), level=2)
    with refused(code):
        hospital.register(hospital.visit(phone), "outpatient")


def test_a_code_of_another_scene_registers_nobody(hospital: Hospital, bureau: Bureau) -> None:
    phone = patient(bureau)
    phone.prove(PASSWORD)
    with refused("wrong_scene", 422):
        hospital.terminal.visit(CLINIC, phone.code("identity"))
    visit = hospital.terminal.visit("A1-01", phone.code("identity"))["visit"]
    with refused("wrong_flow"):
        hospital.register(visit, "outpatient")


def test_rules_are_loaded_once_and_never_changed(bureau: Bureau, hospital: Hospital) -> None:
    [first, _] = sandbox_rules()
    assert bureau.finance.call("POST", "/v1/medical/rules", first).json()["added"] == 0
    rule = {"scheme": "employee", "care": "outpatient", "valid_from": "2020-01-01", "limit": 1}
    body = {"region": HERE, "name": "示例一市", "rules": [rule]}
    with refused("medical_rules_differ", 409):
        bureau.finance.call("POST", "/v1/medical/rules", body)
    falling = {**rule, "valid_from": "2099-01-01", "bands": [{"up_to": 10, "share": 1}, {"up_to": 9, "share": 1}]}
    with refused("medical_rules_refused", 422) as refusal:
        bureau.finance.call("POST", "/v1/medical/rules", {**body, "rules": [falling]})
    assert refusal.value.problem["pointer"] == "/rules/0/bands/1/up_to"
    listed = bureau.finance.call("GET", "/v1/medical/rules", query=f"region={HERE}").json()
    assert len(listed) == len(first["rules"])  # type: ignore[arg-type] # the file's list of rules
    with refused("medical_region_unknown", 422):
        path = f"/v1/medical/institutions/{hospital.agency}"
        bureau.finance.call("PUT", path, {"region": "119909", "grade": "primary"})
    with refused("not_found", 404):  # no merchant
        designate(bureau.finance, bureau.agency, HERE)


def test_nothing_is_settled_for_who_says_that_it_was_not_they(hospital: Hospital, bureau: Bureau) -> None:
    phone = patient(bureau)
    tried = hospital.tried(hospital.visit(phone), "inpatient", STAY)
    phone.call("POST", f"/v1/me/uses/{phone.uses()[0]['id']}/dispute")
    with refused("visit_over", 409):
        hospital.confirm(tried)
    assert account(phone)["balance"] == 120_000


def test_nobodys_insurance_is_told_by_a_visit_that_was_for_something_else(hospital: Hospital, bureau: Bureau) -> None:
    visit = hospital.terminal.visit("A2-47", bureau.phone(bureau.register(address="sandbox-uninsured")).code())["visit"]
    with refused("wrong_flow", 422):
        hospital.register(visit, "inpatient")
