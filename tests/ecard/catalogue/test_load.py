"""The loader takes exact rows only, and every refusal says where: file, row, field."""

import shutil
import time
from pathlib import Path

import pytest

from ecard.catalogue.errors import BadRow
from ecard.catalogue.load import DATA, load
from ecard.catalogue.model import Flow

NEW_ROW = """
[[item]]
code = "A3-33"
title = "社会保障卡补领"
business = "社会保险"
group = "社会保障卡服务"
mandatory = false
route = "即办件"
delegated = ["受理"]
forms = ["physical", "electronic"]
flow = "manage"
fields = ["name", "id_no"]
purpose = { zh = "用于补领您的社会保障卡前核实您本人。", en = "To verify that it is you before a new card is made." }
level = 1
strength = "knowledge"
proximity = "counter"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def edit(file: Path, old: str, new: str) -> None:
    """Replace the first occurrence; a test whose edit hits nothing must fail."""
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def refusal(data: Path) -> BadRow:
    with pytest.raises(BadRow) as caught:
        load(data)
    return caught.value


def test_adding_an_item_needs_one_row_and_no_python(data: Path) -> None:
    with (data / "annex3.toml").open("a", encoding="utf-8") as file:
        file.write(NEW_ROW)
    item = load(data).get("A3-33")
    assert (item.no, item.title, item.flow, item.scope) == (33, "社会保障卡补领", Flow.MANAGE, "ecard_item:A3-33")


def test_loading_is_cheap_enough_for_every_start() -> None:
    started = time.process_time()
    load()
    assert time.process_time() - started < 0.3  # seconds; ten times what it takes


# What is changed in a file (old text, new text), and the row, code and field that the refusal must name.
ROW_FAULTS = {
    "an unknown flow": ("annex1.toml", 'flow = "apply"', 'flow = "wander"', 1, "A1-01", "flow"),
    "an unknown form": ("annex1.toml", '["physical", "electronic"]', '["paper"]', 1, "A1-01", "forms"),
    "no form at all": ("annex1.toml", 'forms = ["physical", "electronic"]', "forms = []", 1, "A1-01", "forms"),
    "a form twice": ("annex1.toml", '["physical", "electronic"]', '["physical", "physical"]', 1, "A1-01", "forms"),
    "an unknown function": ("annex1.toml", 'function = "身份凭证"', 'function = "其他"', 1, "A1-01", "function"),
    "an unknown field": ("annex1.toml", 'fields = ["name"', 'fields = ["face"', 1, "A1-01", "fields"),
    "a field twice": ("annex1.toml", '["name", "id_no"]', '["name", "name"]', 3, "A1-03", "fields"),
    "a level that does not exist": ("annex1.toml", "level = 1", "level = 3", 1, "A1-01", "level"),
    "a level that is a text": ("annex1.toml", "level = 1", 'level = "1"', 1, "A1-01", "level"),
    "an unknown strength": ("annex1.toml", '"possession"', '"faith"', 1, "A1-01", "strength"),
    "an unknown proximity": ("annex1.toml", 'proximity = "terminal"', 'proximity = "near"', 1, "A1-01", "proximity"),
    "a blank title": ("annex1.toml", 'title = "就业登记"', 'title = ""', 1, "A1-01", "title"),
    "a title with a space at its end": ("annex1.toml", '"就业登记"', '"就业登记 "', 1, "A1-01", "title"),
    "a title with two spaces": ("annex1.toml", '"就业登记"', '"就业  登记"', 1, "A1-01", "title"),
    "a title of two lines": ("annex1.toml", '"就业登记"', '"就业登记\\n"', 1, "A1-01", "title"),
    "a title with a full-width space": ("annex1.toml", '"就业登记"', '"就业\u3000登记"', 1, "A1-01", "title"),
    "a title that is a number": ("annex1.toml", 'title = "就业登记"', "title = 1", 1, "A1-01", "title"),
    "a blank sentence of consent": ("annex1.toml", '{ zh = "', '{ zh = " ', 1, "A1-01", "purpose"),
    "a sentence of consent in one language": ("annex2.toml", "{ zh = ", "{ fr = ", 1, "A2-01", "purpose"),
    "a missing key": ("annex1.toml", 'strength = "possession"\n', "", 1, "A1-01", "strength"),
    "a missing domain": ("annex1.toml", 'domain = "就业创业"\n', "", 1, "A1-01", "domain"),
    "an unknown key": ("annex1.toml", "level = 1", "level = 1\ncolour = 1", 1, "A1-01", "colour"),
    "annex 2's key in annex 1": ("annex1.toml", "level = 1", "level = 1\nagencies = []", 1, "A1-01", "agencies"),
    "annex 1's key in annex 2": ("annex2.toml", "level = 1", 'level = 1\ndomain = "其他"', 1, "A2-01", "domain"),
    "annex 1's key in annex 3": ("annex3.toml", "level = 1", 'level = 1\ndescription = "x"', 1, "A3-01", "description"),
    "an agency twice": ("annex2.toml", '["政务服务部门"]', '["a", "a"]', 1, "A2-01", "agencies"),
    "an unknown route": ("annex3.toml", 'route = "即办件"', 'route = "四级审核"', 1, "A3-01", "route"),
    "an unknown duty": ("annex3.toml", 'delegated = ["受理"]', 'delegated = ["付款"]', 1, "A3-01", "delegated"),
    "mandatory as a text": ("annex3.toml", "mandatory = true", 'mandatory = "必选"', 1, "A3-01", "mandatory"),
    "a code twice": ("annex1.toml", 'code = "A1-02"', 'code = "A1-01"', 2, "A1-01", "code"),
    "a gap in the numbers": ("annex1.toml", 'code = "A1-02"', 'code = "A1-96"', 2, "A1-96", "code"),
    "another annex's code": ("annex2.toml", 'code = "A2-01"', 'code = "A1-01"', 1, "A1-01", "code"),
    "a code that is a number": ("annex2.toml", 'code = "A2-01"', "code = 201", 1, None, "code"),
    "a missing code": ("annex2.toml", 'code = "A2-01"\n', "", 1, None, "code"),
    "a flow row with an unknown scene": ("flows.toml", 'scene = "pay"', 'scene = "shop"', 5, None, "scene"),
    "a flow row with a scene's byte": ("flows.toml", 'scene = "pay"', "scene = 2", 5, None, "scene"),
    "a flow row without a scene": ("flows.toml", 'scene = "pay"\n', "", 5, None, "scene"),
    "a flow row that the code does not have": ("flows.toml", 'name = "pay"', 'name = "beg"', 5, None, "name"),
    "a flow twice": ("flows.toml", 'name = "login"', 'name = "identify"', 2, None, "name"),
    "a flow row with an unknown key": ("flows.toml", 'en = "Pay"', 'en = "Pay"\nfr = "Payer"', 5, None, "fr"),
    "a flow row with a blank label": ("flows.toml", 'zh = "登录"', 'zh = " "', 2, None, "zh"),
}


@pytest.mark.parametrize("fault", ROW_FAULTS)
def test_a_row_with_this_fault_is_refused_by_file_row_and_field(data: Path, fault: str) -> None:
    file, old, new, row, code, field = ROW_FAULTS[fault]
    edit(data / file, old, new)
    error = refusal(data)
    assert (error.file, error.row, error.code, error.field) == (file, row, code, field)
    assert all(part in str(error) for part in (file, f"row {row}", code or "", field))


def test_a_row_lost_from_the_middle_is_noticed_at_the_next(data: Path) -> None:
    file = data / "annex1.toml"
    head, *rows = file.read_text("utf-8").split("\n[[item]]\n")
    del rows[9]
    file.write_text("\n[[item]]\n".join([head, *rows]), "utf-8")
    assert str(refusal(data)) == "annex1.toml, 第 10 条 (row 10), A1-11, 字段 (field) code: 编号应为 (expected) A1-10"


def test_a_flow_of_the_code_without_a_row_is_refused(data: Path) -> None:
    file = data / "flows.toml"
    text = file.read_text("utf-8")
    file.write_text(text[: text.rindex("[[flow]]")], "utf-8")
    error = refusal(data)
    assert (error.file, error.row, error.field) == ("flows.toml", None, "name")
    assert "manage" in str(error)


FILE_FAULTS = {
    "a file that is no TOML": (b"[[item]", None),
    "a file that is no UTF-8": (b"\xff\xfe", None),
    "a file with another table": (b"[[thing]]\na = 1\n", "thing"),
    "a file with a key beside the rows": (b"count = 0\n", "count"),
    "a file with one table in place of rows": (b"[item]\na = 1\n", "item"),
    "an empty file": (b"", "item"),
}


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_a_file_with_this_fault_is_refused_by_name(data: Path, fault: str) -> None:
    content, field = FILE_FAULTS[fault]
    (data / "annex2.toml").write_bytes(content)
    error = refusal(data)
    assert (error.file, error.row, error.field) == ("annex2.toml", None, field)


def test_a_missing_file_is_refused_by_name(data: Path) -> None:
    (data / "annex3.toml").unlink()
    assert refusal(data).file == "annex3.toml"
