"""HTTP of billers and bills."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from ecard.access.model import Role
from ecard.callers import Holder, Operator
from ecard.catalogue.errors import ItemUnknown
from ecard.errors import NotFound, TooMany, Unavailable
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime
from pay.bills import service
from pay.bills.errors import (
    AccountUnknown,
    BillChanged,
    BillerRefused,
    BillerSilent,
    BillerUnknown,
    BillInPayment,
    BillPaidElsewhere,
)
from pay.bills.schemas import Bill, BillerAnswer, BillerEntry, BillerRequest, BillOrder, InquiryRequest
from pay.bills.service import Office
from pay.merchants.errors import ItemNotPayable, MerchantSuspended, NotAMerchant
from pay.orders.errors import ItemNotAllowed, OverOrderLimit


@post(
    "/billers",
    operation_id="biller_register",
    status_code=201,
    opt={"role": Role.FINANCE, "errors": (BillerRefused, BillerUnknown, InFlight)},
)
async def biller_register(
    data: JSONBody[BillerRequest], operator: Given[Operator], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[BillerAnswer]:
    """Register a merchant as a biller 登记收费单位: where its bills are looked up; its key is shown once."""
    return await creation.once(operator.actor, lambda tx: service.register(tx, runtime, data, operator))


@get("/billers", operation_id="billers_list")
async def billers_list(holder: Given[Holder], runtime: Given[Runtime]) -> list[BillerEntry]:
    """List the billers 收费单位, and for which items each bills."""
    del holder
    return await service.billers(runtime)


@post(
    "/me/bills/inquiries",
    operation_id="bills_inquire",
    status_code=200,
    opt={"errors": (BillerUnknown, AccountUnknown, BillerSilent, TooMany, Unavailable)},
)
async def bills_inquire(data: JSONBody[InquiryRequest], holder: Given[Holder], office: Given[Office]) -> list[Bill]:
    """Look up what is owed on an account 查询账单; the agency is asked now."""
    return await service.inquire(office, holder, data)


@get("/me/bills", operation_id="bills_list")
async def bills_list(holder: Given[Holder], office: Given[Office]) -> list[Bill]:
    """List the holder's bills 我的账单: to be paid, being paid, marked at the agency."""
    return await service.bills(office, holder)


@post(
    "/me/bills/{bill:uuid}/pay",
    operation_id="bill_pay",
    status_code=201,
    opt={
        "errors": (
            NotFound,
            BillInPayment,
            BillPaidElsewhere,
            BillChanged,
            BillerUnknown,
            BillerSilent,
            AccountUnknown,
            ItemUnknown,
            ItemNotPayable,
            NotAMerchant,
            MerchantSuspended,
            ItemNotAllowed,
            OverOrderLimit,
            InFlight,
        )
    },
)
async def bill_pay(
    bill: FromPath[UUID], holder: Given[Holder], office: Given[Office], creation: Given[Creation]
) -> Response[BillOrder]:
    """Open the order for a bill 缴纳账单, once the agency has said that it still stands; then confirm the order."""
    before = await creation.answered(holder.actor)
    if before is not None:
        return before
    known = await service.check(office, holder, bill)
    key, body = creation.required_key(), creation.body
    return await creation.once(holder.actor, lambda tx: service.pay(tx, office, holder, known, key=key, body=body))


router = Router(
    "/v1", route_handlers=[biller_register, billers_list, bills_inquire, bills_list, bill_pay], tags=["bills"]
)
