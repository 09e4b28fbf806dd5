"""docs/ledger.md: every SQL example does what stands below it."""

import re
import subprocess

import pytest

from ecard.embedded.postgres import psql_path
from ecard.settings import Settings
from tests.bureau import new_database
from tests.docs.pages import page
from tests.pay.ledger.checking import checked

EXAMPLES = re.findall(r"^```sql\n(.*?)^```\n\n```text\n(.*?)^```$", page("docs/ledger.md"), re.MULTILINE | re.DOTALL)
_NEXT = "-- next example --"


def answers(settings: Settings, examples: list[str]) -> list[str]:
    """Return what psql prints for each example, all in one session; an error does not end it."""
    script = "".join(f"{one}\\echo '{_NEXT}'\n" for one in examples)
    command = [str(psql_path()), "-X", "-q", "-v", "VERBOSITY=terse", str(settings.database_url)]
    done = subprocess.run(
        command, input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=True
    )
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    return [part.strip("\n") for part in "\n".join(lines).split(_NEXT)[:-1]]


@pytest.fixture(scope="module")
def shown(settings: Settings) -> list[str]:
    """What the examples answer, on a database of their own that must hold at the end."""
    own = new_database(settings)
    found = answers(own, [sql for sql, _ in EXAMPLES])
    checked(own)
    return found


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_answers_what_stands_below_it(shown: list[str], number: int) -> None:
    assert shown[number] == EXAMPLES[number][1].strip("\n")


def test_no_example_stands_without_its_answer() -> None:
    assert page("docs/ledger.md").count("```sql\n") == len(EXAMPLES) > 6
