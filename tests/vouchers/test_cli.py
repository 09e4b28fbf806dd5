"""`ecard vouchers`: the same services from a shell."""

import re
from pathlib import Path
from uuid import UUID

from ecard.settings import Settings
from tests.bureau import Bureau, ecard, rows
from tests.shop import new_number
from tests.training import FACE, Programme, line, stranger


def said(output: str, name: str) -> str:
    """Return the value that a command printed under a name."""
    [value] = re.findall(rf"\b{name}=(\S+)", output)
    return str(value)


def terms(programme: Programme, number: str = "2026-01") -> list[str]:
    """Return the words that issue a batch."""
    return ["issue", programme.id, "--number", number, "--source", "province", "--face", str(FACE)]


def test_from_a_programme_to_issued_vouchers(settings: Settings) -> None:
    named = ["--name", f"家政服务 {new_number()}", "--content", "家政服务员", "--region", "640100"]
    made = ecard(settings, "vouchers", "programme", *named)
    programme = said(made.output, "programme")
    given = ecard(settings, "vouchers", "budget", programme, "--source", "city", "--amount", "1000")
    assert said(given.output, "available") == "1000"
    back = ecard(settings, "vouchers", "budget", programme, "--source", "city", "--amount", "400", "--return")
    assert said(back.output, "available") == "600"
    batch = ["issue", programme, "--number", "1", "--source", "city", "--face", "1", "--quantity", "600"]
    tried = ecard(settings, "vouchers", *batch, "--dry-run")
    assert (said(tried.output, "total"), said(tried.output, "enough")) == ("600", "True")
    issued = ecard(settings, "vouchers", *batch)
    assert (said(issued.output, "state"), said(issued.output, "issued")) == ("issued", "600")
    again = ecard(settings, "vouchers", *batch)
    assert said(again.output, "batch") == said(issued.output, "batch"), "the same command is the same batch"
    assert "600" in ecard(settings, "vouchers", "status", said(issued.output, "batch")).output
    assert programme in ecard(settings, "vouchers", "programmes").output
    assert "city" in ecard(settings, "vouchers", "programmes").output
    gone = ecard(settings, "vouchers", "cancel", said(issued.output, "batch"))
    assert said(gone.output, "state") == "cancelled"


def test_a_batch_that_was_interrupted_goes_on(bureau: Bureau, settings: Settings) -> None:
    programme = Programme(bureau, money=3 * FACE)
    batch = programme.batch(3)
    back = "UPDATE voucher_batch SET state = 'issuing' WHERE id = $1"
    rows(settings, back, UUID(batch["id"]))
    resumed = ecard(settings, "vouchers", "resume", batch["id"])
    assert (said(resumed.output, "state"), said(resumed.output, "issued")) == ("issued", "3")


def test_a_list_with_bad_lines_is_reported_whole_and_nothing_is_issued(
    bureau: Bureau, settings: Settings, tmp_path: Path
) -> None:
    programme = Programme(bureau)
    file = tmp_path / "list.csv"
    good, facts = line(bureau)
    # As a spreadsheet of this field saves it.
    file.write_bytes(f"姓名,身份号码\n{good}\n{stranger()}\n测试甲".encode("gb18030"))
    refusal = ecard(settings, "vouchers", *terms(programme), "--people", str(file))
    assert refusal.exit_code == 3
    assert "line 3: not_registered" in refusal.output
    assert "line 4: columns" in refusal.output
    assert facts["id_no"] not in refusal.output
    assert programme.training.call("GET", f"/v1/voucher-programmes/{programme.id}/batches").json() == []
    file.write_bytes(good.encode("utf-8-sig"))
    tried = ecard(settings, "vouchers", *terms(programme), "--people", str(file), "--dry-run")
    assert (tried.exit_code, said(tried.output, "quantity"), said(tried.output, "total")) == (0, "1", str(FACE))
    assert programme.available() == 100 * FACE
    issued = ecard(settings, "vouchers", *terms(programme), "--people", str(file))
    assert (issued.exit_code, said(issued.output, "issued")) == (0, "1")


def test_bad_lines_are_skipped_when_that_is_asked_for(bureau: Bureau, settings: Settings, tmp_path: Path) -> None:
    programme = Programme(bureau)
    file = tmp_path / "list.csv"
    file.write_text(f"{line(bureau)[0]}\n{stranger()}\n", "utf-8")
    issued = ecard(settings, "vouchers", *terms(programme), "--people", str(file), "--skip-bad")
    assert (issued.exit_code, said(issued.output, "issued"), said(issued.output, "bad")) == (0, "1", "1")


def test_what_is_wrong_is_said_and_nothing_is_done(bureau: Bureau, settings: Settings, tmp_path: Path) -> None:
    programme = Programme(bureau, money=FACE)
    short = ecard(settings, "vouchers", *terms(programme), "--quantity", "2")
    assert short.exit_code != 0
    assert programme.available() == FACE
    file = tmp_path / "list.bin"
    file.write_bytes(b"\xff\xff\xff")
    assert ecard(settings, "vouchers", *terms(programme), "--people", str(file)).exit_code == 2
    wrong = ecard(settings, "vouchers", "issue", programme.id, "--number", "?", "--source", "x", "--face", "1")
    assert wrong.exit_code == 2
