"""docs/counter.md says what the bridge is: its settings, its messages, its ports."""

import re

import msgspec

from cardio.bridge import errors
from cardio.bridge.device import ClassicSettings, Config, LoopbackSettings
from cardio.errors import CardError
from tests.docs.pages import page, rows, section

COUNTER = page("docs/counter.md")


def declared(root: type[CardError] = CardError) -> dict[str, type[CardError]]:
    """Return all errors by their codes."""
    found = {root.code: root}
    for one in root.__subclasses__():
        found |= declared(one)
    return found


def test_the_settings_in_the_table_are_those_that_are_read() -> None:
    named = re.findall(r"`(\w+)`", " ".join(row[0] for row in rows(section(COUNTER, "## Settings"))))
    assert sorted(named) == sorted(Config.__struct_fields__)


def test_the_ports_in_the_table_are_the_defaults() -> None:
    shown = section(COUNTER, "## Settings")
    ports = [int(port) for port in re.findall(r'"port": (\d+)', shown)]
    fields = [field for kind in (LoopbackSettings, ClassicSettings) for field in msgspec.structs.fields(kind)]
    assert ports == [field.default for field in fields if field.name == "port"]


def test_each_message_is_the_errors_own_and_what_a_counter_meets_is_there() -> None:
    known = declared()
    shown = {}
    for row in rows(section(COUNTER, "## Troubleshooting by message")):
        title, code = re.fullmatch(r"(.+) `(\w+)`", row[0]).groups()  # type: ignore[union-attr]
        shown[code] = title
    assert {code: known[code].title.zh for code in shown} == shown
    own = {
        code for code, error in known.items() if error.__module__ == errors.__name__ and error is not errors.BridgeError
    }
    # A person at the counter sees these otherwise, or is the one who caused them.
    own -= {"address_refused", "already_running", "bad_message", "configuration_wrong", "page_not_admitted"}
    own -= {"pin_cancelled", "reader_ambiguous", "session_busy", "session_over", "card_error"}
    assert own <= shown.keys()


def test_every_message_has_both_languages_and_says_what_to_do() -> None:
    for code, error in declared().items():
        assert re.search("[\u4e00-\u9fff]", error.title.zh), code
        assert re.search("[\u4e00-\u9fff]", error.action.zh), code
        assert error.title.en.isascii(), code
        assert error.action.en, code
