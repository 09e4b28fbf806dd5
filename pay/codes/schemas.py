"""The JSON of order codes. Amounts are 分."""

from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name
from pay.codes.model import CodeKind
from pay.merchants.model import Amount
from pay.merchants.schemas import ItemCode
from pay.orders.schemas import Number


class OrderCodeRequest(Body, frozen=True, kw_only=True):
    """Asks for the code of one order (`amount` and `out_trade_no` given), or for a static one (neither)."""

    item: ItemCode
    subject: Name
    amount: Amount | None = None
    out_trade_no: Number | None = None
    expires_in: Annotated[int, msgspec.Meta(ge=60, le=86400)] = 900


class OrderCodeAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A code's text, to be shown as a QR code; a dynamic one is its `order`'s, until `expires_at` (Unix seconds)."""

    id: UUID
    kind: CodeKind
    text: str
    order: UUID | None = None
    expires_at: int | None = None


class OrderCodeScan(Body, frozen=True, kw_only=True):
    """What the phone scanned; with a static code, once its merchant was shown, also the amount that the payer typed."""

    # Longer than any code, so that an oversized scan gets its own answer and not a schema error.
    text: Annotated[str, msgspec.Meta(max_length=4096)]
    amount: Amount | None = None


class ScannedOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom the code would pay, for what; `order` is to be confirmed with the password, and None until there is one."""

    kind: CodeKind
    merchant: str
    item: str
    subject: str
    amount: int | None = None
    order: UUID | None = None
