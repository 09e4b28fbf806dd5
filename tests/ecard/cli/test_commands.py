"""`ecard`: what its commands share, and how it says what went wrong."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecard import __version__, cli
from ecard.cli import group, main
from ecard.cli.context import remember
from ecard.settings import Settings
from tests.bureau import Bureau, ecard, environment, new_database

COMMANDS = [
    "agencies",
    "audit",
    "catalogue",
    "clients",
    "code",
    "demo",
    "doors",
    "errors",
    "keys",
    "ledger",
    "migrate",
    "openapi",
    "operators",
    "receipt",
    "serve",
]


def test_help_lists_every_command_in_both_languages() -> None:
    said = CliRunner().invoke(group, ["--help"]).output
    for command in COMMANDS:
        assert f"\n  {command} " in said
    assert "电子社保卡移动后台" in said
    assert "The mobile backend" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_in_both_languages(command: str) -> None:
    result = CliRunner().invoke(group, [command, "--help"])
    assert result.exit_code == 0
    assert any("一" <= c <= "鿿" for c in result.output)
    assert any(c.isascii() and c.isalpha() for c in result.output.partition("\n\n")[2])


def test_an_unknown_command_is_a_wrong_use() -> None:
    assert CliRunner().invoke(group, ["issue"]).exit_code == 2


def test_the_version_is_the_packages() -> None:
    assert CliRunner().invoke(group, ["--version"]).output == f"ecard, version {__version__}\n"


def run(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], *arguments: str) -> int:
    """Run `ecard` as the shell does; return its exit code."""
    for name in ("ECARD_DATABASE_URL", "ECARD_REDIS_URL", "ECARD_MASTER_KEY", "ECARD_ISSUER", "ECARD_SANDBOX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["ecard", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(str(ended.value.code or 0))


def test_a_declared_error_is_said_in_both_languages(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, environment(settings), "keys", "revoke", "code-nobody") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("没有该密钥, 或已吊销 (key_unknown)。")
    assert "No such key, or it is revoked." in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "ECARD_ISSUER"),
        ({"ECARD_ISSUER": "https://e.example"}, "ECARD_MASTER_KEY"),
        ({"ECARD_SANDBOX": "1", "ECARD_MASTER_KEY": "xyz"}, "ECARD_MASTER_KEY"),
        ({"ECARD_SANDBOX": "1", "ECARD_SUITE": "SM2"}, "ECARD_SUITE"),
        ({"ECARD_SANDBOX": "1", "ECARD_STATUS_BITS": "7"}, "ECARD_STATUS_BITS"),
    ],
)
@pytest.mark.parametrize("command", [["serve"], ["keys", "list"], ["audit", "verify"]])
def test_a_wrong_setting_is_named_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    environ: dict[str, str],
    named: str,
    command: list[str],
) -> None:
    assert run(monkeypatch, {**environ, "ECARD_DATA_DIR": str(tmp_path / "data")}, *command) == 1
    said = capsys.readouterr().err
    assert named in said
    assert "Traceback" not in said
    assert not (tmp_path / "data" / "postgres").exists()


def test_commands_find_the_running_stores_and_the_settings_of_their_server(
    bureau: Bureau, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bureau.terminal()  # makes an entry in the log
    # A server, here this test run, is at work in the directory; nothing else is set.
    remember(settings)
    alone = {"ECARD_DATA_DIR": str(settings.data_dir), "ECARD_MASTER_KEY": settings.master_key.hex()}
    assert run(monkeypatch, alone, "keys", "list") == 0
    assert "standby" in capsys.readouterr().out
    assert run(monkeypatch, alone, "audit", "verify") == 0
    assert "Intact" in capsys.readouterr().out


def test_migrating_again_changes_nothing(settings: Settings) -> None:
    own = new_database(settings)
    for _ in range(2):
        result = ecard(own, "migrate")
        assert (result.exit_code, "up to date" in result.output) == (0, True)


def test_a_command_loads_only_what_it_needs() -> None:
    program = (
        "import sys; from ecard.cli import group; group.get_command(None, 'code'); print('litestar' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout == b"False\n"


def test_the_module_is_the_command() -> None:
    said = subprocess.run([sys.executable, "-m", "ecard.cli", "--version"], check=True, capture_output=True).stdout
    assert said.decode() == f"ecard, version {__version__}\n"
    assert cli.main is main
