"""A PDF as other programs read it: PDFium for words and pictures, `cryptography` for the signature."""

import ctypes
import hashlib
import re
from typing import Any

import pypdfium2
import zxingcpp
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from pypdfium2 import raw


def words(pdf: bytes) -> list[str]:
    """Return the text of each page, without white space."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return ["".join(page.get_textpage().get_text_range().split()) for page in document]
    finally:
        document.close()


def fonts(pdf: bytes) -> dict[str, bool]:
    """Return the fonts of all text of the first page, and whether each is embedded."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        found = {}
        for one in document[0].get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT]):
            font = raw.FPDFTextObj_GetFont(one.raw)
            found[_name(font)] = raw.FPDFFont_GetIsEmbedded(font) == 1
        return found
    finally:
        document.close()


def _name(font: Any) -> str:
    buffer = ctypes.create_string_buffer(200)
    raw.FPDFFont_GetBaseFontName(font, buffer, 200)
    return buffer.value.decode()


def code(pdf: bytes) -> str:
    """Return what a camera reads of the first page."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        picture = document[0].render(scale=3).to_pil()
    finally:
        document.close()
    [found] = zxingcpp.read_barcodes(picture)
    return str(found.text)


def signer(pdf: bytes) -> x509.Certificate:
    """Return the certificate whose key signed all of a PDF; raises where the signature is not right (RFC 5652 §5.4)."""
    [parts] = re.findall(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", pdf)
    start, first, second, last = map(int, parts)
    assert (start, second + last) == (0, len(pdf))
    der = bytes.fromhex(pdf[first + 1 : second - 1].decode())
    signed = cms.ContentInfo.load(der)["content"]
    [info] = signed["signer_infos"]
    attributes = {one["type"].native: one["values"] for one in info["signed_attrs"]}
    digest = hashlib.sha256(pdf[:first] + pdf[second:]).digest()
    assert attributes["message_digest"][0].native == digest
    assert "signing_certificate_v2" in attributes
    certificates = [x509.load_der_x509_certificate(one.chosen.dump()) for one in signed["certificates"]]
    wanted = info["sid"].chosen["serial_number"].native
    [found] = [one for one in certificates if one.serial_number == wanted]
    key = found.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(info["signature"].native, info["signed_attrs"].untag().dump(), ec.ECDSA(SHA256()))
    return found
