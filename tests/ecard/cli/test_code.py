"""`ecard code verify --offline`: a scanned code, a bundle in a file, and nothing else."""

import base64
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from click.testing import CliRunner, Result

from ecard.cli import group
from ecard.clock import SteppedClock
from ecard.settings import Settings
from tests.bureau import Bureau, new_database
from tests.conftest import serving
from tests.qr.test_device_chain import go_offline


class Gate:
    """An offline terminal: a bundle in a file, and what it remembers beside it."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.bundle, self.state = folder / "bundle.json", folder / "state" / "offline.json"
        self.fetch(base_url)

    def fetch(self, base_url: str) -> None:
        self.bundle.write_bytes(httpx.get(f"{base_url}/v1/bundle").content)

    def scan(self, scanned: str) -> Result:
        options = ["--offline", str(self.bundle), "--state", str(self.state)]
        return CliRunner().invoke(group, ["code", "verify", *options, "--", scanned])

    def answer(self, scanned: str) -> dict[str, Any]:
        result = self.scan(scanned)
        told: dict[str, Any] = json.loads(result.stdout)
        assert result.exit_code == (0 if told["valid"] else 1)
        return told


@pytest.fixture
def gate(tmp_path: Path, base_url: str) -> Gate:
    return Gate(tmp_path, base_url)


def code_of(result: Result) -> tuple[int, str]:
    """Return exit code and the error that `ecard` would have told."""
    return result.exit_code, getattr(result.exception, "code", "")


def test_a_valid_code_says_what_it_proves_and_how_fresh_that_is(bureau: Bureau, gate: Gate) -> None:
    told = gate.answer(bureau.phone().code("ride"))
    assert (told["valid"], told["mode"], told["scene"], told["password_proven"]) == (True, "offline", "ride", False)
    assert 0 <= time.time() - told["keys_as_of"] < 15
    assert told["keys_as_of"] == told["status_as_of"]


def test_a_code_is_refused_the_second_time_by_another_run(bureau: Bureau, gate: Gate) -> None:
    code = bureau.phone().code()
    assert gate.answer(code)["valid"]
    told = gate.answer(code)
    assert (told["valid"], told["code"], told["mode"]) == (False, "code_replayed", "offline")
    assert told["status_as_of"] > 0


def test_the_end_of_line_of_a_scanner_does_no_harm(bureau: Bureau, gate: Gate) -> None:
    assert gate.answer(bureau.phone().code() + "\r\n")["valid"]


@pytest.mark.parametrize(
    ("scanned", "code"),
    [
        ("hello", "code_malformed"),
        ("", "code_malformed"),
        ("EC1:AB", "code_truncated"),
        ("１２３", "code_full_width"),
        ("https://example.com", "code_foreign"),
        ("A" * 400, "code_too_long"),
        ("-1", "code_malformed"),
    ],
)
def test_what_is_no_code_is_told_apart(gate: Gate, scanned: str, code: str) -> None:
    told = gate.answer(scanned)
    assert (told["valid"], told["code"]) == (False, code)


def test_the_anchors_of_the_first_bundle_are_shown_and_then_kept(bureau: Bureau, gate: Gate) -> None:
    first, second = gate.scan(bureau.phone().code()), gate.scan(bureau.phone().code())
    anchors = jwt.decode(json.loads(gate.bundle.read_bytes())["bundle"], options={"verify_signature": False})["anchors"]
    shown = first.stderr.strip().partition("Trusting on first use: ")[2].split(", ")
    assert shown == [rfc_7638(anchor) for anchor in anchors]
    assert len(shown) >= 2
    assert second.stderr == ""


def rfc_7638(jwk: dict[str, str]) -> str:
    """Return the thumbprint of a P-256 key as the RFC computes it, to compare with what a person is shown."""
    text = f'{{"crv":"{jwk["crv"]}","kty":"{jwk["kty"]}","x":"{jwk["x"]}","y":"{jwk["y"]}"}}'
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def test_the_bundle_of_another_platform_is_refused_after_the_first(
    bureau: Bureau, gate: Gate, settings: Settings
) -> None:
    code = bureau.phone().code()
    assert gate.answer(code)["valid"]
    with serving(new_database(settings)) as url:
        gate.fetch(url)
    assert code_of(gate.scan(bureau.phone().code())) == (1, "bundle_refused")


def test_an_older_bundle_is_refused(bureau: Bureau, gate: Gate, settings: Settings) -> None:
    old = gate.bundle.read_bytes()
    with serving(settings, clock=SteppedClock(time.time() + 15)) as url:
        gate.fetch(url)
    assert gate.answer(bureau.phone().code())["valid"]
    gate.bundle.write_bytes(old)
    assert code_of(gate.scan(bureau.phone().code())) == (1, "bundle_refused")


def test_a_lost_card_is_refused_by_the_next_bundle(bureau: Bureau, gate: Gate, settings: Settings) -> None:
    phone = bureau.phone()
    code = phone.code()
    phone.report_lost()
    with serving(settings) as url:
        gate.fetch(url)
    assert gate.answer(code)["code"] == "card_suspended"


def test_a_bundle_as_a_bare_token_will_do(bureau: Bureau, gate: Gate) -> None:
    gate.bundle.write_text(json.loads(gate.bundle.read_bytes())["bundle"] + "\n")
    assert gate.answer(bureau.phone().code())["valid"]


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"{", b"{}", b'{"bundle":1}', b'{"bundle":"x"}', b"\xff\xfe", b"[]"]
)
def test_a_file_that_is_no_bundle_is_refused_in_words(gate: Gate, content: bytes) -> None:
    gate.bundle.write_bytes(content)
    assert code_of(gate.scan("EC1:")) == (1, "bundle_refused")
    assert not gate.state.exists()


def test_a_damaged_memory_is_not_overwritten(bureau: Bureau, gate: Gate) -> None:
    assert gate.answer(bureau.phone().code())["valid"]
    gate.state.write_bytes(gate.state.read_bytes()[:-5])
    damaged = gate.state.read_bytes()
    result = gate.scan(bureau.phone().code())
    assert (result.exit_code, "It is damaged" in result.stderr) == (1, True)
    assert gate.state.read_bytes() == damaged


def test_a_device_chain_is_verified_also_for_a_scene_that_is_none(bureau: Bureau, gate: Gate) -> None:
    offline = go_offline(bureau.phone())
    assert gate.answer(offline.code())["scene"] == "identity"
    assert gate.answer(offline.code(scene=77))["scene"] is None


def test_without_a_bundle_nothing_is_verified(tmp_path: Path) -> None:
    for options in ([], ["--offline", str(tmp_path / "none")]):
        assert CliRunner().invoke(group, ["code", "verify", *options, "EC1:"]).exit_code == 2


def test_memory_is_kept_in_the_users_state_folder(
    bureau: Bureau, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "XDG_STATE_HOME", str(tmp_path / "xdg"))
    options = ["--offline", str(gate.bundle), "--", bureau.phone().code()]
    assert CliRunner().invoke(group, ["code", "verify", *options]).exit_code == 0
    assert (tmp_path / "xdg" / "ecard" / "offline.json").exists()
