"""HTTP of receipts: the holder's own, to be kept and checked by anybody."""

from uuid import UUID

from litestar import Router, get
from litestar.params import FromPath

from ecard.callers import Holder
from ecard.errors import NotFound
from ecard.given import Given
from ecard.runtime import Runtime
from pay.ledger import receipts
from pay.ledger.errors import ReceiptNotReady
from pay.ledger.receipts import Receipt
from pay.receipts import store


@get("/me/receipts/{receipt:uuid}", operation_id="my_receipt", opt={"errors": (NotFound, ReceiptNotReady)})
async def my_receipt(receipt: FromPath[UUID], holder: Given[Holder], runtime: Given[Runtime]) -> Receipt:
    """Give the receipt of an order, or of one posting of it 支付凭据: `ecard receipt verify` checks it offline."""
    async with runtime.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        paid = await store.journals(connection, receipt, holder.card)
        if paid is None:
            raise NotFound
        return await receipts.made(connection, receipt, paid.journals)


router = Router("/v1", route_handlers=[my_receipt], tags=["orders"])
