"""For every operation of medical settlement a request that it fulfils (`good.py` has the others)."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ecard.client import Phone
from ecard.client.medical import fee
from pay.medical.items import sandbox_rules
from tests.bureau import Bureau
from tests.hospital import HERE, Hospital, Outpost, day_ago, patient, sealed
from tests.openapi.request import Good
from tests.shop import new_number

_FEES = [fee(1_000)]


@cache
def _hospital(bureau: Bureau) -> Hospital:
    return Hospital(bureau)


@cache
def _patient(bureau: Bureau) -> Phone:
    """Return a patient who pays everything in cash."""
    return patient(bureau, f"{HERE},resident")


def _visit(bureau: Bureau) -> str:
    return _hospital(bureau).visit(_patient(bureau))


def _good(bureau: Bureau, body: dict[str, Any] | None = None, **path: str) -> Good:
    return Good(_hospital(bureau).terminal, body, path)


def _registration(bureau: Bureau) -> Good:
    return _good(bureau, {"visit": _visit(bureau), "care": "outpatient"})


def _encounter(bureau: Bureau) -> tuple[dict[str, Any], str]:
    visit = _visit(bureau)
    return _hospital(bureau).register(visit, "outpatient"), visit


def _fees(bureau: Bureau) -> Good:
    return _good(bureau, {"fees": _FEES, "total": 1_000}, encounter=_encounter(bureau)[0]["id"], segment="1")


def _trial(bureau: Bureau) -> Good:
    encounter, visit = _encounter(bureau)
    _hospital(bureau).upload(encounter, _FEES)
    return _good(bureau, {"visit": visit, "segment": 1}, encounter=encounter["id"])


def _tried(bureau: Bureau) -> dict[str, Any]:
    return _hospital(bureau).tried(_visit(bureau), "outpatient", _FEES)


def _confirmed(bureau: Bureau) -> Good:
    tried = _tried(bureau)
    _hospital(bureau).cash(tried, "till")
    return _good(bureau, {"split": tried["split"]}, settlement=tried["id"])


def _mine(bureau: Bureau) -> Good:
    phone, hospital = patient(bureau, f"{HERE},resident"), _hospital(bureau)
    settled = hospital.settle(hospital.visit(phone), "outpatient", _FEES, phone=None)
    sealed(phone, settled)
    return Good(phone, path={"settlement": settled["id"]})


def _designated(bureau: Bureau) -> Good:
    agency = str(_hospital(bureau).agency)
    return Good(bureau.finance, {"region": HERE, "grade": "tertiary"}, {"agency": agency})


def _settled(bureau: Bureau) -> dict[str, Any]:
    return _hospital(bureau).settle(_visit(bureau), "outpatient", _FEES, phone=None)


@cache
def _outpost(bureau: Bureau) -> Outpost:
    return Outpost(bureau, Hospital(bureau))


def _record(bureau: Bureau) -> Good:
    outpost = _outpost(bureau)
    visit = outpost.visit(outpost.patient()[1])
    said = {"visit": visit, "record_no": new_number(), "recorded_on": day_ago(), "care": "outpatient"}
    return Good(outpost.hospital.terminal, {**said, "fees": _FEES, "total": 1_000, "paid": 0})


def _recorded(bureau: Bureau) -> Good:
    outpost = _outpost(bureau)
    record = outpost.record(outpost.patient()[1], paid=0)
    return Good(outpost.hospital.terminal, path={"record": record["id"]})


GOOD: Mapping[str, Callable[[Bureau], Good]] = {
    "medical_cancel": lambda bureau: _good(bureau, settlement=_tried(bureau)["id"]),
    "medical_cash": lambda bureau: _good(bureau, {"by": "till", "amount": 1_000}, settlement=_tried(bureau)["id"]),
    "medical_confirm": _confirmed,
    "medical_fees_put": _fees,
    "medical_institution_put": _designated,
    "medical_net": lambda bureau: Good(bureau.finance),
    "medical_nettings_list": lambda bureau: Good(bureau.finance),
    "medical_record": _record,
    "medical_record_upload": _recorded,
    "medical_register": _registration,
    "medical_reverse": lambda bureau: _good(
        bureau, {"out_reversal_no": new_number(), "amount": 1, "reason": "退费"}, settlement=_settled(bureau)["id"]
    ),
    "medical_rules_list": lambda bureau: Good(bureau.finance),
    "medical_rules_load": lambda bureau: Good(bureau.finance, sandbox_rules()[0]),
    "medical_settlement": lambda bureau: _good(bureau, settlement=_tried(bureau)["id"]),
    "medical_trial": _trial,
    "my_medical_account": lambda bureau: Good(_patient(bureau)),
    "my_medical_receipt": _mine,
    "my_medical_settlement": _mine,
    "my_medical_settlements": lambda bureau: Good(_patient(bureau)),
}
