"""Requests that the operations of training fulfil: institutions, classes, check-ins, completions."""

from collections.abc import Callable, Mapping
from functools import cache

from ecard.client import Phone
from tests.bureau import Bureau, new_uscc
from tests.openapi.request import Good
from tests.school import School, learner, scheme
from tests.training import FACE, Programme

_WHY = {"reason": "改期"}


@cache
def _school(bureau: Bureau) -> School:
    return School(bureau)


@cache
def _scheme(bureau: Bureau) -> Programme:
    return scheme(bureau, quantity=500)


@cache
def _class(bureau: Bureau) -> str:
    """Return a class with room for everybody, whose voucher leaves something to pay."""
    return _school(bureau).open(_scheme(bureau), capacity=10_000, fee=FACE + 1, closes_after=4 * 2700)


def _sitting(bureau: Bureau) -> tuple[Phone, str]:
    return learner(_scheme(bureau), class_=_class(bureau))


def _of_class(bureau: Bureau) -> Good:
    return Good(_school(bureau).server, path={"training_class": _class(bureau)})


def _institution(bureau: Bureau) -> Good:
    agency = bureau.registrar.register_agency("测试职业学院", new_uscc())
    return Good(bureau.training, {"agency": str(agency), "kind": "college", "region": "640100"})


def _institution_state(bureau: Bureau) -> Good:
    return Good(bureau.training, {"suspended": False}, {"agency": str(_school(bureau).agency)})


def _class_bound(bureau: Bureau) -> Good:
    phone, _ = learner(_scheme(bureau))
    body = {"item": "A1-73", "evidence": {"kind": "code", "code": phone.code("voucher")}}
    return Good(_school(bureau).counter, body, {"training_class": _class(bureau)})


def _bound(bureau: Bureau) -> Good:
    phone, voucher = learner(_scheme(bureau))
    return Good(phone, {"voucher": voucher, "class": _class(bureau)})


def _class_dropped(bureau: Bureau) -> Good:
    body = {"voucher": _sitting(bureau)[1], **_WHY}
    return Good(_school(bureau).server, body, {"training_class": _class(bureau)})


def _left(bureau: Bureau) -> Good:
    phone, voucher = _sitting(bureau)
    return Good(phone, {"voucher": voucher, **_WHY})


def _tuition(bureau: Bureau) -> Good:
    phone, voucher = _sitting(bureau)
    return Good(phone, {"voucher": voucher})


def _attendance(bureau: Bureau) -> Good:
    phone, _ = _sitting(bureau)
    body = {"item": "A1-73", "evidence": {"kind": "code", "code": phone.code("voucher")}}
    return Good(_school(bureau).counter, body, {"training_class": _class(bureau)})


def _scanned(bureau: Bureau) -> Good:
    phone, _ = _sitting(bureau)
    return Good(phone, {"code": _school(bureau).shown(_class(bureau))})


def _uploaded(bureau: Bureau) -> Good:
    phone, _ = _sitting(bureau)
    line = {"code": phone.code("voucher"), "at": int(phone.now())}
    return Good(_school(bureau).counter, {"lines": [line]}, {"training_class": _class(bureau)})


def _attended(bureau: Bureau) -> tuple[str, str]:
    """Return a class and the voucher of a learner who was there."""
    class_ = _school(bureau).open(_scheme(bureau))
    phone, voucher = learner(_scheme(bureau), class_=class_)
    _school(bureau).check_in(class_, phone.code("voucher"))
    return class_, voucher


def _completed(bureau: Bureau) -> Good:
    class_, voucher = _attended(bureau)
    return Good(_school(bureau).server, {"voucher": voucher}, {"training_class": class_})


def _audited(bureau: Bureau) -> Good:
    completion = _school(bureau).complete(*_attended(bureau))["id"]
    return Good(bureau.training, {"passed": True}, {"completion": completion})


def _seen(bureau: Bureau) -> Good:
    return Good(_school(bureau).server, path={"voucher": _sitting(bureau)[1]})


TRAINING: Mapping[str, Callable[[Bureau], Good]] = {
    "attendance_conflicts": lambda bureau: Good(_school(bureau).server),
    "attendance_create": _attendance,
    "attendance_upload": _uploaded,
    "class_bind": _class_bound,
    "class_code": _of_class,
    "class_drop": _class_dropped,
    "class_get": _of_class,
    "class_open": lambda bureau: Good(_school(bureau).server, _school(bureau).class_body(_scheme(bureau))),
    "class_seats": _of_class,
    "classes_list": lambda bureau: Good(_school(bureau).server),
    "completion_audit": _audited,
    "completion_submit": _completed,
    "completions_list": lambda bureau: Good(bureau.training),
    "institution_register": _institution,
    "institution_state": _institution_state,
    "institutions_list": lambda bureau: Good(bureau.training),
    "my_attendance": _scanned,
    "my_binding": _bound,
    "my_classes": lambda bureau: Good(_sitting(bureau)[0]),
    "my_drop": _left,
    "my_tuition": _tuition,
    "my_tuitions": lambda bureau: Good(_sitting(bureau)[0]),
    "institution_voucher_get": _seen,
    "institution_vouchers_list": lambda bureau: Good(_school(bureau).server),
}
