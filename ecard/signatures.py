"""HTTP Message Signatures (RFC 9421), one strict profile for every actor that holds a key.

A request covers its method, path and query, the digest of its body (RFC 9530) when it has one, and
its `Idempotency-Key` when it bears one: always these, in this order, so that nothing is left for a
negotiation to weaken. A session is opened under the actor's own key; each later call carries a MAC
under the session's key, which costs 3 µs where a signature would cost 80.

    Content-Digest: sha-256=:…:
    Signature-Input: sig=("@method" "@path" "@query" "content-digest");created=1732000000;keyid="…";alg="hmac-sha256"
    Signature: sig=:…:
"""

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import NamedTuple

from ecard.clock import SKEW
from ecard.errors import Text, Unauthenticated
from ecard.keys import Suite

HMAC = "hmac-sha256"
ALGORITHM_OF = {Suite.ES256: "ecdsa-p256-sha256", Suite.EDDSA: "ed25519"}
"""RFC 9421 §3.3 names of the suites."""

_INPUT = re.compile(
    r'sig=(?P<params>\((?P<components>[a-z@\-" ]*)\);created=(?P<created>[0-9]{1,11});'
    r'keyid="(?P<keyid>[A-Za-z0-9_\-]{1,1200})";alg="(?P<alg>[a-z0-9\-]+)")'
)
_SIGNATURE = re.compile(r"sig=:([A-Za-z0-9+/=]{1,200}):")
_CHOICES = {
    (has_body, has_key): " ".join(
        f'"{name}"'
        for name, used in (
            ("@method", True),
            ("@path", True),
            ("@query", True),
            ("content-digest", has_body),
            ("idempotency-key", has_key),
        )
        if used
    )
    for has_body in (False, True)
    for has_key in (False, True)
}


class SignatureMissing(Unauthenticated):
    """The request is not signed in this API's profile."""

    code = "signature_missing"
    title = Text("请求未签名", "The request is not signed")
    action = Text(
        "请按 RFC 9421 签名: method、path、query、content-digest、idempotency-key。",
        "Sign it by RFC 9421: method, path, query, content-digest and idempotency-key.",
    )


class SignatureWrong(Unauthenticated):
    """The signature, the digest or the key does not fit the request."""

    code = "signature_wrong"
    title = Text("请求签名不正确", "The request's signature is wrong")
    action = Text("请检查签名基串与所用密钥。", "Check the signature base and the key.")


class SignatureClock(Unauthenticated):
    """`created` is too far from the server's time; `offset_seconds` says how far the caller's clock is ahead."""

    code = "clock_skew"
    title = Text("设备时间与服务器不一致", "Your clock differs from the server's")
    action = Text("请按 server_time 校正时间后重试。", "Correct your clock by server_time and try again.")


class Call(NamedTuple):
    """The parts of a request that a signature covers."""

    method: str
    path: str
    query: str
    body: bytes
    idempotency_key: str | None = None


class Signed(NamedTuple):
    """A request whose form is right and whose time is now; `keyid` says whose key must fit `base`."""

    keyid: str
    algorithm: str
    base: bytes
    signature: bytes


def digest(body: bytes) -> str:
    """Return the Content-Digest of `body` (RFC 9530)."""
    return f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"


def _base(call: Call, content_digest: str, params: str) -> bytes:
    lines = [f'"@method": {call.method}', f'"@path": {call.path}', f'"@query": ?{call.query}']
    if call.body:
        lines.append(f'"content-digest": {content_digest}')
    if call.idempotency_key is not None:
        lines.append(f'"idempotency-key": {call.idempotency_key}')
    lines.append(f'"@signature-params": {params}')
    return "\n".join(lines).encode()


def sign(call: Call, *, keyid: str, algorithm: str, created: int, by: Callable[[bytes], bytes]) -> dict[str, str]:
    """Return the headers that sign `call`; `by` signs the signature base, `created` is in Unix seconds."""
    components = _CHOICES[bool(call.body), call.idempotency_key is not None]
    params = f'({components});created={created};keyid="{keyid}";alg="{algorithm}"'
    content_digest = digest(call.body) if call.body else ""
    signature = by(_base(call, content_digest, params))
    headers = {"Signature-Input": f"sig={params}", "Signature": f"sig=:{b64encode(signature).decode()}:"}
    if call.body:
        headers["Content-Digest"] = content_digest
    if call.idempotency_key is not None:
        headers["Idempotency-Key"] = call.idempotency_key
    return headers


def keyid(headers: Mapping[str, str]) -> str:
    """Return whose key a request says it is signed with, before anything of it is checked; raises SignatureMissing."""
    given = _INPUT.fullmatch(headers.get("signature-input", ""))
    if given is None:
        raise SignatureMissing
    return given["keyid"]


def read(call: Call, headers: Mapping[str, str], now: float) -> Signed:
    """Return the signed parts of `call`, its form and time checked; the caller checks the key.

    `headers` has lower-case names; `now` is in Unix seconds. Raises SignatureMissing,
    SignatureWrong (components or digest) or SignatureClock (more than SKEW seconds away).
    """
    given = _INPUT.fullmatch(headers.get("signature-input", ""))
    signature = _SIGNATURE.fullmatch(headers.get("signature", ""))
    if given is None or signature is None:
        raise SignatureMissing
    if given["components"] != _CHOICES[bool(call.body), call.idempotency_key is not None]:
        raise SignatureWrong
    offset = int(given["created"]) - now
    if abs(offset) > SKEW:
        raise SignatureClock(offset_seconds=round(offset), server_time=int(now))
    content_digest = digest(call.body) if call.body else ""
    if call.body and headers.get("content-digest") != content_digest:
        raise SignatureWrong
    try:
        raw = b64decode(signature[1], validate=True)
    except ValueError:
        raise SignatureWrong from None
    return Signed(given["keyid"], given["alg"], _base(call, content_digest, given["params"]), raw)


def mac(key: bytes, base: bytes) -> bytes:
    """Return the HMAC-SHA256 of a signature base (RFC 9421 §3.3.3), 32 bytes."""
    return hmac.digest(key, base, "sha256")
