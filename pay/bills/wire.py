"""What we and a biller's server say to each other: JSON over HTTPS, each side's words under one shared key.

    POST {url}/inquiries   {"account": "…"}                        200 {"bills": […]} · 404 no such account
    POST {url}/payments    {"order", "bill_no", "amount", "paid_at"}   200 {"result": "marked" | "paid_elsewhere"}

`Ecard-Timestamp` is Unix seconds, `Ecard-Signature` the hexadecimal HMAC-SHA256, under the key that the biller was
given at its registration, of timestamp, path and body with a line feed between; that of the answer is made of
the request's signature, the status and the body. So nobody between them changes a word or repeats an old one.
"""

import hmac
from typing import Annotated

import msgspec

from pay.bills.model import MAX_BILLS, Marked, Owed

INQUIRIES, PAYMENTS = "/inquiries", "/payments"
TIMESTAMP, SIGNATURE = "ecard-timestamp", "ecard-signature"
SKEW = 300
"""Seconds that a request's timestamp may be off."""


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for an account's bills."""

    account: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An account's bills."""

    bills: Annotated[list[Owed], msgspec.Meta(max_length=MAX_BILLS)]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a payment."""

    result: Marked


def signature(key: bytes, timestamp: str, path: str, body: bytes) -> str:
    """Return the signature of a request."""
    return _mac(key, timestamp, path, body)


def answer_signature(key: bytes, asked: str, status: int, body: bytes) -> str:
    """Return the signature of the answer to the request signed `asked`."""
    return _mac(key, asked, str(status), body)


def fits(expected: str, given: str) -> bool:
    """Return whether a signature is the expected one, in constant time; one of other characters is not."""
    return hmac.compare_digest(expected.encode(), given.encode())


def _mac(key: bytes, first: str, second: str, body: bytes) -> str:
    return hmac.digest(key, b"\n".join((first.encode(), second.encode(), body)), "sha256").hex()
