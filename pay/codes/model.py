"""订单码 (order code): what stands in it, and what a strict reader makes of it; pure.

    00 "01"    01 "11" static or "12" dynamic    26-51 accounts, ours by its identifier
    52 category    53 "156"    54 amount (dynamic)    58 "CN"    59 name    60 city
    62 additional data (05 reference)    64 name in Chinese    63 checksum, always last

A static code (静态码) is a merchant's own, on paper: the payer types the amount, and 银发〔2017〕296号 allows 500
yuan a day (class D). A dynamic code (动态码) is that of one order and bears its amount. Whatever the text says,
the order is the one in the database: the text only names it, and one that says otherwise is refused.
"""

import re
from enum import StrEnum
from uuid import UUID

import msgspec

from pay.codes import tlv
from pay.codes.errors import (
    OrderCodeChecksum,
    OrderCodeCurrency,
    OrderCodeForeign,
    OrderCodeMalformed,
    OrderCodeTooLong,
    OrderCodeTruncated,
    OrderCodeVersion,
)

MAX_TEXT = 512
"""Characters of the longest payload (EMVCo MPM §4.2.1)."""
SCHEME = "9d3c57f0a1b2486ebf2e64017c5aa8d1"
"""Our globally unique identifier in an account template: a UUID without hyphens, made for this and never changed."""
CURRENCY, COUNTRY = "156", "CN"
_FORMAT = "01"
_TEMPLATES = range(26, 52)
_NAME, _CITY, _ALTERNATE = 25, 15, 25
_CRC = re.compile(r"[0-9A-F]{4}")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,9})(?:\.([0-9]{2}))?")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


class CodeKind(StrEnum):
    """Whose amount it is: the payer's in a static code, the order's in a dynamic one."""

    STATIC = "static"
    DYNAMIC = "dynamic"


_INITIATION = {"11": CodeKind.STATIC, "12": CodeKind.DYNAMIC}


class OrderCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a code says: which code of ours it is, its kind, and the amount in 分 (None where the payer says it)."""

    id: UUID
    kind: CodeKind
    amount: int | None
    category: str
    name: str
    city: str


def text(code: OrderCode) -> str:
    """Return the code as a QR code shows it.

    A name that is not ASCII stands in template 64 (language "zh"), with 59 saying "ECARD" for readers of 59 only.
    """
    latin = code.name if _PRINTABLE.fullmatch(code.name) else "ECARD"
    objects = [
        ("00", _FORMAT),
        ("01", "11" if code.kind is CodeKind.STATIC else "12"),
        ("26", tlv.encode([("00", SCHEME), ("01", code.id.hex)])),
        ("52", code.category),
        ("53", CURRENCY),
        *([("54", _yuan(code.amount))] if code.amount is not None else []),
        ("58", COUNTRY),
        ("59", latin[:_NAME]),
        ("60", code.city[:_CITY]),
        ("62", tlv.encode([("05", code.id.hex[-12:])])),
    ]
    if latin != code.name:
        # Readers count characters beyond the first plane as one or as two: the geta mark 〓 stands for them.
        plain = re.sub(r"[\U00010000-\U0010ffff]", "〓", code.name)
        objects.append(("64", tlv.encode([("00", "zh"), ("01", plain[:_ALTERNATE])])))
    return sealed(tlv.encode(objects))


def sealed(payload: str) -> str:
    """Return `payload` with its checksum (63), which covers the checksum's own tag and length."""
    covered = payload + "6304"
    return f"{covered}{tlv.crc16(covered.encode()):04X}"


def parse(scanned: str) -> OrderCode:
    """Take a scanned text apart, strictly.

    Raises OrderCodeTooLong, OrderCodeTruncated, OrderCodeMalformed, OrderCodeVersion, OrderCodeChecksum,
    OrderCodeForeign or OrderCodeCurrency. That the order is real and says the same is the caller's next question.
    """
    if len(scanned) > MAX_TEXT:
        raise OrderCodeTooLong
    found = tlv.decode(scanned)
    _check_form(scanned, found)
    template = _ours(found)
    if (found.get("53"), found.get("58")) != (CURRENCY, COUNTRY):
        raise OrderCodeCurrency
    kind = _INITIATION.get(found.get("01", ""))
    if kind is None or not {"52", "59", "60"} <= found.keys() or (kind is CodeKind.DYNAMIC) != ("54" in found):
        raise OrderCodeMalformed
    alternate = tlv.decode(found.get("64", ""))
    return OrderCode(
        id=_reference(template),
        kind=kind,
        amount=_fen(found["54"]) if "54" in found else None,
        category=found["52"],
        name=alternate.get("01", found["59"]),
        city=found["60"],
    )


def _check_form(scanned: str, found: dict[str, str]) -> None:
    """Check what every payload must have: the format first, the checksum last and right."""
    tags = list(found)
    if not tags or tags[0] != "00":
        raise OrderCodeTruncated if "00".startswith(scanned) else OrderCodeMalformed
    if found["00"] != _FORMAT:
        raise OrderCodeVersion
    if "63" not in found:
        raise OrderCodeTruncated
    if tags[-1] != "63" or not _CRC.fullmatch(found["63"]):
        raise OrderCodeMalformed
    try:
        covered = scanned[:-4].encode()
    except UnicodeEncodeError:
        raise OrderCodeMalformed from None
    if f"{tlv.crc16(covered):04X}" != found["63"]:
        raise OrderCodeChecksum


def _ours(found: dict[str, str]) -> dict[str, str]:
    """Return our account template among those of several schemes; raises OrderCodeForeign."""
    mine = [value for tag, value in found.items() if int(tag) in _TEMPLATES and value.startswith(f"0032{SCHEME}")]
    if not mine:
        raise OrderCodeForeign
    if len(mine) > 1:
        raise OrderCodeMalformed
    return tlv.decode(mine[0])


def _reference(template: dict[str, str]) -> UUID:
    hexadecimal = template.get("01", "")
    if not re.fullmatch(r"[0-9a-f]{32}", hexadecimal):
        raise OrderCodeMalformed
    return UUID(hexadecimal)


def _yuan(fen: int) -> str:
    """Return an amount as tag 54 writes it ("12.30"), whole yuan without decimals."""
    return f"{fen // 100}.{fen % 100:02d}" if fen % 100 else str(fen // 100)


def _fen(yuan: str) -> int:
    """Return the amount of tag 54 in 分; raises OrderCodeMalformed, also for none at all."""
    whole = _AMOUNT.fullmatch(yuan)
    fen = int(whole[1]) * 100 + int(whole[2] or 0) if whole else 0
    if fen <= 0:
        raise OrderCodeMalformed
    return fen
