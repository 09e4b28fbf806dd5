"""脱网记录 A2-52: taken down with the physical card, settled late and once; what is refused is the patient's debt."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from ecard.client import Phone
from ecard.client.medical import fee, pay
from tests.bank import Bank
from tests.bureau import PASSWORD, Bureau, Person, outcomes, refused, rows
from tests.hospital import Hospital, Outpost, account, day_ago, legs, reconciled
from tests.shop import new_number

_FEES = [fee(20_000)]


@pytest.fixture(scope="module")
def outpost(bureau: Bureau) -> Outpost:
    return Outpost(bureau, Hospital(bureau, grade="primary"))


def _phone(bureau: Bureau, person: Person) -> Phone:
    return bureau.phone(person, level=2)


def test_a_record_is_settled_late_and_once(outpost: Outpost, bureau: Bureau) -> None:
    person, card = outpost.patient()
    visit, number = outpost.visit(card), new_number()
    record: Callable[[], dict[str, Any]] = lambda: outpost.hospital.record(  # noqa: E731 - the same words again
        visit, "outpatient", _FEES, day=day_ago(1), paid=20_000, number=number
    )
    kept = record()
    assert (kept["state"], kept["legs"]) == ("recorded", [])
    assert record()["id"] == kept["id"]
    with refused("medical_record_differs", 409):
        outpost.hospital.record(visit, "outpatient", _FEES, day=day_ago(1), paid=19_999, number=number)
    settled = outpost.hospital.upload_record(kept)
    assert (settled["state"], legs(settled)) == ("confirmed", {"personal": 5_000, "cash": 15_000})
    assert settled["give_back"] == 5_000  # the till had taken it all
    counted = outcomes([lambda: outpost.hospital.upload_record(kept)] * 8)
    assert counted == {"ok": 8}
    assert record()["state"] == "confirmed"
    mine = account(_phone(bureau, person))
    assert (mine["balance"], mine["years"][0]["deductible"]) == (0, 20_000)
    reconciled(bureau)


def test_what_was_not_paid_off_line_is_owed(outpost: Outpost, bureau: Bureau, bank: Bank) -> None:
    del bank
    person, card = outpost.patient()
    settled = outpost.hospital.upload_record(outpost.record(card, paid=10_000))
    assert (settled["state"], settled["debt"], settled["cash_due"]) == ("confirmed", 5_000, 5_000)
    phone = _phone(bureau, person)
    pay(phone, outpost.hospital.cash(settled, "order"), PASSWORD)
    assert "cash_due" not in outpost.hospital.settlement(settled)
    reconciled(bureau)


def test_a_record_that_is_refused_is_the_patients_debt_until_it_is_paid(outpost: Outpost, bureau: Bureau) -> None:
    person, card = outpost.patient()
    record = outpost.record(card, paid=500, fees=[fee(2_000, code="SANDBOX-REFUSED")])
    refusal = outpost.hospital.upload_record(record)
    assert (refusal["state"], refusal["debt"], refusal["refusal"]) == ("debt", 1_500, "item_not_allowed")
    assert outpost.hospital.upload_record(record)["state"] == "debt"
    assert account(_phone(bureau, person))["balance"] == 5_000
    assert bureau.settings is not None
    owed = "SELECT balance FROM account_balance WHERE book = 'patient_debt' AND owner = $1"
    holder = rows(bureau.settings, "SELECT holder FROM medical_encounter WHERE id::text = $1", record["encounter"])
    assert rows(bureau.settings, owed, str(holder[0]["holder"]))[0]["balance"] == -1_500
    reconciled(bureau)
    assert outpost.hospital.cash(refusal, "till")["state"] == "rejected"
    assert rows(bureau.settings, owed, str(holder[0]["holder"]))[0]["balance"] == 0
    reconciled(bureau)


def test_a_record_is_of_a_day_and_an_amount_that_may_be(outpost: Outpost) -> None:
    _, card = outpost.patient()
    for wrong, pointer in (
        ({"day": day_ago(31), "paid": 0}, "/recorded_on"),
        ({"day": day_ago(-1), "paid": 0}, "/recorded_on"),
        ({"paid": 20_001}, "/paid"),
    ):
        with refused("medical_record_refused", 422) as refusal:
            outpost.record(card, **wrong)
        assert refusal.value.problem["pointer"] == pointer
    visit = outpost.visit(card)
    with refused("wrong_flow"):
        outpost.hospital.register(visit, "outpatient")


def test_a_physical_card_settles_as_an_electronic_one_does(outpost: Outpost, bureau: Bureau) -> None:
    _, card = outpost.patient()
    settled = outpost.hospital.settle(outpost.visit(card, "A2-54"), "outpatient", _FEES, phone=None)
    assert settled["state"] == "confirmed"
    reconciled(bureau)


def test_a_record_that_the_bridge_queued_while_cut_off_is_settled_for_the_card_that_it_read(
    outpost: Outpost, bureau: Bureau
) -> None:
    person, card = outpost.patient()
    number, made_at = new_number(), f"{day_ago(1)}T02:00:00Z"
    made = {"institution": "H0001", "serial": number, "settled_at": made_at}
    record = {
        "id": str(uuid4()),
        "seq": 1,
        "item": "A2-52",
        "made_at": made_at,
        "card_id": card.data.card_id.hex().upper(),
    }
    queued = {**record, "settlement": {**made, "total": 20_000, "fund": 0, "account": 0, "cash": 20_000}}
    outpost.counter.line.say("queued", record=queued)
    assert outpost.counter.line.next("kept")["id"] == record["id"]
    said: dict[str, Any] = {"day": day_ago(1), "number": number, "kept": record["id"]}
    with refused("medical_record_differs", 409):
        outpost.hospital.record(None, "outpatient", _FEES, paid=19_999, **said)
    with refused("not_found", 404):
        outpost.hospital.record(None, "outpatient", _FEES, paid=20_000, **{**said, "kept": str(uuid4())})
    with refused("invalid_request", 400):
        outpost.hospital.record(outpost.visit(card), "outpatient", _FEES, paid=20_000, **said)
    kept = outpost.hospital.record(None, "outpatient", _FEES, paid=20_000, **said)
    assert outpost.hospital.record(None, "outpatient", _FEES, paid=20_000, **said)["id"] == kept["id"]
    assert outpost.hospital.upload_record(kept)["state"] == "confirmed"
    assert account(_phone(bureau, person))["balance"] == 0
    reconciled(bureau)
