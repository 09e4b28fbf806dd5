"""At the end of the run: whatever any test has seen an operation answer, the document declares."""

from collections.abc import Iterator

import pytest

from tests.openapi.observed import undeclared


@pytest.fixture(scope="session", autouse=True)
def nothing_undeclared() -> Iterator[None]:
    """Look when everything has run, tests of other folders too."""
    yield
    assert undeclared() == set()
    from tests.openapi.observed import observed, declared
    for one in sorted(observed()): print("SEEN", *one)
    print("NEVER", sorted({(a.operation,a.code) for a in declared()-observed() if a.code not in("internal_error","unavailable","signature_missing","session_invalid","clock_skew","key_revoked","wrong_caller","body_too_large","wrong_role","duplicate_name","not_json")}))
