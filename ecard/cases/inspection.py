"""What an uploaded material is, by its content and never by its name, and whether it is safe to open; pure.

PDF (ISO 32000-1), JPEG (ITU-T T.81), PNG (W3C PNG). Nothing is rendered: a file is walked through once, within limits
that hold whatever it claims about itself. Who opens a material still does so in a reader that runs nothing: what is
refused here is what would harm the server, and the plain ways to harm a reader.
"""

import base64
import re
import struct
import zlib

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
_FEED = 1 << 12
_STREAMS, _ESCAPES = 20_000, 100_000
"""Streams of a PDF, and characters spelled #xx, that are looked at: a scan has hundreds, and no name needs them."""
_STEPS = 100_000
"""Markers of a JPEG, or chunks of a PNG, that are walked through."""

# Names that make a reader run, open or fetch something, and one that hides from us what is inside.
_ACTIVE = re.compile(
    rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|SubmitForm|ImportData|XFA|GoToE)(?![A-Za-z0-9])"
)
# Those too long to be met by chance, which are nowhere in a file, whatever it says to be data there.
_ANYWHERE = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|SubmitForm|ImportData)(?![A-Za-z0-9])")
_ENCRYPTED = re.compile(rb"/Encrypt(?![A-Za-z0-9])")
_STREAM = re.compile(rb"(?<![A-Za-z])stream(?:\r\n|\n|\r)")
_UNPLAIN_FILTER = re.compile(rb"/Filter(?![A-Za-z0-9])(?!\s*(?:/[\w.]+|\[(?:\s*/\w+)*\s*\]))")
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
    if _ANYWHERE.search(_plain(content)):
        raise MaterialUnsafe(reason="active")
    left, at = INFLATED, 0
    for _ in range(_STREAMS):
        found = _STREAM.search(content, at)
        if found is None:
            _check_names(content[at:])
            return
        # All since the stream before: where its dictionary begins, a string in it could lie about.
        about = _plain(content[at : found.end()])
        _check_names(about)
        size, ends = _check_stream(about, content, found.end(), left)
        left -= size
        at = content.find(b"endstream", ends)
        if at < 0:
            raise MaterialDamaged
    raise MaterialUnsafe(reason="streams")


def _check_stream(about: bytes, content: bytes, start: int, left: int) -> tuple[int, int]:
    """Return how many bytes a stream comes to and where its data ends; the names in an object stream are read.

    Deflated data and ASCII85 say themselves where they end, and "endstream" may stand in them.
    """
    if _UNPLAIN_FILTER.search(about):
        raise MaterialUnsafe(reason="filters")
    filters = [_SHORT.get(name, name) for name in _FILTER.findall(about)]
    raw, ends = content[start : content.find(b"endstream", start)], start
    if text := filters[:1] == [b"ASCII85Decode"]:
        ends = content.find(b"~>", start)
        raw, filters = _ascii85(content[start:ends]), filters[1:]
    if filters[-1:] and filters[-1] in _PICTURES:
        filters = filters[:-1]
    if filters not in ([], [b"FlateDecode"]):
        raise MaterialUnsafe(reason="filters")
    size, objects = 0, b"/ObjStm" in about
    if filters and text:
        size, raw, _ = _inflated(raw, 0, left, keep=objects)
    elif filters:
        size, raw, ends = _inflated(content, start, left, keep=objects)
    if objects:
        _check_names(raw)
    return size, ends


def _ascii85(raw: bytes) -> bytes:
    try:
        return base64.a85decode(raw, ignorechars=b" \t\n\r\v\0\f")
    except ValueError:
        raise MaterialDamaged from None


def _inflated(raw: bytes, start: int, left: int, *, keep: bool) -> tuple[int, bytes, int]:
    """Return how many bytes deflated data comes to, these if they are to be kept, and where it ends.

    What breaks off ends there, as a reader would take it; it may have been looked for further on, and costs that.
    """
    inflate, held, size, at = zlib.decompressobj(), bytearray(), 0, start
    while at < len(raw) and not inflate.eof:
        feed = raw[at : at + _FEED]
        at += len(feed)
        while feed and not inflate.eof:
            try:
                piece = inflate.decompress(feed, _CHUNK)
            except zlib.error:
                return size + at - start, bytes(held), start
            size += len(piece)
            if size > left:
                raise MaterialUnsafe(reason="inflates")
            held += piece if keep else b""
            feed = inflate.unconsumed_tail
    if not inflate.eof:
        return size + at - start, bytes(held), start
    return size, bytes(held), at - len(inflate.unused_data)


def _plain(text: bytes) -> bytes:
    """Return a dictionary with the names that are spelled with #xx as they read (ISO 32000-1, 7.3.5)."""
    if text.count(b"#") > _ESCAPES:
        raise MaterialUnsafe(reason="names")
    return _HEX_NAME.sub(lambda found: bytes([int(found[1], 16)]), text) if b"#" in text else text


def _check_names(text: bytes) -> None:
    if _ACTIVE.search(plain := _plain(text)):
        raise MaterialUnsafe(reason="active")
    if _ENCRYPTED.search(plain):
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
    # By parts: zlib copies whatever it has not come to yet, each time.
    for start in range(0, len(feed), _FEED):
        part = feed[start : start + _FEED]
        while part and not inflate.eof:
            try:
                size += len(inflate.decompress(part, _CHUNK))
            except zlib.error:
                raise MaterialDamaged from None
            if size > left:
                raise MaterialUnsafe(reason="inflates")
            part = inflate.unconsumed_tail
    return size


def _check_size(height: int, width: int) -> None:
    if not height or not width:
        raise MaterialDamaged
    if height * width > PIXELS:
        raise MaterialUnsafe(reason="pixels")
