"""A material is what its content is, harmless, sealed, kept once, and read by its applicant and reviewer alone."""

import struct
import zlib
from base64 import a85encode, b64encode

import msgspec
import pytest

from ecard.cases.model import MATERIAL_BYTES
from ecard.client import cases
from tests.bureau import Bureau, refused, rows, send
from tests.ecard.cases.office import bank, reviewers, visit

TAIL = b"\nxref\n0 1\ntrailer <</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"
HEAD = b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n"


def stream(about: bytes, raw: bytes) -> bytes:
    return HEAD + b"2 0 obj <<%b /Length %d>>\nstream\n%b\nendstream endobj" % (about, len(raw), raw) + TAIL


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, pixels: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    frame = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"
    return b"\xff\xd8\xff\xe0\x00\x04JF" + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00?\x00\x00\xff\xd9"


TEXT = zlib.compress(b"BT (certificate) Tj ET")
PDF = stream(b"/Filter /FlateDecode", TEXT)
NAMES = zlib.compress(b"1 0 <</S /JavaScript /JS (app.alert(1))>>")


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (PDF, "application/pdf"),
        (stream(b"/Filter /DCTDecode", jpeg(8, 8)), "application/pdf"),
        (stream(b"/Filter [/ASCII85Decode /FlateDecode]", a85encode(TEXT) + b"~>"), "application/pdf"),
        (jpeg(2480, 3508), "image/jpeg"),
        (png(1, 1, b"\0\0"), "image/png"),
    ],
)
def test_what_a_scanner_makes_is_taken_for_what_it_is(bureau: Bureau, content: bytes, media: str) -> None:
    kept = bureau.terminal().call("POST", "/v1/case-materials", {"content": b64encode(content).decode()}).json()
    assert (kept["media"], kept["size"]) == (media, len(content))


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        (b"MZ\x90\x00 this is no document", "material_type_refused", None),
        (b"<html><script>alert(1)</script></html>", "material_type_refused", None),
        (b"GIF89a", "material_type_refused", None),
        (b"", "material_type_refused", None),
        (HEAD, "material_damaged", None),
        (PDF.replace(b"endstream", b"endobject"), "material_damaged", None),
        (stream(b"/Filter /FlateDecode", zlib.compress(bytes(65 << 20), 9)), "material_unsafe", "inflates"),
        (stream(b"/Filter [/FlateDecode /FlateDecode]", zlib.compress(TEXT)), "material_unsafe", "filters"),
        (stream(b"/Filter /LZWDecode", TEXT), "material_unsafe", "filters"),
        (stream(b"/Filter /Fl#61teDecode /F /LZW", TEXT), "material_unsafe", "filters"),
        (PDF.replace(b"/Catalog", b"/Catalog /OpenAction <</S /JavaScript>>"), "material_unsafe", "active"),
        (PDF.replace(b"/Catalog", b"/Catalog /AA <</O <</S /L#61unch>>>>"), "material_unsafe", "active"),
        (PDF.replace(b"/Root", b"/Encrypt 9 0 R /Root"), "material_unsafe", "encrypted"),
        (stream(b"/Type /ObjStm /Filter /FlateDecode", NAMES), "material_unsafe", "active"),
        (jpeg(60000, 60000), "material_unsafe", "pixels"),
        (jpeg(8, 8)[:12], "material_damaged", None),
        (png(60000, 60000, b""), "material_unsafe", "pixels"),
        (png(1, 1, b"\0\0")[:-1], "material_damaged", None),
        (png(1, 1, b"\0\0") + b"PK\x03\x04", "material_damaged", None),
        (png(1, 1, bytes(257 << 20)), "material_unsafe", "inflates"),
    ],
    ids=map(str, range(20)),
)
def test_what_is_of_another_type_or_may_do_harm_is_refused(
    bureau: Bureau, content: bytes, code: str, reason: str | None
) -> None:
    with refused(code, 422) as refusal:
        cases.upload(bureau.terminal(), content)
    assert refusal.value.problem.get("reason") == reason


def test_the_largest_material_is_taken_and_one_byte_more_is_not(bureau: Bureau) -> None:
    counter = bureau.terminal()
    largest = PDF.replace(HEAD, HEAD + b"%" + b"x" * (MATERIAL_BYTES - len(PDF) - 2) + b"\n")
    assert len(largest) == MATERIAL_BYTES
    assert cases.upload(counter, largest)
    for more in (b"\n", bytes(4096)):
        with refused("body_too_large", 413):
            cases.upload(counter, largest + more)


def test_no_large_body_is_taken_in_for_somebody_without_a_session(bureau: Bureau) -> None:
    body = msgspec.json.encode({"content": "A" * 200_000})
    named = {"Signature-Input": 'sig=("@method");created=1;keyid="x";alg="hmac-sha256"', "Signature": "sig=:AA==:"}
    for headers in ({}, named):
        answer = bureau.http.post("/v1/case-materials", content=body, headers=headers)
        assert answer.status_code == 401
    answer = send(bureau.terminal(), "POST", "/v1/cases", body, key="large")
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_content_is_kept_once_and_nowhere_in_the_clear(bureau: Bureau) -> None:
    assert bureau.settings is not None
    counter, content = bureau.terminal(), PDF.replace(b"Catalog", b"Catalog /N (%d)" % id(bureau))
    first, second = cases.upload(counter, content), cases.upload(counter, content)
    assert first != second
    sql = """
        SELECT c.sealed, c.address FROM case_content c JOIN case_material m ON m.address = c.address
        WHERE m.id = any ($1)
    """
    kept = {(row["sealed"], row["address"]) for row in rows(bureau.settings, sql, [first, second])}
    assert len(kept) == 1
    assert all(b"Catalog" not in sealed for sealed, _ in kept)


def test_a_material_is_read_by_the_applicant_and_whoever_has_the_case_in_hand(bureau: Bureau) -> None:
    phone, (first, second, *_) = bureau.phone(), reviewers(bureau)
    material = cases.upload(phone, PDF)
    case = cases.open_case(phone, phone.do("A1-07"), materials=[material])
    shown = phone.call("GET", f"/v1/me/cases/{case['id']}/materials/{material}")
    assert (shown.content, shown.headers["x-content-type-options"]) == (PDF, "nosniff")
    with refused("not_found", 404):
        bureau.phone().call("GET", f"/v1/me/cases/{case['id']}/materials/{material}")
    cases.assign(first, case)
    read = f"/v1/case-reviews/{case['id']}/materials/{material}"
    assert first.call("GET", read).content == PDF
    with refused("case_not_in_hand", 403):
        second.call("GET", read)
    with refused("case_not_delegated", 403):
        counter = bank(bureau).counter
        other = cases.open_case(counter, visit(counter, phone, "A3-25"), form={"mobile": "13900000001"})
        counter.call("GET", f"/v1/cases/{other['id']}/materials/{material}")


def test_a_material_is_its_uploaders_and_one_cases(bureau: Bureau) -> None:
    counter, phone = bureau.terminal(), bureau.phone()
    material = cases.upload(counter)
    with refused("material_unknown", 404):
        cases.open_case(phone, phone.do("A1-07"), materials=[material])
    cases.open_case(counter, visit(counter, phone, "A1-07"), materials=[material])
    with refused("material_unknown", 404):
        cases.open_case(counter, visit(counter, phone, "A1-07"), materials=[material])
