"""The bytes between us and a bank: JSON over HTTP, each message signed by its sender.

A request is signed over method, path, time and body. An answer is signed over its status, its body and the
*signature of the request that it answers*: one that belongs to another request, comes twice on a connection or
was kept and played again does not verify. A notification from the bank is signed as a request of its own.

| header | meaning |
|---|---|
| `Ecard-Time` | when it was signed, seconds since 1970-01-01 UTC |
| `Ecard-Signature` | base64url of 64 bytes (P-256 or Ed25519, `ecard.keys`) |
"""

from enum import StrEnum
from hashlib import sha256
from typing import Annotated

import msgspec

from ecard.clock import SKEW
from ecard.encoding import b64url, unb64url
from ecard.keys import Signer, Verifier
from pay.banks.bank import Outcome

TIME = "ecard-time"
SIGNATURE = "ecard-signature"
Code = Annotated[str, msgspec.Meta(max_length=32, pattern=r"^[A-Za-z0-9_.-]*(?!\n)$")]
"""A bank's own code; it is kept and shown, so it is short and plain."""


class Path(StrEnum):
    """What a bank is asked, by path below its base URL; all by POST."""

    PAY = "/v1/debits"
    REFUND = "/v1/refunds"
    PAYOUT = "/v1/payouts"
    QUERY = "/v1/queries"
    REVERSE = "/v1/reversals"
    STATEMENT = "/v1/statements"


class Ref(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question about one reference."""

    ref: str


class Day(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question for a day's file: the bank's business day, `YYYYMMDD`."""

    day: str


class Told(msgspec.Struct, frozen=True):
    """A bank's answer: the reference that it is about, what became of it, and the bank's code."""

    ref: str
    outcome: Outcome
    code: Code = ""


class Unverified(Exception):
    """A message is not signed by its sender, or not for this request, or not now."""


def signed(signer: Signer, method: str, path: str, body: bytes, now: float) -> dict[str, str]:
    """Return the headers of a request (or a notification) that is sent `now`."""
    at = str(int(now))
    return {TIME: at, SIGNATURE: b64url(signer.sign(_request(method, path, at, body)))}


def verify(
    verifier: Verifier, method: str, path: str, body: bytes, *, at: str, signature: str, now: float, skew: int = SKEW
) -> None:
    """Raise Unverified unless the headers `at` and `signature` sign this request within `skew` seconds of `now`."""
    if not (at.isascii() and at.isdecimal() and abs(int(at) - now) <= skew):
        raise Unverified
    _check(verifier, _request(method, path, at, body), signature)


def signed_answer(signer: Signer, asked: str, status: int, body: bytes) -> dict[str, str]:
    """Return the headers of the answer to the request whose signature header is `asked`."""
    return {SIGNATURE: b64url(signer.sign(_answer(asked, status, body)))}


def verify_answer(verifier: Verifier, asked: str, status: int, body: bytes, signature: str) -> None:
    """Raise Unverified unless `signature` signs this answer to the request whose signature was `asked`."""
    _check(verifier, _answer(asked, status, body), signature)


def _request(method: str, path: str, at: str, body: bytes) -> bytes:
    return f"ecard-bank-request-v1\n{method}\n{path}\n{at}\n{sha256(body).hexdigest()}".encode()


def _answer(asked: str, status: int, body: bytes) -> bytes:
    return f"ecard-bank-answer-v1\n{asked}\n{status}\n{sha256(body).hexdigest()}".encode()


def _check(verifier: Verifier, message: bytes, signature: str) -> None:
    try:
        raw = unb64url(signature)
    except ValueError:
        raise Unverified from None
    if not verifier.verify(message, raw):
        raise Unverified
