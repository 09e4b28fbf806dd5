"""HTTP of acts on cards and accounts: what a bank's counter does at once, and what the card's maker is told."""

from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.audit import store as audit
from ecard.callers import Operator, Terminal
from ecard.cards.checks import Checks
from ecard.cards.errors import (
    CheckUnavailable,
    FaceMismatch,
    HolderExists,
    IdentityMismatch,
    PasswordLocked,
    PasswordNotAllowed,
    PasswordWrong,
    StatusConflict,
)
from ecard.cards.profiles import open_profile
from ecard.cases import accounts, acts, managing, policy
from ecard.cases.errors import (
    AccountConflict,
    ActIncomplete,
    ActNotOfItem,
    AlreadyOpened,
    HolderOnly,
    NoAccount,
    OrderConflict,
    PasswordUnset,
)
from ecard.cases.model import CardAct
from ecard.cases.presenting import VISIT
from ecard.cases.recording import recorded
from ecard.cases.schemas import CardMadeRequest, CardOrder, CardServiceDone, CardServiceRequest, LostCardRequest
from ecard.catalogue.model import Catalogue
from ecard.db import Db, Row, Tx
from ecard.desk.errors import NotDelegated, WrongPlace
from ecard.desk.model import disclose
from ecard.errors import NotFound, TooMany
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime
from ecard.vault import Vault

_CARDS = {"role": Role.CARDS}
_State = Annotated[
    Literal["ordered", "made"], QueryParameter(name="state", description="待制或待启用 (to be made, or to be enabled)")
]
_Limit = Annotated[int, QueryParameter(ge=1, le=200, description="最多条数 (at most so many)")]
_DOING = (NotDelegated, WrongPlace, ActNotOfItem, FaceMismatch, CheckUnavailable, StatusConflict, OrderConflict)


@post(
    "/card-services",
    operation_id="card_service",
    status_code=201,
    opt={
        "errors": (
            *VISIT,
            *_DOING,
            HolderOnly,
            ActIncomplete,
            PasswordNotAllowed,
            PasswordUnset,
            PasswordWrong,
            PasswordLocked,
            AccountConflict,
            NoAccount,
            AlreadyOpened,
            TooMany,
            InFlight,
        )
    },
)
async def card_service(
    data: JSONBody[CardServiceRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    checks: Given[Checks],
    creation: Given[Creation],
) -> Response[CardServiceDone]:
    """Do an act on a card or its account 办理 (A3-01…05, A3-20…24), from a visit of its item; done at once."""
    before = await creation.answered(terminal.actor)
    if before is not None:
        return before
    async with recorded(runtime.pool, "card_service", terminal.actor, visit=data.visit):
        new = await managing.prepared(runtime, catalogue, checks, data, terminal)
        return await creation.once(
            terminal.actor,
            lambda tx: managing.do(tx, runtime, catalogue, data, new, terminal, creation.body_mac),
        )


@post(
    "/card-services/lost",
    operation_id="card_service_lost",
    status_code=201,
    opt={"errors": (*_DOING, IdentityMismatch, TooMany, InFlight)},
)
async def card_service_lost(
    data: JSONBody[LostCardRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    checks: Given[Checks],
    creation: Given[Creation],
) -> Response[CardServiceDone]:
    """Do an act on a card that was reported lost 解挂、补领、补卡启用, by documents and face: it cannot be shown."""
    before = await creation.answered(terminal.actor)
    if before is not None:
        return before
    async with recorded(runtime.pool, "card_service", terminal.actor):
        card = await managing.identified(runtime, catalogue, checks, data, terminal)
        return await creation.once(
            terminal.actor,
            lambda tx: managing.do_without_card(tx, runtime, catalogue, data, card, terminal, creation.body_mac),
        )


@get("/card-orders", operation_id="card_orders_list", opt=_CARDS)
async def card_orders_list(
    operator: Given[Operator],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    which: _State = "ordered",
    limit: _Limit = 50,
) -> list[CardOrder]:
    """List new cards that are to be made 待制卡, with what goes on them; on record."""
    rows = await accounts.orders(runtime.pool, which, limit)
    detail: dict[str, object] = {"orders": [str(row["id"]) for row in rows]}
    await audit.insert(runtime.pool, kind="card_orders_shown", outcome="ok", actor=operator.actor, detail=detail)
    return [_order(row, runtime.vault, catalogue) for row in rows]


@post(
    "/card-orders/{order:uuid}/made",
    operation_id="card_order_made",
    status_code=201,
    opt={**_CARDS, "errors": (NotFound, OrderConflict, HolderExists, InFlight)},
)
async def card_order_made(
    order: FromPath[UUID],
    data: JSONBody[CardMadeRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[CardOrder]:
    """Note the numbers of a card that was made 制卡完成: its holder may have it enabled (A3-21)."""

    async def effect(tx: Tx) -> CardOrder:
        await acts.made(tx, runtime, order, data)
        detail: dict[str, object] = {"order": str(order)}
        await audit.insert(tx, kind="card_made", outcome="ok", actor=operator.actor, detail=detail)
        return _order(await _found(tx, order), runtime.vault, catalogue)

    return await creation.once(operator.actor, effect)


async def _found(db: Db, order: UUID) -> Row:
    row = await accounts.one_order(db, order)
    if row is None:
        raise NotFound
    return row


def _order(row: Row, vault: Vault, catalogue: Catalogue) -> CardOrder:
    item = catalogue.get(policy.policy().item_of(CardAct.CARD_APPLY))
    shown = disclose(open_profile(vault, row["profile"]), [field.value for field in item.fields])
    return CardOrder(id=row["id"], state=row["state"], ordered_at=row["ordered_at"], applicant=shown)


HANDLERS = (card_service, card_service_lost, card_orders_list, card_order_made)
