"""`ecard banks`: what a person does with the registry."""

import json
from pathlib import Path

import pytest

from ecard.keys import Suite, generate, load_signer, to_jwk
from ecard.settings import Settings
from ecard.vault import Vault
from pay.banks.directory import OWN_KEY
from tests.bureau import ecard, new_database, rows


@pytest.fixture(scope="module")
def empty(settings: Settings) -> Settings:
    """A database of its own: these banks are nobody else's."""
    return new_database(settings)


@pytest.fixture
def key(tmp_path: Path) -> str:
    signer, _ = generate(Suite.ES256)
    path = tmp_path / "bank.jwk"
    path.write_text(json.dumps(to_jwk(signer.suite, signer.public)))
    return str(path)


def _add(settings: Settings, key: str, code: str, *more: str) -> tuple[int, str]:
    named = ("--code", code, "--name", f"测试{code}", "--iin", "629999", "--url", "https://bank.example")
    result = ecard(settings, "banks", "add", *named, "--key", key, *more)
    return result.exit_code, result.output + repr(result.exception)


def test_a_bank_is_registered_and_is_told_our_key(empty: Settings, key: str) -> None:
    code, output = _add(empty, key, "ALPHA", "--ladder", '{"first_query": 6, "reverse_after": 20}')
    assert code == 0, output
    assert json.loads(output.splitlines()[0])["crv"] == "P-256"
    row = rows(empty, "SELECT own, ladder FROM bank WHERE code = 'ALPHA'")[0]
    assert json.loads(row["ladder"])["reverse_after"] == 20
    listed = ecard(empty, "banks", "list").output
    assert "ALPHA" in listed


def test_a_code_is_registered_once(empty: Settings, key: str) -> None:
    assert _add(empty, key, "BETA")[0] == 0
    assert "BankExists" in _add(empty, key, "BETA")[1]


@pytest.mark.parametrize(
    ("ladder", "said"), [('{"timeout": 9}', "LadderRefused"), ('{"patience": 1}', "patience"), ("{", "truncated")]
)
def test_a_ladder_that_contradicts_itself_is_refused(empty: Settings, key: str, ladder: str, said: str) -> None:
    code, output = _add(empty, key, "GAMMA", "--ladder", ladder)
    assert code != 0
    assert said.lower() in output.lower()


def test_a_bank_is_stopped_and_started_and_changed(empty: Settings, key: str) -> None:
    assert _add(empty, key, "DELTA")[0] == 0
    assert ecard(empty, "banks", "stop", "DELTA").exit_code == 0
    assert rows(empty, "SELECT stopped_at IS NOT NULL AS off FROM bank WHERE code = 'DELTA'")[0]["off"]
    assert ecard(empty, "banks", "start", "DELTA").exit_code == 0
    assert ecard(empty, "banks", "change", "DELTA", "--url", "https://other.example").exit_code == 0
    row = rows(empty, "SELECT url, stopped_at FROM bank WHERE code = 'DELTA'")[0]
    assert (row["url"], row["stopped_at"]) == ("https://other.example", None)
    assert ecard(empty, "banks", "stop", "NOBODY").exit_code != 0


def test_the_key_for_a_bank_is_sealed(empty: Settings, key: str) -> None:
    assert _add(empty, key, "EPSILON")[0] == 0
    sealed = rows(empty, "SELECT own FROM bank WHERE code = 'EPSILON'")[0]["own"]
    with pytest.raises(ValueError, match="key"):
        load_signer(sealed)
    assert load_signer(Vault(empty.master_key).open(OWN_KEY, sealed)).suite is Suite.ES256
