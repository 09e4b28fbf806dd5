"""A patient's way: registered, fees, trial, cash first, settled; and what stands in it."""

import pytest

from ecard.client.medical import balances, fee, pay
from tests.bank import Bank
from tests.bureau import PASSWORD, Bureau, refused
from tests.hospital import HERE, STAY, Hospital, account, legs, patient
from tests.shop import receipt_of


@pytest.fixture(scope="module")
def hospital(bureau: Bureau) -> Hospital:
    return Hospital(bureau)


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
