"""What an uploaded material is, by its content and never by its name, and whether it is safe to open; pure.

PDF (ISO 32000-1), JPEG (ITU-T T.81), PNG (W3C PNG). Nothing is rendered: a file is walked through once, within limits
that hold whatever it claims about itself. Who opens a material still does so in a reader that runs nothing: what is
refused here is what would harm the server, and the plain ways to harm a reader.
"""

import base64
import contextlib
import re
import struct
import zlib
from collections.abc import Iterator

from ecard.cases.errors import MaterialDamaged, MaterialTypeRefused, MaterialUnsafe

INFLATED = 64 * 1024 * 1024
"""Bytes that all of a PDF's streams may come to, and a PNG's picture: beyond is a bomb."""
PIXELS = 50_000_000
"""Pixels of the largest picture: A4 at 600 dpi has 35 million."""
ACCEPTED = ("application/pdf", "image/jpeg", "image/png")
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_PDF = b"%PDF-1."
_PDF2 = b"%PDF-2."
_TAIL = 2048
_CHUNK = 1 << 16
_STEPS = 100_000
"""Markers of a JPEG, or chunks of a PNG, that are walked through."""


def _spelled(name: str) -> str:
    """Return a pattern of a PDF name however it is spelled: each letter as it is, or as #xx (ISO 32000-1, 7.3.5)."""
    digits = ("".join(f"[{one}{one.upper()}]" if one.isalpha() else one for one in f"{ord(x):02x}") for x in name)
    return "".join(f"(?:{letter}|#{digit})" for letter, digit in zip(name, digits, strict=True))


def _names(*names: str) -> "re.Pattern[bytes]":
    return re.compile(f"/(?:{'|'.join(map(_spelled, names))})(?![A-Za-z0-9#])".encode())


# Names that make a reader run, open or fetch something, and one that hides from us what is inside.
_ACTIVE = _names(
    "JavaScript",
    "JS",
    "Launch",
    "EmbeddedFile",
    "EmbeddedFiles",
    "RichMedia",
    "SubmitForm",
    "ImportData",
    "XFA",
    "GoToE",
)
_ENCRYPTED = _names("Encrypt")
_STREAM = re.compile(rb">>\s*stream\r?\n")
_FILTER = re.compile(rb"/(\w+Decode|A85|AHx|LZW|Fl|RL|CCF|DCT|Crypt)(?![A-Za-z0-9])")
_SHORT = {b"A85": b"ASCII85Decode", b"Fl": b"FlateDecode", b"DCT": b"DCTDecode", b"CCF": b"CCITTFaxDecode"}
_PICTURES = {b"DCTDecode", b"CCITTFaxDecode"}
_HEX_NAME = re.compile(rb"#([0-9A-Fa-f]{2})")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""SOF markers: those that say how large the picture is."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length."""
_MARKER, _SCAN = 0xFF, 0xDA
"""What begins a marker; the marker after which the picture itself stands."""
_HEADER_BYTES, _CRC_BYTES = 13, 4


def media_type(content: bytes) -> str:
    """Return the media type of `content`.

    Raises MaterialTypeRefused with `accepted`, MaterialDamaged, MaterialUnsafe with `reason`.
    """
    if content.startswith((_PDF, _PDF2)):
        _check_pdf(content)
        return "application/pdf"
    if content.startswith(_JPEG):
        _check_jpeg(content)
        return "image/jpeg"
    if content.startswith(_PNG):
        _check_png(content)
        return "image/png"
    raise MaterialTypeRefused(accepted=list(ACCEPTED))


def _check_pdf(content: bytes) -> None:
    if b"%%EOF" not in content[-_TAIL:]:
        raise MaterialDamaged
    left, at = INFLATED, 0
    while found := _STREAM.search(content, at):
        outside = content[at : found.end()]
        _check_names(outside)
        ends = content.find(b"endstream", found.end())
        if ends < 0:
            raise MaterialDamaged
        about = outside[max(outside.rfind(b" obj"), 0) :]
        if len(about) > _CHUNK:
            raise MaterialUnsafe(reason="filters")
        about = _plain(about)
        left -= _check_stream(about, content[found.end() : ends], left)
        at = ends
    _check_names(content[at:])


