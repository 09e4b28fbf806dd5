"""Names of the OpenID Foundation's conformance modules, as ids of our tests.

A test says in its own name what the server promises, and in its id which module asks for it, so that
`pytest tests/auth/conformance -k oidcc-codereuse` runs that module's. docs/conformance.md lists them all.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent


def module(name: str) -> pytest.MarkDecorator:
    """Give a test the id of one module."""
    return pytest.mark.parametrize((), [pytest.param(id=name)])


def modules(argument: str, cases: Mapping[str, Any]) -> pytest.MarkDecorator:
    """Give a test the ids of several modules, and each of them its own value of `argument`."""
    return pytest.mark.parametrize(argument, [pytest.param(value, id=name) for name, value in cases.items()])


def of_each(prefix: str, argument: str, cases: Mapping[str, Any]) -> pytest.MarkDecorator:
    """Do as `modules`, where all names begin with `prefix`."""
    return modules(argument, {prefix + name: value for name, value in cases.items()})


def registered() -> list[tuple[str, str]]:
    """Return each module's name with the name of the file that tests it, one for each test."""
    found = []
    for path in sorted(HERE.glob("test_*.py")):
        held = importlib.import_module(f"tests.auth.conformance.{path.stem}")
        found += [(name, path.name) for test in _tests(held) for name in _ids(test)]
    return found


def _tests(held: ModuleType) -> list[Any]:
    return [thing for name, thing in vars(held).items() if name.startswith("test_")]


def _ids(test: Any) -> list[str]:
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    assert len(marks) == 1, f"{test.__name__} names no module, or more than one list of them"
    return [str(case.id) for case in marks[0].args[1]]
