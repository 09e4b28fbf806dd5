"""Credentials on a phone: issued to its key, asked for by a terminal, shown no further than asked."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from ecard.claims.sdjwt import sd_hash, select
from ecard.client.actors import Phone, Terminal
from ecard.encoding import b64url


def issue(phone: Phone, visit: str, type_: str = "driving_licence", *, key: str | None = None) -> dict[str, Any]:
    """Return a new credential for this phone (`credential` is the SD-JWT)."""
    body = {"visit": visit, "type": type_}
    made: dict[str, Any] = phone.call("POST", "/v1/me/claims", body, key=key).json()
    return made


def ask(terminal: Terminal, type_: str, claims: Sequence[str], purpose: str) -> dict[str, Any]:
    """Return a terminal's new request."""
    body = {"type": type_, "claims": list(claims), "purpose": purpose}
    made: dict[str, Any] = terminal.call("POST", "/v1/claim-requests", body).json()
    return made


def bound(phone: Phone, credential: str, names: Collection[str], *, audience: str, nonce: str) -> str:
    """Return a presentation of these claims alone, signed by the phone's key for who asked with this nonce."""
    parts = select(credential, names)
    header = {"alg": phone.signer.suite.value, "typ": "kb+jwt"}
    claims = {"iat": int(phone.now()), "aud": audience, "nonce": nonce, "sd_hash": sd_hash(parts)}
    signed = f"{b64url(msgspec.json.encode(header))}.{b64url(msgspec.json.encode(claims))}"
    return f"{parts.bound}{signed}.{b64url(phone.signer.sign(signed.encode()))}"


def show(phone: Phone, credential: str, request: str) -> dict[str, Any]:
    """Show what a request asks for; return what was shown."""
    wanted = phone.call("GET", f"/v1/me/claim-requests/{request}").json()
    text = bound(phone, credential, wanted["claims"], audience=wanted["audience"], nonce=wanted["nonce"])
    path = f"/v1/me/claim-requests/{request}/presentation"
    made: dict[str, Any] = phone.call("POST", path, {"presentation": text}).json()
    return made


def answer(terminal: Terminal, request: str) -> dict[str, Any]:
    """Return what a terminal was shown."""
    found: dict[str, Any] = terminal.call("GET", f"/v1/claim-requests/{request}").json()
    return found


def my_claims(phone: Phone) -> dict[str, Any]:
    """Return the holder's credentials, and to whom they were shown."""
    found: dict[str, Any] = phone.call("GET", "/v1/me/claims").json()
    return found
