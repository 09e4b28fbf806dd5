import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator

from ecard.app import openapi_document
from ecard.catalogue.load import load
from ecard.catalogue.model import Strength
from ecard.cli.openapi import openapi
from ecard.errors import catalogue

COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(openapi_document())
COMPONENTS: dict[str, Any] = DOCUMENT["components"]


class Operation(NamedTuple):
    method: str
    path: str
    raw: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.raw["operationId"])


OPERATIONS = [
    Operation(method, path, raw) for path, methods in DOCUMENT["paths"].items() for method, raw in methods.items()
]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


def named(name: str) -> dict[str, Any]:
    return next(operation.raw for operation in OPERATIONS if operation.name == name)


def problems(operation: Operation) -> Iterator[tuple[int, list[str]]]:
    for status, answer in operation.raw["responses"].items():
        problem = answer.get("content", {}).get("application/problem+json")
        if problem:
            yield int(status), problem["schema"]["allOf"][1]["properties"]["code"]["enum"]


def codes(operation: Operation) -> set[str]:
    return {code for _, alike in problems(operation) for code in alike}


def bodies(operation: Operation) -> Iterator[dict[str, Any]]:
    for holder in (operation.raw.get("requestBody", {}), *operation.raw["responses"].values()):
        yield from holder.get("content", {}).values()


def faults(schema: dict[str, Any], value: object) -> list[str]:
    checked = OAS31Validator({**schema, "components": COMPONENTS}, format_checker=oas31_format_checker)
    return [fault.message for fault in checked.iter_errors(value)]


# ---- the file -------------------------------------------------------------------------------------------


def test_the_committed_document_is_what_the_code_says() -> None:
    assert COMMITTED.read_bytes() == openapi_document()


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_the_document_does_not_depend_on_the_order_of_hashes() -> None:
    program = "import sys; from ecard.app import openapi_document; sys.stdout.buffer.write(openapi_document())"
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    made = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
    assert made.stdout == openapi_document()


def test_export_writes_what_check_accepts_and_check_refuses_a_stale_file(tmp_path: Path) -> None:
    file = tmp_path / "made" / "openapi.json"
    run = CliRunner().invoke
    assert run(openapi, ["check", "--file", str(file)]).exit_code == 1
    assert run(openapi, ["export", "--file", str(file)]).exit_code == 0
    assert run(openapi, ["check", "--file", str(file)]).exit_code == 0
    file.write_bytes(file.read_bytes() + b"\n")
    stale = run(openapi, ["check", "--file", str(file)])
    assert stale.exit_code == 1
    assert "make openapi" in stale.output


# ---- every operation ------------------------------------------------------------------------------------


def test_operations_have_names_of_their_own_and_inner_ones_are_not_shown() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names) >= 44
    assert "/metrics" not in DOCUMENT["paths"]
    assert not any(path.startswith("/docs") for path in DOCUMENT["paths"])


