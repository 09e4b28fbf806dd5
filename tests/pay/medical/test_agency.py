"""An agency that is silent decides nothing: it is asked what became of it until it has said so."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from ecard.client import Phone
from ecard.client.medical import designate, fee
from pay.medical.items import sandbox_rules
from tests.bureau import Bureau, refused, rows
from tests.hospital import Hospital, account, legs, patient, reconciled

REGION = "119903"


class Simulator:
    """A simulated agency of a region of its own."""

    def __init__(self, bureau: Bureau, url: str) -> None:
        self.bureau = bureau
        self.http = httpx.Client(base_url=url, timeout=10)
        body = {**sandbox_rules()[0], "region": REGION, "name": "示例三市", "url": url}
        key = bureau.finance.call("POST", "/v1/medical/rules", body).json()["key"]
        self.http.post("/control/key", json={"key": key}).raise_for_status()
        self.hospital = Hospital(bureau)
        designate(bureau.finance, self.hospital.agency, REGION)

    def fault(self, *faults: dict[str, Any]) -> None:
        """Let the next requests fail."""
        self.http.post("/control/faults", json=list(faults)).raise_for_status()

    def asked(self, settlement: dict[str, Any]) -> int:
        """Return how often it was asked to decide on a settlement."""
        book: dict[str, Any] = self.http.get("/control/book").json()
        return int(book["asked"].get(settlement["id"].replace("-", ""), 0))

    def patient(self) -> Phone:
        """Return a patient whose account pays all."""
        return patient(self.bureau, f"{REGION},employee,account=900000")

    def tried(self, phone: Phone, code: str = "110200001") -> dict[str, Any]:
        """Return a trial."""
        return self.hospital.tried(self.hospital.visit(phone), "outpatient", [fee(10_000, code=code)])

    def ended(self, settlement: dict[str, Any], *states: str) -> dict[str, Any]:
        """Return a settlement once it has come to one of `states`; what waits is asked about now."""
        assert self.bureau.settings is not None
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            rows(self.bureau.settings, "UPDATE medical_ask SET next_check_at = now() WHERE next_check_at IS NOT NULL")
            found = self.hospital.settlement(settlement)
            if found["state"] in states:
                return found
            time.sleep(0.3)
        raise AssertionError(found)


@pytest.fixture(scope="module")
def simulator(bureau: Bureau) -> Iterator[Simulator]:
    process = subprocess.Popen([sys.executable, "-m", "pay.medical.simulator"], stdout=subprocess.PIPE)
    with contextlib.closing(process.stdout or sys.stdin) as said:
        try:
            made = Simulator(bureau, str(msgspec.json.decode(said.readline())["url"]))
            yield made
            made.http.close()
        finally:
            process.terminate()
            process.wait(10)


@pytest.mark.parametrize("kind", ["lose_reply", "fail", "garble"])
def test_an_agency_that_does_not_answer_is_asked_what_became_of_it(kind: str, simulator: Simulator) -> None:
    phone = simulator.patient()
    tried = simulator.tried(phone)
    simulator.fault({"kind": kind, "on": "request"}, {"kind": "fail", "on": "query"})
    waiting = simulator.hospital.confirm(tried)
    assert waiting["state"] == "confirming"
    assert (account(phone)["balance"], account(phone)["held"]) == (900_000, 10_000)
    assert simulator.hospital.confirm(tried)["state"] == "confirming"  # asked for again, and sent no second time
    with refused("medical_not_waiting", 409):
        simulator.hospital.cancel(tried)
    with refused("medical_not_confirmed", 409):
        simulator.hospital.reverse(tried, 1)
    settled = simulator.ended(tried, "confirmed")
    assert legs(settled) == {"personal": 10_000}
    assert simulator.asked(tried) == 1
    assert (account(phone)["balance"], account(phone)["held"]) == (890_000, 0)
    reconciled(simulator.bureau)


def test_a_refusal_that_is_heard_late_gives_all_back(simulator: Simulator) -> None:
    phone = simulator.patient()
    tried = simulator.tried(phone, code="SANDBOX-REFUSED")
    simulator.fault({"kind": "lose_reply", "on": "request"})
    assert simulator.hospital.confirm(tried)["state"] == "confirming"
    assert simulator.ended(tried, "rejected")["refusal"] == "item_not_allowed"
    assert (account(phone)["balance"], account(phone)["held"]) == (900_000, 0)
    reconciled(simulator.bureau)


def test_a_reversal_waits_for_the_agency_too(simulator: Simulator) -> None:
    phone = simulator.patient()
    settled = simulator.hospital.confirm(simulator.tried(phone))
    simulator.fault({"kind": "lose_reply", "on": "request"})
    assert simulator.hospital.reverse(settled, 10_000, number="R1")["state"] == "sent"
    assert account(phone)["balance"] == 890_000
    assert simulator.ended(settled, "reversed")["reversals"][0]["state"] == "done"
    assert account(phone)["balance"] == 900_000
    reconciled(simulator.bureau)


def test_an_answer_that_contradicts_itself_changes_nothing_and_is_noted(simulator: Simulator) -> None:
    settled = simulator.hospital.confirm(simulator.tried(simulator.patient()))
    assert simulator.bureau.settings is not None
    [ask] = rows(simulator.bureau.settings, "SELECT id FROM medical_ask WHERE subject::text = $1", settled["id"])
    for said, outcome in (("ok", "again"), ("unknown", "again"), ("refused", "conflict")):
        sql = "SELECT outcome FROM medical_book($1, $2)"
        assert rows(simulator.bureau.settings, sql, ask["id"], said)[0]["outcome"] == outcome
    noted = "SELECT FROM audit_event WHERE kind = 'medical_answer' AND detail ->> 'ask' = $1"
    assert len(rows(simulator.bureau.settings, noted, str(ask["id"]))) == 1
    assert simulator.hospital.settlement(settled)["state"] == "confirmed"
