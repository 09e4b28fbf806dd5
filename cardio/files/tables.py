"""The card's files as data: each data object with its tag, record number, kind, length, and who may read it.

Decoding and encoding both come from these rows, and each file has test vectors beside it. EF05 and EF06 are as
terminals in the field read them (LD/T 32.6-2015, structure V2.0). The layouts of DF02/EF09 and DF04/EF08 are not
public: theirs, with tags from 60 and 70 on, are this project's own, for its virtual card; a region's real ones are
other rows of the same shape.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cardio.errors import ValueUnfit
from cardio.files import fields, tlv
from cardio.files.fields import Kind

CHECK = 4
"""Bytes of the check at the end of what could tear while it is written."""


class Item(NamedTuple):
    """A data object of a file."""

    tag: int
    record: int
    """Its number, where records are read by number."""
    name: str
    kind: Kind
    length: int
    """Bytes of the value."""
    masked: bool = False
    """Whether it says something about the person: then it is in no log and no picture."""

    def decode(self, record: bytes) -> str:
        """Return the value in a record (tag, length, value); raises BadAnswer."""
        return fields.decode(self.kind, tlv.decode(self.tag, record))

    def encode(self, value: str) -> bytes:
        """Return the record of a value; raises ValueUnfit."""
        return tlv.encode(self.tag, fields.encode(self.kind, value, self.length))


@dataclass(frozen=True, eq=False)
class File:
    """An elementary file with one data object to a record; `df` 0 is the social security application itself."""

    df: int
    ef: int
    title: str
    items: tuple[Item, ...]
    vectors: tuple[tuple[str, str, str], ...] = field(repr=False)
    """Name, record in hex, value: both ways."""

    def __getitem__(self, name: str) -> Item:
        """Return the item of this name."""
        return next(one for one in self.items if one.name == name)

    def __iter__(self) -> Iterator[Item]:
        """Return the items in the order of their numbers."""
        return iter(self.items)


@dataclass(frozen=True, eq=False)
class Cyclic:
    """A cyclic file: all items in one record, the newest is number 1."""

    df: int
    ef: int
    title: str
    tag: int
    items: tuple[Item, ...]
    slots: int
    vectors: tuple[tuple[str, Mapping[str, str]], ...] = field(repr=False)

    @property
    def length(self) -> int:
        """Bytes of a record's value."""
        return sum(one.length for one in self.items)

    def blank(self) -> bytes:
        """Return an empty record."""
        return tlv.encode(self.tag, bytes(self.length + CHECK))

    def decode(self, value: bytes) -> dict[str, str]:
        """Return the fields of a record's value; raises BadAnswer."""
        found, at = {}, 0
        for one in self.items:
            found[one.name] = fields.decode(one.kind, value[at : at + one.length])
            at += one.length
        return found

    def encode(self, values: Mapping[str, str]) -> bytes:
        """Return a record's value; raises ValueUnfit where one does not fit or the names are not the file's."""
        if set(values) != {one.name for one in self.items}:
            raise ValueUnfit
        return b"".join(fields.encode(one.kind, values[one.name], one.length) for one in self.items)


