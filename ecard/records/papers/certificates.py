"""The bureau's certificates for the keys that sign papers (X.509, RFC 5280), made with keys wherever they live.

A private key of the ring signs bytes and is never seen here, so the certificates are put together as ASN.1. Signatures
are deterministic: the root's certificate made twice is the same.
"""

import datetime
from hashlib import sha1, sha256

from asn1crypto import algos, core, keys, x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ecard.encoding import b64url
from ecard.keyring.model import LIFE, Key, Purpose
from ecard.keys import SIGNATURE_BYTES, Signer, Suite

ORGANISATION = "电子社会保障卡平台"
"""Who issues papers, as it stands on them and in the certificates."""
_HALF = SIGNATURE_BYTES // 2
_USE = {Purpose.DOCUMENT: 365 * 86400, Purpose.DOCUMENT_CA: 10 * 365 * 86400}
"""Seconds that a key is thought to be in use, at most; a certificate lasts for them and for as long as it verifies."""
_SKEW = 86400


def signature_algorithm(suite: Suite) -> str:
    """Return the name of a suite's signatures in certificates and PDFs (RFC 5758 §3.2, RFC 8410 §3)."""
    return "sha256_ecdsa" if suite is Suite.ES256 else "ed25519"


def signed(signer: Signer, message: bytes) -> bytes:
    """Return a signature as X.509 and CMS write it: ECDSA's as DER (RFC 5480 Appendix A)."""
    raw = signer.sign(message)
    if signer.suite is Suite.EDDSA:
        return raw
    return encode_dss_signature(int.from_bytes(raw[:_HALF]), int.from_bytes(raw[_HALF:]))


def certificate(key: Key, issuer: Key) -> x509.Certificate:
    """Return the certificate of `key`, signed by `issuer`: a root where they are one, else of one that signs papers."""
    root = key.kid == issuer.kid
    began = datetime.datetime.fromtimestamp(int(key.created_at), datetime.UTC)
    ends = began + datetime.timedelta(seconds=_USE[key.purpose] + LIFE[key.purpose])
    tbs = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": int.from_bytes(sha256(f"{issuer.kid} {key.kid}".encode()).digest()[:16]) >> 1,
            "signature": _algorithm(issuer.suite),
            "issuer": _name(issuer),
            "validity": {
                "not_before": x509.Time({"general_time": began - datetime.timedelta(seconds=_SKEW)}),
                "not_after": x509.Time({"general_time": ends}),
            },
            "subject": _name(key),
            "subject_public_key_info": _public(key),
            "extensions": _extensions(key, issuer, root=root),
        }
    )
    made = {"tbs_certificate": tbs, "signature_algorithm": _algorithm(issuer.suite)}
    return x509.Certificate({**made, "signature_value": core.OctetBitString(signed(issuer.signer, tbs.dump()))})


def _algorithm(suite: Suite) -> algos.SignedDigestAlgorithm:
    return algos.SignedDigestAlgorithm({"algorithm": signature_algorithm(suite)})


def _name(key: Key) -> x509.Name:
    kind = "文书根证书" if key.purpose is Purpose.DOCUMENT_CA else "文书签名"
    return x509.Name.build(
        {"country_name": "CN", "organization_name": ORGANISATION, "common_name": f"{kind} {key.kid}"}
    )


def _public(key: Key) -> keys.PublicKeyInfo:
    if key.suite is Suite.EDDSA:
        return keys.PublicKeyInfo({"algorithm": {"algorithm": "ed25519"}, "public_key": key.public})
    named = {"algorithm": "ec", "parameters": keys.ECDomainParameters(name="named", value="secp256r1")}
    return keys.PublicKeyInfo({"algorithm": named, "public_key": keys.ECPointBitString(key.public)})


def _identifier(key: Key) -> bytes:
    """Return what names a key in certificates (RFC 5280 §4.2.1.2, method 1): a name, no protection."""
    return sha1(key.public, usedforsecurity=False).digest()


def _extensions(key: Key, issuer: Key, *, root: bool) -> list[x509.Extension]:
    uses = {"key_cert_sign", "crl_sign"} if root else {"digital_signature", "non_repudiation"}
    found = [
        ("basic_constraints", True, {"ca": True, "path_len_constraint": 0} if root else {"ca": False}),
        ("key_usage", True, uses),
        ("key_identifier", False, _identifier(key)),
        ("authority_key_identifier", False, {"key_identifier": _identifier(issuer)}),
    ]
    return [x509.Extension({"extn_id": name, "critical": must, "extn_value": value}) for name, must, value in found]


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate, for people to compare."""
    return b64url(sha256(der).digest())