def _check_stream(about: bytes, raw: bytes, left: int) -> int:
    """Return how many bytes a stream comes to, by what its dictionary says; the names in an object stream are read."""
    filters = [_SHORT.get(name, name) for name in _FILTER.findall(about)]
    if filters[:1] == [b"ASCII85Decode"]:
        try:
            raw = base64.a85decode(raw.strip().removesuffix(b"~>"), ignorechars=b" \t\n\r\v\0\f")
        except ValueError:
            raise MaterialDamaged from None
        filters = filters[1:]
    if filters[-1:] and filters[-1] in _PICTURES:
        filters = filters[:-1]
    if filters not in ([], [b"FlateDecode"]):
        raise MaterialUnsafe(reason="filters")
    size, objects = 0, b"/ObjStm" in about
    held = [] if filters else [raw]
    for piece in _inflated(raw) if filters else ():
        size += len(piece)
        if size > left:
            raise MaterialUnsafe(reason="inflates")
        if objects:
            held.append(piece)
    if objects:
        _check_names(b"".join(held))
    return size


def _inflated(raw: bytes) -> Iterator[bytes]:
    """Yield a deflated stream piece by piece; one that breaks off ends there, as a reader would take it."""
    inflate = zlib.decompressobj()
    with contextlib.suppress(zlib.error):
        yield from _pieces(inflate, raw)
        while piece := inflate.decompress(b"", _CHUNK):
            yield piece


def _pieces(inflate: "zlib._Decompress", feed: bytes) -> Iterator[bytes]:
    """Yield what a part of a deflated stream adds; fed by parts, since zlib copies what it has not come to yet."""
    for start in range(0, len(feed), _CHUNK):
        part = feed[start : start + _CHUNK]
        while part and not inflate.eof:
            yield inflate.decompress(part, _CHUNK)
            part = inflate.unconsumed_tail


def _plain(text: bytes) -> bytes:
    """Return a dictionary with the names that are spelled with #xx as they read (ISO 32000-1, 7.3.5)."""
    return _HEX_NAME.sub(lambda found: bytes([int(found[1], 16)]), text) if b"#" in text else text


def _check_names(text: bytes) -> None:
    if _ACTIVE.search(text):
        raise MaterialUnsafe(reason="active")
    if _ENCRYPTED.search(text):
        raise MaterialUnsafe(reason="encrypted")


def _check_jpeg(content: bytes) -> None:
    at, sized = 2, False
    for _ in range(_STEPS):
        if at + 4 > len(content):
            break
        if content[at] != _MARKER:
            raise MaterialDamaged
        marker = content[at + 1]
        if marker == _MARKER or marker in _ALONE:
            at += 1 if marker == _MARKER else 2
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        if marker in _FRAMES:
            if at + 9 > len(content):
                raise MaterialDamaged
            _check_size(*struct.unpack_from(">HH", content, at + 5))
            sized = True
        if marker == _SCAN:  # the picture itself: what follows is not walked
            if sized and b"\xff\xd9" in content[at:]:
                return
            raise MaterialDamaged
        at += 2 + length
    raise MaterialDamaged


def _check_png(content: bytes) -> None:
    at, names = len(_PNG), list[bytes]()
    inflate, size = zlib.decompressobj(), 0
    for _ in range(_STEPS):
        if at + 12 > len(content):
            break
        length, name = struct.unpack_from(">I4s", content, at)
        body = content[at + 8 : at + 8 + length]
        crc = content[at + 8 + length : at + 12 + length]
        if len(crc) < _CRC_BYTES or struct.unpack(">I", crc)[0] != zlib.crc32(name + body):
            raise MaterialDamaged
        if not names and (name != b"IHDR" or length != _HEADER_BYTES):
            raise MaterialDamaged
        names.append(name)
        if name == b"IHDR":
            _check_size(*struct.unpack_from(">II", body))
        if name == b"IDAT":
            size += _counted(inflate, body, INFLATED * 4 - size)
        at += 12 + length
        if name == b"IEND":
            break
    if names[-1:] != [b"IEND"] or b"IDAT" not in names or at != len(content):
        raise MaterialDamaged


def _counted(inflate: "zlib._Decompress", feed: bytes, left: int) -> int:
    """Return how many bytes a part of a PNG's picture comes to, at most `left` and one piece."""
    size = 0
    try:
        for piece in _pieces(inflate, feed):
            size += len(piece)
            if size > left:
                raise MaterialUnsafe(reason="inflates")
    except zlib.error:
        raise MaterialDamaged from None
    return size


def _check_size(height: int, width: int) -> None:
    if not height or not width:
        raise MaterialDamaged
    if height * width > PIXELS:
        raise MaterialUnsafe(reason="pixels")