ISSUER = File(
    df=0,
    ef=0xEF05,
    title="发卡机构基本数据文件",
    items=(
        Item(0x01, 1, "card_id", Kind.HEX, 16),
        Item(0x02, 2, "category", Kind.AN, 1),
        Item(0x03, 3, "version", Kind.AN, 4),
        Item(0x04, 4, "issuer", Kind.CN, 12),
        Item(0x05, 5, "issued_on", Kind.DATE, 4),
        Item(0x06, 6, "expires_on", Kind.DATE, 4),
        Item(0x07, 7, "card_no", Kind.AN, 9, masked=True),
    ),
    vectors=(
        ("card_id", "0110119900D15600000599000001FFFFFFFF", "119900D15600000599000001FFFFFFFF"),
        ("category", "020131", "1"),
        ("version", "0304322E3030", "2.00"),
        ("issuer", "040C119900000000000000FFFFFF", "119900000000000000"),
        ("issued_on", "050420240131", "20240131"),
        ("expires_on", "060400000000", ""),
        ("card_no", "0709413939303030303031", "A99000001"),
    ),
)
HOLDER = File(
    df=0,
    ef=0xEF06,
    title="持卡人基本信息数据文件",
    items=(
        Item(0x08, 1, "number", Kind.AN, 18, masked=True),
        Item(0x09, 2, "name", Kind.AN, 30, masked=True),
        Item(0x4E, 3, "name_more", Kind.AN, 20, masked=True),
        Item(0x0A, 4, "sex", Kind.AN, 1, masked=True),
        Item(0x0B, 5, "nation", Kind.CN, 1, masked=True),
        Item(0x0C, 6, "birthplace", Kind.CN, 3, masked=True),
        Item(0x0D, 7, "born_on", Kind.DATE, 4, masked=True),
    ),
    vectors=(
        ("number", "0812313139393030313939303031303131323341", "11990019900101123A"),
        ("name", "091EB2E2CAD4" + "00" * 26, "测试"),
        ("name_more", "4E14" + "00" * 20, ""),
        ("sex", "0A0131", "1"),
        ("nation", "0B0101", "01"),
        ("birthplace", "0C03119900", "119900"),
        ("born_on", "0D0419900101", "19900101"),
    ),
)
CERTIFICATE = File(
    df=0xDF02,
    ef=0xEF09,
    title="就业创业证 (就业失业登记证) 信息文件",
    items=(
        Item(0x60, 1, "certificate_no", Kind.AN, 20, masked=True),
        Item(0x61, 2, "issuing_area", Kind.CN, 3),
        Item(0x62, 3, "issued_on", Kind.DATE, 4),
        Item(0x63, 4, "status", Kind.AN, 1),
        Item(0x64, 5, "employer", Kind.AN, 70, masked=True),
        Item(0x65, 6, "registered_on", Kind.DATE, 4),
        Item(0x66, 7, "support", Kind.AN, 30, masked=True),
    ),
    vectors=(
        ("certificate_no", "6014" + "3131393930303230323630303031" + "00" * 6, "11990020260001"),
        ("issuing_area", "6103119900", "119900"),
        ("issued_on", "620420260105", "20260105"),
        ("status", "630131", "1"),
        ("employer", "6446" + "B2E2CAD4B3A7" + "00" * 64, "测试厂"),
        ("registered_on", "650400000000", ""),
        ("support", "661E" + "00" * 30, ""),
    ),
)
"""A1-04: `status` is 1 in employment, 2 self-employed, 3 unemployed."""
SETTLEMENTS = Cyclic(
    df=0xDF04,
    ef=0xEF08,
    title="医疗费用结算记录文件 (循环)",
    tag=0x70,
    items=(
        Item(0, 0, "institution", Kind.AN, 12),
        Item(0, 0, "serial", Kind.AN, 20),
        Item(0, 0, "settled_at", Kind.TIME, 7),
        Item(0, 0, "total", Kind.MONEY, 6, masked=True),
        Item(0, 0, "fund", Kind.MONEY, 6, masked=True),
        Item(0, 0, "account", Kind.MONEY, 6, masked=True),
        Item(0, 0, "cash", Kind.MONEY, 6, masked=True),
    ),
    slots=10,
    vectors=(
        (
            (
                "483131393930303030310000533100000000000000000000000000000000000020261125083000"
                "000000012345000000010000000000002000000000000345"
            ),
            {
                "institution": "H119900001",
                "serial": "S1",
                "settled_at": "20261125083000",
                "total": "12345",
                "fund": "10000",
                "account": "2000",
                "cash": "345",
            },
        ),
    ),
)
"""A2-52: settlements made while the insurance system could not be reached; `settled_at` is China's time."""
SEAL = Item(0x6F, 8, "seal", Kind.HEX, 21)
"""Of the certificate: whether a write is under way, what was there and what is to be, and a check over these."""
JOURNAL = tuple(
    Item(one.tag | 0x80, one.record + 10, one.name, Kind.HEX, one.length, one.masked) for one in CERTIFICATE
)
"""Of the certificate: what was there before the write that is under way."""
FILES = (ISSUER, HOLDER, CERTIFICATE)
