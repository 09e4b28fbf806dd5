"""Each check of classes and audits finds the break that it is for."""

from uuid import UUID

import pytest

from ecard.settings import Settings
from tests.bank import Bank
from tests.bureau import Bureau, rows
from tests.pay.ledger.checking import broken, checked
from tests.school import School, audit, learner, scheme, second
from tests.training import FACE


@pytest.fixture(scope="module")
def class_(bureau: Bureau, bank_house: Bank) -> UUID:
    """A class with a learner whose completion passed and whose own share waits to be paid."""
    del bank_house
    school, programme = School(bureau), scheme(bureau)
    made = school.open(programme)
    phone, voucher = learner(programme, class_=made)
    school.check_in(made, phone.code("voucher"))
    completion = school.complete(made, voucher)["id"]
    audit(bureau.training, completion, amount=FACE - 1)
    audit(second(bureau), completion)
    other, second_voucher = learner(programme, class_=school.open(programme, fee=FACE + 1), level=2)
    other.call("POST", "/v1/me/tuitions", {"voucher": second_voucher})
    return UUID(made)


_TAKEN = "UPDATE training_class SET taken = taken + {by} WHERE id = $1"
_OWN = "UPDATE tuition SET fee = fee + {by}, own = own + {by} WHERE state = 'open' AND $1::uuid IS NOT NULL"
_ASKED = "UPDATE completion SET amount = amount + {by} WHERE class = $1"
_SITS = "UPDATE enrolment SET class = class, holder = {by} WHERE class = $1"
_CASES = {
    "T1": (_TAKEN.format(by=1), _TAKEN.format(by=-1)),
    "T2": (
        _SITS.format(by="(SELECT h.id FROM holder h WHERE h.id <> holder LIMIT 1)"),
        _SITS.format(by="(SELECT v.holder FROM voucher v WHERE v.id = voucher)"),
    ),
    "T3": (_OWN.format(by=1), _OWN.format(by=-1)),
    "T4": (_ASKED.format(by=-2), _ASKED.format(by=2)),
}
"""What breaks an invariant, and what makes it whole again: the database is the whole session's."""


@pytest.mark.parametrize("code", _CASES)
def test_a_break_is_named(settings: Settings, class_: UUID, code: str) -> None:
    breaks, mends = _CASES[code]
    rows(settings, breaks, class_)
    try:
        assert broken(settings).startswith(code)
    finally:
        rows(settings, mends, class_)
    checked(settings)
