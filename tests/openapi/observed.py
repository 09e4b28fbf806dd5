"""What the servers of this process have answered so far, by their own counters, against the document."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ecard.observe import REQUESTS
from ecard.problems import MEDIA_TYPE

COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"


class Answer(NamedTuple):
    """A kind of answer: operation id, status, and the problem's code ("" for none)."""

    operation: str
    status: str
    code: str


def observed() -> set[Answer]:
    """Return every kind of answer that an operation has given; the test's own double of one is no operation."""
    samples = next(iter(REQUESTS.collect())).samples
    labels = [one.labels for one in samples if one.name.endswith("_total")]
    return {Answer(one["operation"], one["status"], one["problem"]) for one in labels}


def declared() -> set[Answer]:
    """Return every kind of answer that the committed document declares."""
    return set(_declared(json.loads(COMMITTED.read_bytes())))


def _declared(document: dict[str, Any]) -> Iterator[Answer]:
    for methods in document["paths"].values():
        for operation in methods.values():
            name = operation["operationId"]
            for status, answer in operation["responses"].items():
                problem = answer.get("content", {}).get(MEDIA_TYPE)
                codes = problem["schema"]["allOf"][1]["properties"]["code"]["enum"] if problem else [""]
                yield from (Answer(name, status, code) for code in codes)


def undeclared() -> set[Answer]:
    """Return the answers that were given and not declared, of operations that the document has."""
    known = declared()
    operations = {one.operation for one in known}
    return {one for one in observed() - known if one.operation in operations}
