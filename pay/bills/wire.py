"""What we and a biller's server say to each other: JSON over HTTPS, each side's words signed (`pay.partners`).

POST {url}/inquiries   {"account": "…"}                        200 {"bills": […]} · 404 no such account
POST {url}/payments    {"order", "bill_no", "amount", "paid_at"}   200 {"result": "marked" | "paid_elsewhere"}
"""

from typing import Annotated

import msgspec

from pay.bills.model import MAX_BILLS, Marked, Owed

INQUIRIES, PAYMENTS = "/inquiries", "/payments"


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for an account's bills."""

    account: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An account's bills."""

    bills: Annotated[list[Owed], msgspec.Meta(max_length=MAX_BILLS)]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a payment."""

    result: Marked
