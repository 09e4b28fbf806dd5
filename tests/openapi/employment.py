"""Requests that the operations of certificates of employment fulfil."""

from collections.abc import Callable, Mapping

from ecard.client.employment import record
from tests.bureau import Bureau
from tests.openapi.request import Good

FIELDS = {"certificate_no": "11990020260001", "status": "1", "employer": "测试厂"}


def _visit(bureau: Bureau) -> str:
    return str(bureau.terminal().visit("A1-04", bureau.phone().code())["visit"])


def _recorded(bureau: Bureau) -> Good:
    visit = _visit(bureau)
    record(bureau.terminal(), visit, FIELDS)
    return Good(bureau.terminal(), path={"visit": visit})


EMPLOYMENT: Mapping[str, Callable[[Bureau], Good]] = {
    "employment_record": lambda bureau: Good(bureau.terminal(), {"visit": _visit(bureau), "certificate": FIELDS}),
    "employment_certificate": _recorded,
    "my_employment_certificates": lambda bureau: Good(bureau.phone()),
}
