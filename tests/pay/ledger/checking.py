"""Every invariant of the books, checked on the database of a test."""

from ecard.settings import Settings
from tests.bureau import ecard


def checked(settings: Settings) -> str:
    """Return what `ecard ledger check` says; fail unless every invariant holds."""
    result = ecard(settings, "ledger", "check")
    assert result.exit_code == 0, result.output
    return result.output


def broken(settings: Settings) -> str:
    """Return what `ecard ledger check` names as the first break; fail when it finds none."""
    result = ecard(settings, "ledger", "check")
    assert result.exit_code == 2, result.output
    return result.output.splitlines()[-1]
