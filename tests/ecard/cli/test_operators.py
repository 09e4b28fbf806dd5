"""`ecard operators add`: the first operators, who register everybody else."""

import json
from pathlib import Path

import msgspec
import pytest

from ecard.client import Operator
from ecard.keys import load_signer
from ecard.settings import Settings
from tests.bureau import Bureau, ecard, new_person, new_uscc, refused, rows


def added(bureau: Bureau, settings: Settings, key: Path, role: str) -> Operator:
    result = ecard(settings, "operators", "add", "第一人", role, "--key-out", str(key))
    assert result.exit_code == 0, result.output
    kept = json.loads(key.read_bytes())
    assert kept["actor"] in result.output
    assert kept["key"] not in result.output
    return Operator(bureau.http, kept["actor"], load_signer(bytes.fromhex(kept["key"])))


def test_an_operator_works_with_the_key_in_the_file(bureau: Bureau, settings: Settings, tmp_path: Path) -> None:
    registrar = added(bureau, settings, tmp_path / "registrar.key", "registrar")
    registrar.register_agency("测试", new_uscc())
    cards = added(bureau, settings, tmp_path / "cards.key", "cards")
    cards.register_holder(**new_person().facts)
    with refused("wrong_role", 403):
        cards.register_agency("测试", new_uscc())


def test_the_key_is_its_owners_alone(bureau: Bureau, settings: Settings, tmp_path: Path) -> None:
    added(bureau, settings, tmp_path / "key", "security")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_file_that_exists_is_not_overwritten_and_nobody_registered(settings: Settings, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("dear")
    before = rows(settings, "SELECT count(*) FROM operator")[0]["count"]
    result = ecard(settings, "operators", "add", "第二人", "cards", "--key-out", str(key))
    assert (result.exit_code, "It exists and is not overwritten" in result.output) == (1, True)
    assert key.read_text() == "dear"
    assert rows(settings, "SELECT count(*) FROM operator")[0]["count"] == before


@pytest.mark.parametrize("arguments", [["名", "boss", "--key-out", "k"], ["名", "cards"], []])
def test_what_is_missing_or_wrong_is_told(settings: Settings, arguments: list[str]) -> None:
    assert ecard(settings, "operators", "add", *arguments).exit_code == 2


@pytest.mark.parametrize("name", ["", "x" * 65, "a\u202eb"])
def test_a_name_that_the_api_refuses_is_refused_here_and_leaves_no_file(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    result = ecard(settings, "operators", "add", name, "finance", "--key-out", str(tmp_path / "key"))
    assert result.exit_code == 2
    assert "名称" in result.output
    assert not (tmp_path / "key").exists()


def test_a_key_file_that_cannot_be_written_is_named(settings: Settings, tmp_path: Path) -> None:
    result = ecard(settings, "operators", "add", "甲", "finance", "--key-out", str(tmp_path / "none" / "key"))
    assert result.exit_code == 1
    assert "无法写入" in result.output


def test_an_attempt_that_failed_does_not_stand_in_the_way_of_the_next(settings: Settings, tmp_path: Path) -> None:
    away = msgspec.structs.replace(settings, database_url="postgresql://127.0.0.1:1/none")
    for _ in range(2):
        failed = ecard(away, "operators", "add", "甲", "finance", "--key-out", str(tmp_path / "key"))
        assert failed.exit_code != 0
        assert "已存在" not in failed.output
        assert not (tmp_path / "key").exists()
