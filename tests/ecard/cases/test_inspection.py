"""Looking at a material costs little, whatever it claims of itself, and names in a PDF are read however spelled."""

import contextlib
import os
import struct
import time
import zlib
from collections.abc import Callable

import pytest

from ecard.cases.errors import MaterialDamaged, MaterialUnsafe
from ecard.cases.inspection import media_type

MIB = 1 << 20
SECONDS = 8.0
"""Of processor time: twenty times what it takes; each of these took half a minute or more when it was quadratic."""


def pdf(about: bytes, content: bytes) -> bytes:
    packed = zlib.compress(content, 9)
    head = b"%PDF-1.7\n1 0 obj\n<< " + about + b" /Length %d /Filter /FlateDecode >>\nstream\n" % len(packed)
    return head + packed + b"\nendstream\nendobj\n%%EOF\n"


def png(rows: bytes) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 7000, 7000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "made",
    [
        lambda: pdf(b"/Type /ObjStm", b" " * (63 * MIB)),
        lambda: pdf(b"/Type /ObjStm", b"#41" * (21 * MIB)),
        lambda: b"%PDF-1.7\n" + b"#41" * (3 * MIB) + b"\n%%EOF\n",
        lambda: png(b"".join(os.urandom(2400) + bytes(61000) for _ in range(4000))),
    ],
)
def test_what_is_small_and_inflates_is_looked_through_in_a_moment(made: Callable[[], bytes]) -> None:
    content = made()
    began = time.thread_time()
    with contextlib.suppress(MaterialUnsafe):  # a file spelled so is refused, and that is told in a moment too
        media_type(content)
    assert time.thread_time() - began < SECONDS


@pytest.mark.parametrize("content", [b"\xff\xd8" + b"\xff" * (10 * MIB), b"\x89PNG\r\n\x1a\n" + bytes(10 * MIB)])
def test_what_never_ends_is_not_walked_to_its_end(content: bytes) -> None:
    began = time.thread_time()
    with pytest.raises(MaterialDamaged):
        media_type(content)
    assert time.thread_time() - began < SECONDS


@pytest.mark.parametrize("name", [b"JavaScript", b"J#61vaScript", b"#4a#53", b"#4A#53", b"#45mbedde#64Files"])
def test_a_name_that_acts_is_read_however_it_is_spelled(name: bytes) -> None:
    plain = b"%PDF-1.7\n1 0 obj\n<< /Type /Action /" + name + b" (x) >>\nendobj\n%%EOF\n"
    for content in (plain, pdf(b"/Type /ObjStm", b"1 0 << /" + name + b" 2 0 R >>")):
        with pytest.raises(MaterialUnsafe) as refusal:
            media_type(content)
        assert refusal.value.members["reason"] == "active"


@pytest.mark.parametrize("name", [b"JSON", b"JS#4f", b"Launcher", b"GoToEnd"])
def test_a_name_that_only_begins_like_one_that_acts_is_none(name: bytes) -> None:
    assert media_type(b"%PDF-1.7\n1 0 obj\n<< /" + name + b" (x) >>\nendobj\n%%EOF\n") == "application/pdf"
