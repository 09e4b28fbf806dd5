"""The bureau's signature in a PDF: PAdES baseline B-B (ETSI EN 319 142-1) by pyHanko, with a key of the ring."""

import io

from asn1crypto import algos, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_cms import Signer as PdfKey
from pyhanko_certvalidator.registry import SimpleCertificateStore

from ecard.keyring.model import Key
from ecard.keys import SIGNATURE_BYTES, Suite
from ecard.records.papers.certificates import ORGANISATION, signature_algorithm, signed

FIELD = "Bureau"
"""The name of the signature's field."""


class RingKey(PdfKey):
    """A key of the ring as pyHanko asks for signatures."""

    def __init__(self, key: Key, certificate: x509.Certificate, issuer: x509.Certificate) -> None:
        super().__init__(
            signing_cert=certificate,
            cert_registry=SimpleCertificateStore.from_certs([issuer]),  # type: ignore[no-untyped-call] # the library leaves it so
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": signature_algorithm(key.suite)}),
        )
        self._key = key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: FBT001, FBT002 - pyHanko's own signature
        """Return the signature of `data`; of a dry run, as many bytes as one has at most."""
        del digest_algorithm
        return bytes(SIGNATURE_BYTES + 8) if dry_run else signed(self._key.signer, data)


def seal(pdf: bytes, key: Key, certificate: bytes, issuer: bytes) -> bytes:
    """Return the PDF signed as a whole by `key`; the certificates are DER. It computes: call it in a thread."""
    signer = RingKey(key, x509.Certificate.load(certificate), x509.Certificate.load(issuer))
    # RFC 8419 §3: with Ed25519 the digest is SHA-512.
    digest = "sha256" if key.suite is Suite.ES256 else "sha512"
    about = PdfSignatureMetadata(
        field_name=FIELD, md_algorithm=digest, subfilter=SigSeedSubFilter.PADES, name=ORGANISATION, reason="电子签发"
    )
    out = io.BytesIO()
    PdfSigner(about, signer=signer).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=out)
    return out.getvalue()