@every_operation
def test_an_operation_says_what_it_does(operation: Operation) -> None:
    assert set(operation.raw["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}
    assert 5 < len(operation.raw["summary"]) < 120
    assert len(operation.raw["description"]) > 20


@every_operation
def test_an_operation_names_its_caller(operation: Operation) -> None:
    caller, role = operation.raw.get("x-caller"), operation.raw.get("x-role")
    assert operation.raw["security"] == ([{caller: [role] if role else []}] if caller else [])
    assert (role is not None) == (caller == "operator")
    assert caller is None or caller in COMPONENTS["securitySchemes"]
    assert ("signature_missing" in codes(operation)) == (caller is not None)
    assert ("wrong_caller" in codes(operation)) == (caller not in {None, "key"})


def test_only_what_everybody_may_read_is_public() -> None:
    public = {operation.name for operation in OPERATIONS if not operation.raw["security"]}
    certificates = {"credential_bundle", "credential_key", "credential_keys", "credential_status"}
    claims = {"claim_issuer", "claim_status", "claim_types"}
    bundles = {"bundle_get", "jwks_get", "benefit_notices", "document_bundle", "document_check"}
    assert public == {"catalogue_item", "catalogue_list", "health_get", "ready_get"} | bundles | certificates | claims


@every_operation
def test_an_operation_declares_problems_of_the_catalogue_only_with_their_status_and_both_titles(
    operation: Operation,
) -> None:
    known = {error.code: error for error in catalogue()}
    found = list(problems(operation))
    assert (500, ["internal_error"]) in found
    for status, alike in found:
        said = operation.raw["responses"][str(status)]["description"]
        assert alike == sorted(set(alike))
        for code in alike:
            assert known[code].status == status
            assert f"`{code}` {known[code].title.zh} · {known[code].title.en}" in said


@every_operation
def test_every_answer_has_a_request_id(operation: Operation) -> None:
    for answer in operation.raw["responses"].values():
        assert answer["headers"]["Request-Id"] == {"$ref": "#/components/headers/Request-Id"}


@every_operation
def test_an_answer_that_says_come_back_says_when(operation: Operation) -> None:
    for status, alike in problems(operation):
        waits = {"too_many_requests", "unavailable", "idempotency_in_flight", "password_locked"} & set(alike)
        if waits or status == 503:
            assert "Retry-After" in operation.raw["responses"][str(status)]["headers"]


@every_operation
def test_no_parameter_of_the_address_may_be_null(operation: Operation) -> None:
    for parameter in operation.raw.get("parameters", []):
        assert "$ref" in parameter or "type" in parameter["schema"]


def test_creating_calls_take_an_idempotency_key() -> None:
    shared = {"$ref": "#/components/parameters/Idempotency-Key"}
    takes = {operation.name for operation in OPERATIONS if shared in operation.raw.get("parameters", [])}
    creating = {operation.name for operation in OPERATIONS if "201" in operation.raw["responses"]}
    # A session, a certificate and a bridge's token are handed out; nothing is kept of them.
    assert takes == creating - {"session_open", "code_certificate_issue", "bridge_token"}
    assert all("idempotency_key_reused" in codes(operation) for operation in OPERATIONS if operation.name in takes)


def test_a_visit_documents_the_scope_and_purpose_of_every_item() -> None:
    items = load().items
    scopes = named("visit_create")["x-scopes"]
    assert list(scopes) == [f"ecard_item:{item.code}" for item in items]
    assert len(scopes) == 192
    assert scopes["ecard_item:A1-01"] == f"{items[0].purpose.zh} · {items[0].purpose.en}"


def test_a_visit_declares_every_reason_that_a_scan_is_refused_for() -> None:
    visit = next(operation for operation in OPERATIONS if operation.name == "visit_create")
    reasons = {error.code for error in catalogue() if error.code.startswith("code_")} - {"code_refused"}
    assert len(reasons) > 8
    assert reasons | {"number_unknown", "too_many_requests"} <= codes(visit)


def test_codes_are_also_drawn() -> None:
    drawn = set(named("codes_issue")["responses"]["200"]["content"])
    assert drawn == {"application/json", "text/plain", "image/svg+xml", "image/png"}


# ---- schemas and examples -------------------------------------------------------------------------------


@every_operation
def test_every_body_has_an_example_and_each_fits_its_schema(operation: Operation) -> None:
    for body in bodies(operation):
        if body["schema"] == {"type": "string"}:
            continue
        assert body["examples"]
        for name, example in body["examples"].items():
            shown = COMPONENTS["examples"][example["$ref"].rpartition("/")[2]] if "$ref" in example else example
            assert faults(body["schema"], shown["value"]) == [], name


def test_no_example_is_left_that_no_operation_shows() -> None:
    text = COMMITTED.read_text("utf-8")
    # A list shows its member's example within its own.
    lists = set(re.findall(r'"items": \{\s*"\$ref": "#/components/schemas/(\w+)"', text))
    for name in COMPONENTS["examples"].keys() - lists:
        assert f'"#/components/examples/{name}"' in text, name


def test_a_request_body_refuses_unknown_fields_at_every_depth() -> None:
    todo = [body["schema"] for operation in OPERATIONS for body in _requests(operation)]
    seen = set()
    while todo:
        one = todo.pop()
        todo.extend(one.get("anyOf", ()))
        reference = one.get("$ref")
        if reference is None or reference in seen:
            continue
        seen.add(reference)
        schema = COMPONENTS["schemas"][reference.rpartition("/")[2]]
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False, reference
            todo.extend(schema["properties"].values())
    assert "#/components/schemas/CodeEvidence" in seen


def _requests(operation: Operation) -> Iterator[dict[str, Any]]:
    yield from operation.raw.get("requestBody", {}).get("content", {}).values()


def test_an_answer_may_grow_a_field() -> None:
    assert "additionalProperties" not in COMPONENTS["schemas"]["VisitAnswer"]


def test_schemas_are_described_by_their_docstrings() -> None:
    for name, schema in COMPONENTS["schemas"].items():
        assert schema.get("description"), name
        assert "Struct" not in schema["description"], name


def test_an_enumeration_keeps_its_order() -> None:
    assert COMPONENTS["schemas"]["Strength"]["enum"] == [strength.value for strength in Strength]


def test_the_annexes_are_told_apart_by_a_discriminator() -> None:
    items = named("catalogue_list")["responses"]["200"]["content"]["application/json"]["schema"]["items"]
    assert items["discriminator"]["propertyName"] == "annex"
    assert len(items["anyOf"]) == 3
