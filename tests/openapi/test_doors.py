import json
from collections.abc import Callable, Mapping

import pytest

from ecard.client import Refused, Session
from tests.bureau import Bureau
from tests.openapi.good import GOOD
from tests.openapi.observed import COMMITTED

pytestmark = pytest.mark.usefixtures("bank_house")
"""A good request of payment finds a bank."""

OPERATIONS = {
    raw["operationId"]: (method.upper(), path, raw)
    for path, methods in json.loads(COMMITTED.read_bytes())["paths"].items()
    for method, raw in methods.items()
}
CLOSED = sorted(name for name, (_, _, raw) in OPERATIONS.items() if raw.get("x-caller", "key") != "key")
BY_ROLE = sorted(name for name, (_, _, raw) in OPERATIONS.items() if "x-role" in raw)


def test_every_operation_has_a_good_request() -> None:
    assert set(GOOD) == set(OPERATIONS)


@pytest.mark.parametrize("name", CLOSED)
def test_an_operation_admits_only_the_kind_of_caller_that_the_document_names(name: str, bureau: Bureau) -> None:
    method, path, raw = OPERATIONS[name]
    good = GOOD[name](bureau)
    others: Mapping[str, Callable[[], Session]] = {
        "holder": bureau.phone,
        "terminal": bureau.terminal,
        "channel": lambda: bureau.channel,
        "operator": lambda: bureau.security,
    }
    for kind in others.keys() - {raw["x-caller"]}:
        with pytest.raises(Refused) as refused:
            others[kind]().call(method, path.format(**good.path or {}), good.body)
        assert (refused.value.code, refused.value.problem["required"]) == ("wrong_caller", raw["x-caller"])


@pytest.mark.parametrize("name", BY_ROLE)
def test_an_operation_admits_only_operators_of_the_role_that_the_document_names(name: str, bureau: Bureau) -> None:
    method, path, raw = OPERATIONS[name]
    good = GOOD[name](bureau)
    for role in bureau.operators.keys() - {raw["x-role"]}:
        with pytest.raises(Refused) as refused:
            bureau.operators[role].call(method, path.format(**good.path or {}), good.body)
        assert (refused.value.code, refused.value.problem["required"]) == ("wrong_role", raw["x-role"])
