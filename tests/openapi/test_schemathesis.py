"""Every operation against generated requests: what it answers is what the committed document says."""

import itertools
import json
from functools import cache
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from requests.auth import AuthBase
from schemathesis import Case, GenerationMode
from schemathesis.checks import allow_header_conformance, positive_data_acceptance
from schemathesis.core.result import Ok

from ecard import signatures
from ecard.client import Session
from ecard.signatures import Call
from tests.bureau import Bureau
from tests.openapi.good import GOOD
from tests.openapi.observed import COMMITTED, declared, observed, undeclared
from tests.openapi.request import Good

pytestmark = pytest.mark.usefixtures("bank_house")
"""A good request of payment finds a bank."""

document = json.loads(COMMITTED.read_bytes())
# Generated requests, without one for each corner of each schema: those are ten thousand, and what reads a body
# has tests of its own corners.
generating = schemathesis.Config.from_dict({"phases": {"coverage": {"enabled": False}}})
api = schemathesis.openapi.from_dict(document, config=generating)
operations = [found.ok() for found in api.get_all_operations() if isinstance(found, Ok)]
# The same without security: what signs is the test itself, so no signature is to be generated or left out.
signed_api = schemathesis.openapi.from_dict(
    {
        **document,
        "paths": {
            path: {method: {**operation, "security": []} for method, operation in methods.items()}
            for path, methods in document["paths"].items()
        },
    },
    config=generating,
)
generated = settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,  # a red build is red for everybody
    suppress_health_check=list(HealthCheck),
)
stopped_at_the_door = settings(generated, max_examples=4)
excluded = [
    positive_data_acceptance,  # a well-formed request may be refused: an id that was made up is nobody's
    allow_header_conformance,  # the framework's answer to OPTIONS forgets the second handler of a path
]
_counter = itertools.count()


class Signed(AuthBase):
    """Signs a request as it goes out: in the caller's session, or (for opening one) with its registered key."""

    def __init__(self, caller: Session, *, by_key: bool) -> None:
        self._caller = caller
        self._by_key = by_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        path, _, query = request.path_url.partition("?")
        body: Any = request.body or b""
        content = body.encode() if isinstance(body, str) else body
        key: Any = request.headers.get("Idempotency-Key")
        call = Call(str(request.method), path, query, content, key)
        request.headers.update(self._by_own_key(call) if self._by_key else self._caller.sign(call))
        return request

    def _by_own_key(self, call: Call) -> dict[str, str]:
        signer = self._caller.signer
        return signatures.sign(
            call,
            keyid=str(self._caller.actor),
            algorithm=signatures.ALGORITHM_OF[signer.suite],
            created=int(self._caller.now()),
            by=signer.sign,
        )


def _auth(name: str, good: Good) -> Signed | None:
    return Signed(good.caller, by_key=name == "session_open") if good.caller else None


def _name(operation: Any) -> str:
    return str(operation.definition.raw["operationId"])


@pytest.mark.parametrize("operation", operations, ids=_name)
def test_an_operation_does_its_work_as_documented(operation: Any, bureau: Bureau) -> None:
    good = GOOD[_name(operation)](bureau)
    case = operation.Case(
        path_parameters=good.path or {},
        headers={"Idempotency-Key": f"work-{next(_counter)}"},
        **({"body": good.body, "media_type": "application/json"} if good.body is not None else {}),
    )
    answer = case.call_and_validate(
        base_url=bureau.base_url, auth=_auth(_name(operation), good), excluded_checks=excluded
    )
    assert answer.status_code in {200, 201, 204}


def _half_right(case: Case[Any], good: Good, choice: int) -> None:
    """Give some of the values that an operation would fulfil to a generated request, so that it gets further."""
    if isinstance(case.body, dict) and good.body is not None:
        for place, (field, value) in enumerate(good.body.items()):
            if choice >> place & 1:
                case.body[field] = value
    if good.path is not None and choice % 3:
        case.path_parameters.update(good.path)


@signed_api.parametrize()
@generated
def test_no_signed_request_is_answered_otherwise_than_documented(case: Case[Any], bureau: Bureau) -> None:
    name = _name(case.operation)
    good = _standing(bureau, name)
    number = next(_counter)
    if case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE and number % 2:
        _half_right(case, good, number // 2)
    case.call_and_validate(base_url=bureau.base_url, auth=_auth(name, good), excluded_checks=excluded)


@api.parametrize()
@stopped_at_the_door
def test_no_unsigned_request_is_answered_otherwise_than_documented(case: Case[Any], bureau: Bureau) -> None:
    answer = case.call_and_validate(base_url=bureau.base_url, excluded_checks=excluded)
    if case.operation.definition.raw["security"] and case.method == case.operation.method.upper():
        assert 400 <= answer.status_code < 500


@cache
def _standing(bureau: Bureau, name: str) -> Good:
    """Return one good request of an operation, to take caller and values from."""
    return GOOD[name](bureau)


def test_every_kind_of_answer_seen_here_is_declared() -> None:
    seen = observed() & declared()
    assert {one.operation for one in seen if one.status.startswith("2")} == set(GOOD)
    assert undeclared() == set()
