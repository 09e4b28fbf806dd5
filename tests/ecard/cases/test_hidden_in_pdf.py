"""What a PDF hides from a careless look: a bomb or a script that any reader would find is found."""

import struct
import time
import zlib
from base64 import b64encode

import pytest

from ecard.cases.errors import MaterialUnsafe
from ecard.cases.inspection import INFLATED, media_type
from tests.bureau import Bureau, refused

BOMB = zlib.compress(b"\0" * (INFLATED + 1))
SCRIPT = b"1 0 <</S /JavaScript /JS (app.alert(1))>>"
HIDDEN = zlib.compress(SCRIPT)
FLATE, OBJECTS = b"/Filter /FlateDecode", b"/Type /ObjStm /Filter /FlateDecode"


def pdf(about: bytes, raw: bytes, before: bytes = b"\nstream\n") -> bytes:
    head = b"%%PDF-1.7\n2 0 obj <<%b /Length %d>>" % (about, len(raw))
    return head + before + raw + b"\nendstream endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"


def decoyed(said: bytes) -> bytes:
    """Return deflated data whose first block stands as it is, and says where a stream ends."""
    stored = b"endstream endobj "
    rest = zlib.compressobj(9, zlib.DEFLATED, -15)
    blocks = b"\0" + struct.pack("<HH", len(stored), 0xFFFF ^ len(stored)) + stored + rest.compress(said) + rest.flush()
    return b"\x78\x01" + blocks + struct.pack(">I", zlib.adler32(stored + said))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pdf(FLATE, BOMB, b" % here it begins\nstream\n"), "inflates"),
        (pdf(FLATE, BOMB, b" stream\r"), "inflates"),
        (pdf(FLATE + b" /Note ( obj)", BOMB), "inflates"),
        (pdf(OBJECTS, HIDDEN, b"%\nstream\n"), "active"),
        (pdf(OBJECTS, decoyed(SCRIPT)), "active"),
        (pdf(b"/Type /ObjStm /Filter 5 0 R", HIDDEN), "filters"),
        (pdf(b"/Type /ObjStm /Filter [/FlateDecode 5 0 R]", HIDDEN), "filters"),
        (pdf(b"/Note (>>\nstream\n) /S /Java#53cript /End (endstream)", b""), "active"),
    ],
)
def test_what_a_reader_would_find_is_found(bureau: Bureau, content: bytes, reason: str) -> None:
    with refused("material_unsafe", 422) as refusal:
        bureau.phone().call("POST", "/v1/me/case-materials", {"content": b64encode(content).decode()})
    assert refusal.value.problem["reason"] == reason


def test_a_stream_in_which_an_end_is_mentioned_is_read_to_its_own() -> None:
    assert media_type(pdf(OBJECTS, decoyed(b"1 0 <</Type /Page>>"))) == "application/pdf"


@pytest.mark.parametrize(
    "filling", [b"#41" * 3_000_000, b"<<>>stream\nendstream\n" * 400_000], ids=["names", "streams"]
)
def test_a_file_that_is_long_to_look_at_is_refused_before_it_is(filling: bytes) -> None:
    began = time.process_time()
    with pytest.raises(MaterialUnsafe):
        media_type(b"%PDF-1.7\n" + filling + b"%%EOF")
    assert time.process_time() - began < 5
