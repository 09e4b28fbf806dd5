"""`ecard medical load`: rules from a file, once."""

from pathlib import Path

from ecard.settings import Settings
from tests.bureau import ecard, new_database


def test_rules_are_loaded_from_a_file_once_and_a_wrong_one_is_named(settings: Settings, tmp_path: Path) -> None:
    own = new_database(settings)
    first = ecard(own, "medical", "load", "--sandbox")
    assert (first.exit_code, first.stdout.splitlines()[0]) == (0, "region=119901 rules=11 added=11")
    assert "added=0" in ecard(own, "medical", "load", "--sandbox").stdout
    wrong = tmp_path / "rules.toml"
    wrong.write_text('[[region]]\nregion = "119901"\nname = "示例"\nrules = [{ scheme = "gold" }]\n', "utf-8")
    for arguments in ([str(wrong)], []):
        refused = ecard(own, "medical", "load", *arguments)
        assert refused.exit_code != 0
        assert "Traceback" not in refused.output
