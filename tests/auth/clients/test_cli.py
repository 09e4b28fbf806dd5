"""`ecard clients`: the registry from the command line, on the stores of a server that runs."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import Result

from auth.secrets import hashed
from ecard.cli import main
from ecard.client.actors import new_signer
from ecard.ids import new_id
from ecard.settings import Settings
from tests.bureau import Bureau, ecard, environment, key_set, new_uscc, rows

CALLBACK = "https://client.example/callback"
BASIC = ("--profile", "standard", "--auth-method", "client_secret_basic", "--redirect-uri", CALLBACK)


def added(result: Result) -> dict[str, str]:
    """Return what `add` or `rotate` printed on standard output."""
    assert result.exit_code == 0, result.output
    return dict(line.split("=", 1) for line in result.stdout.splitlines())


def test_a_client_is_added_with_every_option(bureau: Bureau, settings: Settings, tmp_path: Path) -> None:
    code = new_uscc()
    agency = bureau.registrar.register_agency("测试医保局", code)
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(key_set(new_signer())))
    sector = f"{new_id().hex}.example"
    arguments = ["--name", "网上办事大厅", "--agency", code, "--profile", "fapi2", "--auth-method", "private_key_jwt"]
    arguments += ["--redirect-uri", CALLBACK, "--redirect-uri", "http://127.0.0.1:9/back", "--item", "A1-01"]
    arguments += ["--item", "A1-94", "--jwks", str(keys), "--sector", sector, "--grant-type", "authorization_code"]
    arguments += ["--grant-type", "refresh_token", "--backchannel-logout-uri", "https://client.example/logout"]
    made = added(ecard(settings, "clients", "add", *arguments, "--sandbox"))
    assert made.keys() == {"client_id"}
    [row] = rows(settings, "SELECT * FROM client WHERE id = $1::text::uuid", made["client_id"])
    assert (row["agency"], row["sector"], row["sandbox"]) == (agency, sector, True)
    assert row["redirect_uris"] == [CALLBACK, "http://127.0.0.1:9/back"]
    assert (row["items"], row["grant_types"]) == (["A1-01", "A1-94"], ["authorization_code", "refresh_token"])
    assert row["backchannel_logout_uri"] == "https://client.example/logout"
    [log] = rows(settings, "SELECT kind, actor FROM audit_event WHERE detail->>'client' = $1", made["client_id"])
    assert tuple(log) == ("client_registered", None)


def test_a_secret_is_printed_once_and_renewed_and_the_client_disabled(bureau: Bureau, settings: Settings) -> None:
    result = ecard(settings, "clients", "add", "--name", "预约挂号", "--agency", str(bureau.agency), *BASIC)
    first = added(result)
    assert "kept" not in result.stdout
    assert "只显示这一次" in result.stderr
    second = added(ecard(settings, "clients", "rotate", first["client_id"]))
    assert second["client_id"] == first["client_id"]
    [row] = rows(settings, "SELECT secret_sha256 FROM client WHERE id = $1::text::uuid", first["client_id"])
    assert bytes(row["secret_sha256"]) == hashed(second["client_secret"]) != hashed(first["client_secret"])
    shown = ecard(settings, "clients", "list").stdout
    assert first["client_id"] in shown
    assert first["client_secret"] not in shown
    assert second["client_secret"] not in shown
    gone = ecard(settings, "clients", "disable", first["client_id"])
    assert (gone.exit_code, first["client_id"] in gone.stderr) == (0, True)
    [line] = [line for line in ecard(settings, "clients", "list").stdout.splitlines() if first["client_id"] in line]
    assert "disabled" in line


def test_new_keys_are_taken_from_a_file_or_by_address(bureau: Bureau, settings: Settings, tmp_path: Path) -> None:
    client, keys = bureau.client().client_id, tmp_path / "keys.json"
    keys.write_text(json.dumps(key_set(new_signer())))
    assert added(ecard(settings, "clients", "rotate", client, "--jwks", str(keys))) == {"client_id": client}
    uri = "https://client.example/jwks"
    assert added(ecard(settings, "clients", "rotate", client, "--jwks-uri", uri)) == {"client_id": client}
    keys.write_text("no JSON")
    result = ecard(settings, "clients", "rotate", client, "--jwks", str(keys))
    assert (result.exit_code, "It is not JSON" in result.output) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("clients", "disable", "00000000-0000-0000-0000-000000000000"), "not_found"),
        (
            ("clients", "add", "--name", "名", "--agency", "12110000000000001P", *BASIC),
            "uscc_refused /agency_uscc check_digit",
        ),
        (
            ("clients", "add", "--name", "名", "--agency", "00000000-0000-0000-0000-000000000000", *BASIC),
            "not_found /agency",
        ),
    ],
)
def test_a_refusal_is_said_in_both_languages(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    named: str,
) -> None:
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["ecard", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (1, "")
    assert f"({named})" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["add"], 2),
        (["add", "--name", "名", "--agency", "x", "--profile", "loose"], 2),
        (["add", "--name", "名" * 65, "--agency", "12110000000000001N"], 1),
        (["add", "--name", "名", "--agency", "short"], 1),
        (["rotate", "no-id"], 2),
        (["disable"], 2),
    ],
)
def test_what_is_missing_or_wrong_is_told(settings: Settings, arguments: list[str], exit_code: int) -> None:
    result = ecard(settings, "clients", *arguments)
    assert result.exit_code == exit_code
    assert "Error" in result.output


@pytest.mark.parametrize("command", ["add", "list", "rotate", "disable"])
def test_help_teaches_in_both_languages(settings: Settings, command: str) -> None:
    said = ecard(settings, "clients", command, "--help").output
    assert any("一" <= c <= "鿿" for c in said)
    assert f"ecard clients {command}" in said or command == "list"
