"""docs/conformance.md lists the modules that have a test, and those that have none, with the reason."""

from collections import Counter

from tests.auth.conformance.modules import registered
from tests.docs.pages import page, rows, section

PAGE = page("docs/conformance.md")
TESTED = rows(section(PAGE, "## Modules with a test"))
NOT_DONE = rows(section(PAGE, "## Modules that ask for what is deliberately not done"))
AT_LEAST = 65


def test_the_table_names_each_module_that_has_a_test_with_its_file() -> None:
    said = [(name.strip("`"), place.strip("`").rpartition("/")[2]) for name, _, place in TESTED]
    assert sorted(said) == sorted(registered())


def test_each_module_has_one_test_and_there_are_enough() -> None:
    times = Counter(name for name, _ in registered())
    assert [name for name, n in times.items() if n > 1] == []
    assert len(times) >= AT_LEAST


def test_every_module_is_said_to_ask_something() -> None:
    assert [name for name, asks, _ in TESTED if not asks] == []


def test_a_module_without_a_test_has_a_reason_and_is_not_in_both_tables() -> None:
    names = [name for name, _ in NOT_DONE]
    assert [name for name, why in NOT_DONE if not why] == []
    assert len(set(names)) == len(names)
    assert not set(names) & {name for name, _, _ in TESTED}
