"""明细文件: a batch's lines as CSV, in UTF-8 with or without a mark, or in GB 18030 as spreadsheets write it.

The first line names the columns: `id_no` and `name` (or `payee` where a programme uses pseudonyms), `component`,
`amount` in 分; `reference` may be there. A row that cannot be read stands in its place, to be refused there.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from pay.disbursement.errors import FileRefused
from pay.disbursement.schemas import BenefitLineRequest

COLUMNS = ("id_no", "name", "payee", "component", "amount", "reference")
_LONGEST = 1000
"""Characters of the longest row."""


class Row(msgspec.Struct, frozen=True):
    """A row of a file: its place among the lines, from 1, and the line, None where it cannot be read."""

    n: int
    line: BenefitLineRequest | None


def rows(path: Path) -> list[Row]:
    """Return a file's rows; raises FileRefused (`reason`: encoding, or the column that is missing)."""
    text = _decoded(path.read_bytes())
    reader = csv.reader(io.StringIO(text, newline=""))
    names = [name.strip() for name in next(reader, [])]
    for wanted in ("component", "amount"):
        if wanted not in names:
            raise FileRefused(reason=wanted)
    if "payee" not in names and not {"id_no", "name"} <= set(names):
        raise FileRefused(reason="id_no")
    return [Row(n, _line(names, fields)) for n, fields in enumerate(_filled(reader), 1)]


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileRefused(reason="encoding")


def _filled(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield the rows that are not blank; one that is no CSV is empty, and refused at its place."""
    while True:
        try:
            fields = next(reader, None)
        except csv.Error:
            yield []
            continue
        if fields is None:
            return
        if any(field.strip() for field in fields):
            yield fields if sum(map(len, fields)) <= _LONGEST else []


def _line(names: Sequence[str], fields: Sequence[str]) -> BenefitLineRequest | None:
    if len(fields) != len(names):
        return None
    given = {name: field.strip() for name, field in zip(names, fields, strict=True) if name in COLUMNS}
    amount = given.pop("amount")
    if not (amount.isascii() and amount.isdecimal()):
        return None
    try:
        return msgspec.convert({**given, "amount": int(amount)}, BenefitLineRequest)
    except (msgspec.ValidationError, ValueError):
        return None
