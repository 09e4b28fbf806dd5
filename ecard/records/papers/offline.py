"""Checking a paper with no network: the file with its signature, or the code that was scanned from a sheet.

    verifier = PaperVerifier.load(bundle, anchors=…, now=time.time())
    verdict = verifier.verify(pdf)         # the file
    said = verifier.read_code(scanned)     # a sheet: compare what it says with the sheet

A file is accepted when one signature covers all of it, its certificate leads to the bureau's root, nothing was added
since, and what is attached is what its code speaks of.
"""

import base64
import io
import logging
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from ecard import tokens
from ecard.keys import from_jwk
from ecard.records.errors import DocumentBundleRefused, DocumentKeyRevoked, DocumentRefused
from ecard.records.papers.model import CONTENT, STATEMENT, Sheet, Statement, digest_of, token_of
from ecard.tokens import PublicKey, TokenRefused, TokenType

LONGEST_FILE = 5_000_000
"""Bytes of the longest file that is looked at; a paper has 20,000 to 200,000."""
LONGEST_CODE = 4096


class PaperVerdict(NamedTuple):
    """An accepted file: what it is, whose (masked), and its digest for the question online. Times are Unix seconds."""

    number: str
    item: str
    title: str
    issuer: str
    issued_at: int
    name: str
    id_no: str
    complete: bool
    facts: dict[str, str]
    sha256: str
    keys_as_of: int


class PaperVerifier:
    """Verifies papers against one bundle (GET /v1/documents/bundle)."""

    def __init__(self, claims: Mapping[str, Any]) -> None:
        """Take a bundle's claims; raises DocumentBundleRefused."""
        self.as_of: int = claims["iat"]
        try:
            self._keys = {one["kid"]: PublicKey(*from_jwk(one)) for one in claims["keys"]}
            self._certificates = {
                sha256(base64.b64decode(one["x5c"])).digest(): one["kid"] for one in claims["certificates"]
            }
            self._roots = [x509.Certificate.load(base64.b64decode(one)) for one in claims["roots"]]
            self._revoked = frozenset(claims["revoked"])
        except (KeyError, TypeError, ValueError):
            raise DocumentBundleRefused(reason="claims") from None

    @classmethod
    def load(cls, bundle: str, *, anchors: Mapping[str, PublicKey], now: float) -> "PaperVerifier":
        """Return the verifier of a bundle signed by one of `anchors`; raises DocumentBundleRefused with a `reason`."""
        try:
            issuer = str(tokens.unverified(bundle)[1].get("iss"))
            claims = tokens.read(bundle, anchors, typ=TokenType.DOCUMENTS, issuer=issuer, audience=None, now=now)
        except TokenRefused as refused:
            raise DocumentBundleRefused(reason=refused.reason) from None
        return cls(claims)

    def read_code(self, scanned: str) -> Statement:
        """Return what a scanned code says; raises DocumentRefused or DocumentKeyRevoked."""
        return self._statement(token_of(scanned[:LONGEST_CODE]))[0]

    def verify(self, pdf: bytes) -> PaperVerdict:
        """Return what a file proves; raises DocumentRefused (with a `reason`) or DocumentKeyRevoked."""
        if len(pdf) > LONGEST_FILE:
            raise DocumentRefused(reason="malformed")
        # The library explains at length on its log what it does not like about a file; the reason is the answer here.
        logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
        logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
        try:
            reader = PdfFileReader(io.BytesIO(pdf))
            kid = self._signer(reader)
            content, token = _attached(reader, CONTENT), _attached(reader, STATEMENT).decode("ascii")
            sheet = msgspec.json.decode(content, type=Sheet)
        except DocumentRefused:
            raise
        except Exception:  # noqa: BLE001 - a hostile file: whatever a parser stumbles over, it is no paper of ours
            raise DocumentRefused(reason="malformed") from None
        said, signed_by = self._statement(token)
        if signed_by != kid:
            raise DocumentRefused(reason="seal")
        if digest_of(content) != said.sha256:
            raise DocumentRefused(reason="digest")
        if sheet.number != said.jti:
            raise DocumentRefused(reason="number")
        return PaperVerdict(
            number=str(sheet.number),
            item=sheet.item,
            title=sheet.title,
            issuer=sheet.issuer,
            issued_at=sheet.issued_at,
            name=said.name,
            id_no=said.id_no,
            complete=sheet.complete,
            facts=dict(said.facts),
            sha256=sha256(pdf).hexdigest(),
            keys_as_of=self.as_of,
        )

    def _signer(self, reader: PdfFileReader) -> str:
        """Return the key that signed all of a file; raises DocumentRefused or DocumentKeyRevoked."""
        signatures = reader.embedded_signatures
        if len(signatures) != 1:
            raise DocumentRefused(reason="signature")
        trusted = ValidationContext(trust_roots=self._roots, allow_fetching=False)
        status = validate_pdf_signature(signatures[0], signer_validation_context=trusted)
        if not (status.intact and status.valid) or status.coverage is not SignatureCoverageLevel.ENTIRE_FILE:
            raise DocumentRefused(reason="changed")
        kid: str | None = self._certificates.get(sha256(signatures[0].signer_cert.dump()).digest())
        if kid is not None and kid in self._revoked:
            raise DocumentKeyRevoked(reason="certificate")
        if kid is None or not status.trusted:
            raise DocumentRefused(reason="certificate")
        return kid

    def _statement(self, token: str) -> tuple[Statement, str]:
        try:
            said = msgspec.convert(tokens.verified(token, self._keys, types=(TokenType.DOCUMENT,)), Statement)
            kid = str(tokens.unverified(token)[0]["kid"])
        except (TokenRefused, msgspec.ValidationError):
            raise DocumentRefused(reason="seal") from None
        if kid in self._revoked:
            raise DocumentKeyRevoked(reason="seal")
        return said, kid


def _attached(reader: PdfFileReader, name: str) -> bytes:
    """Return an attached file of a PDF; KeyError where there is none such, or more than one."""
    names = list(reader.root["/Names"]["/EmbeddedFiles"]["/Names"])
    found = [one.get_object()["/EF"]["/F"] for title, one in zip(names[::2], names[1::2], strict=True) if title == name]
    if len(found) != 1:
        raise KeyError(name)
    return bytes(found[0].data)
