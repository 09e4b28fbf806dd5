"""What was settled goes back leg by leg: a part or all of it, to every payer, never more than there was."""

from ecard.client.medical import fee
from tests.bank import Bank
from tests.bureau import PASSWORD, Bureau, refused, rows
from tests.hospital import HERE, STAY, THERE, Hospital, account, legs, patient, reconciled


def test_a_part_and_the_rest_go_back_to_every_payer(hospital: Hospital, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone = patient(bureau, f"{HERE},employee,account=50000")
    settled = hospital.settle(hospital.visit(phone), "inpatient", STAY, phone=phone, password=PASSWORD)
    assert legs(settled) == {"pooled": 36_800, "personal": 50_000, "cash": 63_200}
    part = hospital.reverse(settled, 50_001, number="R-1")
    assert (part["state"], sum(part["parts"])) == ("done", 50_001)
    assert part["parts"] == [12_267, 0, 0, 0, 0, 16_667, 21_067]
    assert hospital.reverse(settled, 50_001, number="R-1") == part  # a retry
    with refused("medical_reversal_no_used", 409):
        hospital.reverse(settled, 50_000, number="R-1")
    with refused("medical_over_reversal", 409) as refusal:
        hospital.reverse(settled, 100_000)
    assert refusal.value.problem["remaining"] == 99_999
    hospital.reverse(settled, 99_999)
    seen = phone.call("GET", f"/v1/me/medical/settlements/{settled['id']}").json()
    assert (seen["state"], [leg["amount"] - leg["reversed"] for leg in seen["legs"]]) == ("reversed", [0] * 7)
    assert account(phone)["balance"] == 50_000
    assert [account(phone)["years"][0][name] for name in ("deductible", "eligible", "pooled")] == [0, 0, 0]
    order = phone.call("GET", f"/v1/me/orders/{settled['order']}").json()
    assert (order["state"], order["refunded"]) == ("refunded", 63_200)
    # The segment may be settled anew.
    visit = hospital.visit(phone)
    assert hospital.trial({"id": settled["encounter"]}, visit)["state"] == "precalc"
    reconciled(bureau)


def test_what_an_institution_no_longer_has_is_not_taken_back(bureau: Bureau) -> None:
    poor = Hospital(bureau)
    settled = poor.confirm(poor.tried(poor.visit(patient(bureau)), "inpatient", STAY))
    assert bureau.settings is not None
    sql = """
        SELECT ledger_hold(m.payable, (SELECT available FROM account_balance WHERE id = m.payable), 'test', m.agency)
        FROM merchant m WHERE m.agency = $1
    """
    rows(bureau.settings, sql, poor.agency)
    with refused("medical_institution_short", 409):
        poor.reverse(settled, 1_000)
    assert poor.settlement(settled)["reversed"] == 0
    reconciled(bureau)


def test_patients_of_another_region_are_netted_to_one_payment_a_pair(
    hospital: Hospital, elsewhere: Hospital, bureau: Bureau
) -> None:
    bureau.finance.call("POST", "/v1/medical/nettings")
    guest, host = patient(bureau, f"{THERE},employee"), patient(bureau, f"{HERE},employee")
    # 示例二市 pays for its patient here, 示例一市 for its patient there.
    here = hospital.settle(hospital.visit(guest), "inpatient", [fee(1_000_000)], phone=None)
    there = elsewhere.settle(elsewhere.visit(host), "inpatient", [fee(500_000)], phone=None)
    assert (here["region_care"], here["region_insured"]) == (HERE, THERE)
    elsewhere.reverse(there, 100_000)
    owed_by_b = legs(here)["pooled"]
    owed_by_a = legs(there)["pooled"] - legs(there)["pooled"] // 5
    [netted, *_] = bureau.finance.call("POST", "/v1/medical/nettings").json()
    assert (netted["a"], netted["b"]) == (HERE, THERE)
    assert (netted["owed_by_a"], netted["owed_by_b"]) == (owed_by_a, owed_by_b)
    assert netted["net"] == owed_by_a - owed_by_b
    assert bureau.settings is not None
    open_pairs = "SELECT balance FROM account_balance WHERE book = 'region_clearing' AND balance <> 0"
    assert rows(bureau.settings, open_pairs) == []
    before = bureau.finance.call("GET", "/v1/medical/nettings").json()
    assert bureau.finance.call("POST", "/v1/medical/nettings").json() == before  # nothing is open
    reconciled(bureau)


def test_a_pair_is_netted_by_itself_once_a_day(elsewhere: Hospital, bureau: Bureau) -> None:
    assert bureau.settings is not None
    rows(bureau.settings, "SELECT medical_net()")
    host = patient(bureau, f"{HERE},employee")
    elsewhere.settle(elsewhere.visit(host), "inpatient", [fee(500_000)], phone=None)
    [first] = rows(bureau.settings, "SELECT medical_net() AS pairs")
    [second] = rows(bureau.settings, "SELECT medical_net() AS pairs")
    assert first["pairs"] + second["pairs"] <= 1
    bureau.finance.call("POST", "/v1/medical/nettings")


def test_cash_that_the_till_took_goes_back_there(hospital: Hospital, bureau: Bureau) -> None:
    phone = patient(bureau, f"{HERE},resident")
    settled = hospital.settle(hospital.visit(phone), "outpatient", [fee(1_000)], phone=None)
    assert hospital.cash(settled, "till", amount=1_000)["state"] == "confirmed"  # a retry
    with refused("medical_nothing_due", 409):
        hospital.cash(settled, "till", amount=1)
    assert hospital.reverse(settled, 1_000)["parts"] == [0, 0, 0, 0, 0, 0, 1_000]
    assert "order" not in hospital.settlement(settled)
    reconciled(bureau)
