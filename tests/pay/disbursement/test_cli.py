"""Files of benefits: each wrong row is named, a dry run writes nothing, the same file again is the same batch."""

import re
from pathlib import Path

import pytest

from ecard.settings import Settings
from tests.benefits import Office
from tests.bureau import Bureau, ecard, rows

HEAD = "id_no,name,component,amount,reference\n"


def _upload(settings: Settings, office: Office, file: Path, *more: str) -> tuple[int, str]:
    named = ["--programme", office.programme["id"], "--agency", str(office.agency), "--period", "2027-01"]
    result = ecard(settings, "benefits", "upload", str(file), *named, "--number", "F1", *more)
    return result.exit_code, result.stdout


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_every_wrong_row_is_reported_and_a_mended_file_is_handed_in(
    bureau: Bureau, settings: Settings, tmp_path: Path, encoding: str
) -> None:
    office, file = Office(bureau), tmp_path / "lines.csv"
    people = [bureau.register().facts for _ in range(3)]
    good = [f"{one['id_no']},{one['name']},living,{100 + n},{n}" for n, one in enumerate(people)]
    wrong = [f"{people[0]['id_no']},{people[0]['name']},living,12.50,x", "half,a row", good[0], f"{good[1]},more"]
    file.write_text(HEAD + "\n".join([*good, "", *wrong]) + "\n", encoding)
    for more in (("--dry-run",), ("--submit",)):
        code, said = _upload(settings, office, file, *more)
        reasons = re.findall(r"row (\d+): (\w+)", said)
        assert (code, reasons) == (3, [("4", "malformed"), ("5", "malformed"), ("6", "duplicate"), ("7", "malformed")])
        assert "lines=3 total=303 refused=4" in said
        batches = rows(settings, "SELECT id FROM benefit_batch WHERE programme = $1", office.programme["id"])
        assert len(batches) == (more == ("--submit",))
    file.write_text(HEAD + "\n".join(good) + "\n", encoding)
    for _ in range(2):
        code, said = _upload(settings, office, file)
        assert (code, "lines=3 total=303 refused=0" in said, "state=draft" in said) == (0, True, True)
    code, said = _upload(settings, office, file, "--submit")
    assert (code, "state=notice" in said) == (0, True)
    shown = ecard(settings, "benefits", "show", said.split("batch=")[1][:36])
    assert "F1" in shown.stdout


@pytest.mark.parametrize(
    ("head", "reason"), [("id_no,name,amount", "component"), ("id_no,component,amount", "id_no"), ("", "component")]
)
def test_a_file_that_names_no_columns_is_refused(
    office: Office, settings: Settings, tmp_path: Path, head: str, reason: str
) -> None:
    file = tmp_path / "lines.csv"
    file.write_text(f"{head}\n1,2,3\n")
    named = ["--programme", office.programme["id"], "--agency", str(office.agency), "--period", "2027-01"]
    result = ecard(settings, "benefits", "upload", str(file), *named, "--number", "F2")
    assert getattr(result.exception, "members", None) == {"reason": reason}
