"""`ecard rehearse`: every item in every form to its end, a new item too, and the cards once more in a real pcscd."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cardio.virtual.vpcd import PORT
from ecard.catalogue.load import DATA, load
from ecard.catalogue.model import Form
from ecard.cli.rehearse.rows import Kind, Row, rows
from tests.cardio.pcscd import Pcscd, missing

ROWS = {f"{row.item.code}-{row.form}" if row.form else row.item.code: row for row in rows(load())}
FULL = os.environ.get("ECARD_FULL_RACES") == "1"
PLAYED = rows(load(), form=Form.PHYSICAL)
FIRST = {row.item.flow: row for row in reversed(PLAYED)}
CARDS = {
    f"{row.item.code}-{row.form}" if row.form else row.item.code: row for row in (PLAYED if FULL else FIRST.values())
}
"""What is played by a card in a real reader: everything, or an item of each flow."""
NEW = """
[[item]]
code = "A2-66"
title = "沙箱新增事项"
description = "测试新增的一行"
agencies = ["沙箱部门"]
function = "身份凭证"
forms = ["physical", "electronic"]
flow = "apply"
fields = ["name"]
purpose = { zh = "用于测试新增的事项。", en = "To try an item that was added." }
level = 1
strength = "possession"
proximity = "terminal"
"""
Reached = dict[str, dict[str, Any]]


def rehearsed(place: Path, *options: str, before: Sequence[str] = (), **environment: str) -> Reached:
    """Return what became of each row, as the command printed it."""
    command = [*before, sys.executable, "-m", "ecard.cli", "rehearse", "--json", "--port", "0", *options]
    own = {"ECARD_DATA_DIR": str(place / "data"), **environment}
    ran = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, check=False)
    assert ran.stdout, ran.stderr[-2000:]
    found = {f"{row['item']}-{row['form']}" if row.get("form") else row["item"]: row for row in json.loads(ran.stdout)}
    red = {name: row["wrong"] for name, row in found.items() if row.get("wrong")}
    assert (ran.returncode == 0) == (red == {}), ran.stderr[-2000:]
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Reached:
    """Every row of a catalogue with one row more than ours."""
    place = tmp_path_factory.mktemp("rehearsal")
    shutil.copytree(DATA, place / "catalogue")
    with (place / "catalogue" / "annex2.toml").open("a", encoding="utf-8") as file:
        file.write(NEW)
    return rehearsed(place, ECARD_CATALOGUE_DIR=str(place / "catalogue"))


def test_the_rehearsal_has_352_rows() -> None:
    counts = [sum(row.kind is kind for row in ROWS.values()) for kind in Kind]
    assert (len(ROWS), counts) == (352, [269, 51, 32])


def proven(name: str, row: Row, found: Reached) -> None:
    """Check that a row is green, and said what it reached."""
    one = found[name]
    assert not one.get("wrong"), one["wrong"]
    assert (one["reached"] == "form_not_accepted") == (row.kind is Kind.REFUSED)


@pytest.mark.parametrize("name", ROWS)
def test_an_item_is_played_to_its_end_or_refused(name: str, whole: Reached) -> None:
    proven(name, ROWS[name], whole)


def test_an_item_that_was_added_needs_a_row_and_no_python(whole: Reached) -> None:
    assert whole.keys() - ROWS.keys() == {"A2-66-physical", "A2-66-electronic"}
    assert not any(whole[f"A2-66-{form}"].get("wrong") for form in Form)


@pytest.fixture(scope="module")
def in_pcscd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reached]:
    """Rows that a physical card plays, the card in a reader of a real pcscd."""
    why = missing()
    if why:
        pytest.skip(why)  # not Debian as root; CI fails it
    place = tmp_path_factory.mktemp("pcscd")
    daemon = Pcscd(place, {"Virtual PCD": PORT})
    only = [word for row in CARDS.values() for word in ("--only", row.item.code)]
    socket = {"PCSCLITE_CSOCK_NAME": "/run/pcscd/pcscd.comm"}
    try:
        yield rehearsed(place, "--form", "physical", "--pcscd", *only, before=daemon.beside(), **socket)
    finally:
        daemon.close()


@pytest.mark.parametrize("name", CARDS)
def test_an_item_is_played_by_a_card_in_a_real_reader(name: str, in_pcscd: Reached) -> None:
    proven(name, CARDS[name], in_pcscd)


def test_an_item_that_is_not_there_is_said_to_be_none() -> None:
    command = [sys.executable, "-m", "ecard.cli", "rehearse", "--only", "A9-99"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, "No such item" in ran.stderr) == (2, True)
