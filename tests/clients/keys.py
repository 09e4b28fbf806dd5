"""Keys of clients as JWKs, and what clients sign with them where no library stands between test and server."""

import base64
import hashlib
import secrets
import time
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm


class ClientKey(NamedTuple):
    """A P-256 key: the key itself, its private JWK, and the JWKS that a client registers."""

    key: ec.EllipticCurvePrivateKey
    private_jwk: dict[str, Any]
    jwks: dict[str, Any]


def client_key() -> ClientKey:
    """Return a new key with a `kid` of its own."""
    key, named = ec.generate_private_key(ec.SECP256R1()), {"kid": secrets.token_hex(8), "alg": "ES256", "use": "sig"}
    private = ECAlgorithm.to_jwk(key, as_dict=True) | named
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | named
    return ClientKey(key, private, {"keys": [public]})


def assertion(key: ClientKey, client_id: str, audience: str, **changed: Any) -> str:
    """Return a fresh assertion for private_key_jwt (RFC 7523)."""
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": audience, "iat": now, "exp": now + 60}
    claims |= {"jti": secrets.token_urlsafe(16), **changed}
    return jwt.encode(claims, key.key, "ES256", {"kid": key.private_jwk["kid"]})


def proof(jwk: dict[str, Any], method: str, url: str, token: str | None = None, **changed: Any) -> str:
    """Return a DPoP proof (RFC 9449) by the private JWK that a client gave back."""
    claims: dict[str, Any] = {"htm": method, "htu": url, "iat": int(time.time()), "jti": secrets.token_urlsafe(16)}
    if token is not None:
        digest = hashlib.sha256(token.encode()).digest()
        claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    public = {name: jwk[name] for name in ("kty", "crv", "x", "y")}
    return jwt.encode(claims | changed, PyJWK(jwk, "ES256"), "ES256", {"typ": "dpop+jwt", "jwk": public})
