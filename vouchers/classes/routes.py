"""HTTP of institutions and classes: bureaus register, institutions open classes, learners join and leave."""

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Holder, Operator, Terminal
from ecard.catalogue.errors import ItemUnknown
from ecard.db import begin
from ecard.desk.errors import FormNotAccepted, TooWeak, WrongPlace, WrongScene
from ecard.desk.service import Desk
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.ids import ID, id_of
from ecard.runtime import Runtime
from pay.merchants.errors import MerchantSuspended, NotAMerchant
from pay.orders.errors import ItemNotAllowed, OverOrderLimit
from vouchers.classes import service
from vouchers.classes.errors import (
    AlreadySeated,
    ClassFull,
    ClassOver,
    FeeCovered,
    InstitutionExists,
    ItemNotTraining,
    NotAnInstitution,
    OtherProgramme,
    OwnSharePaid,
    SessionsRefused,
)
from vouchers.classes.presenting import present
from vouchers.classes.refusing import PRESENCE, VOUCHER, recorded
from vouchers.classes.schemas import (
    Binding,
    BindingRequest,
    ClassRequest,
    Dropped,
    DropRequest,
    Institution,
    InstitutionRequest,
    InstitutionState,
    MyBindingRequest,
    Seat,
    TrainingClass,
    Tuition,
    TuitionRequest,
)
from vouchers.life.errors import SerialUnknown, ServerWanted, WrongInstitution

_BINDING = (*VOUCHER, OtherProgramme, ClassOver, AlreadySeated, ClassFull, InFlight)
PRESENTING = (*PRESENCE, ItemNotTraining, ItemUnknown, FormNotAccepted, WrongScene, WrongPlace, TooWeak)
"""What a learner's evidence is refused for, beside what its readers raise."""


@post(
    "/institutions",
    operation_id="institution_register",
    status_code=201,
    opt={"role": Role.TRAINING, "errors": (NotFound, InstitutionExists, InFlight)},
)
async def institution_register(
    data: JSONBody[InstitutionRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[Institution]:
    """Let a registered agency hold classes 登记培训机构; to be paid it must be a merchant, too."""
    return await creation.once(operator.actor, lambda tx: service.register(tx, data, operator))


@get("/institutions", operation_id="institutions_list", opt={"role": Role.TRAINING})
async def institutions_list(operator: Given[Operator], runtime: Given[Runtime]) -> list[Institution]:
    """List the training institutions 培训机构列表."""
    del operator
    return await service.institutions(runtime.pool)


@put(
    "/institutions/{agency:uuid}/state",
    operation_id="institution_state",
    status_code=204,
    opt={"role": Role.TRAINING, "errors": (NotFound,)},
)
async def institution_state(
    agency: FromPath[UUID], data: JSONBody[InstitutionState], operator: Given[Operator], runtime: Given[Runtime]
) -> None:
    """Suspend an institution, or let it train again 暂停或恢复: in force with the next binding."""
    async with begin(runtime.pool) as tx:
        await service.suspend(tx, agency, suspended=data.suspended, by=operator)


@post(
    "/classes",
    operation_id="class_open",
    status_code=201,
    opt={"errors": (ServerWanted, NotAnInstitution, NotFound, WrongInstitution, SessionsRefused, InFlight)},
)
async def class_open(
    data: JSONBody[ClassRequest], terminal: Given[Terminal], creation: Given[Creation], runtime: Given[Runtime]
) -> Response[TrainingClass]:
    """Open a class 开班: its sessions, seats, fee, and where and when people check in."""
    async with recorded(runtime.pool, "class_open", terminal.actor, programme=data.programme):
        return await creation.once(
            terminal.actor, lambda tx: service.open_class(tx, data, terminal, sandbox=runtime.settings.sandbox)
        )


@get("/classes", operation_id="classes_list")
async def classes_list(
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    before: Annotated[str | None, QueryParameter(pattern=ID, description="此班之前 (opened before this one)")] = None,
) -> list[TrainingClass]:
    """List the institution's classes 本机构班次, youngest first."""
    return await service.classes(runtime, terminal.agency, id_of(before))


@get("/classes/{training_class:uuid}", operation_id="class_get", opt={"errors": (NotFound,)})
async def class_get(
    training_class: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime]
) -> TrainingClass:
    """Show a class with its sessions 班次详情."""
    return await service.one_class(runtime.pool, training_class, institution=terminal.agency)


@get("/classes/{training_class:uuid}/seats", operation_id="class_seats", opt={"errors": (NotFound,)})
async def class_seats(training_class: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime]) -> list[Seat]:
    """List who sits in a class 学员名册: by pseudonym, with hours attended and what is still to be paid."""
    return await service.seats(runtime, training_class, terminal.agency)


@post(
    "/classes/{training_class:uuid}/bindings",
    operation_id="class_bind",
    status_code=201,
    opt={"errors": (*_BINDING, *PRESENTING, SerialUnknown)},
)
async def class_bind(
    training_class: FromPath[UUID],
    data: JSONBody[BindingRequest],
    terminal: Given[Terminal],
    desk: Given[Desk],
    creation: Given[Creation],
) -> Response[Binding]:
    """Bind the voucher of a learner who is here 验券报名: by code or card, which is used up."""
    before = await creation.answered(terminal.actor)
    if before is not None:
        return before
    async with recorded(desk.runtime.pool, "class_bind", terminal.actor, item=data.item, class_=training_class):
        shown = await present(desk, data.item, data.evidence, terminal)
        return await creation.once(
            terminal.actor,
            lambda tx: service.bind_here(
                tx, desk, training_class, data, shown, terminal, creation.required_key(), creation.body
            ),
        )


@get("/me/classes", operation_id="my_classes")
async def my_classes(holder: Given[Holder], runtime: Given[Runtime]) -> list[TrainingClass]:
    """List the classes that the holder's vouchers may join 可报班次: with a seat, the next to end first."""
    return await service.open_classes(runtime.pool, holder)


@post("/me/bindings", operation_id="my_binding", status_code=201, opt={"errors": _BINDING})
async def my_binding(
    data: JSONBody[MyBindingRequest], holder: Given[Holder], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[Binding]:
    """Join a class with one's own voucher 用券报名."""
    async with recorded(
        runtime.pool, "class_bind", holder.actor, card=holder.card, class_=data.class_, voucher=data.voucher
    ):
        return await creation.once(holder.actor, lambda tx: service.bind(tx, data, holder))


@post(
    "/classes/{training_class:uuid}/drop-outs",
    operation_id="class_drop",
    status_code=201,
    opt={"errors": (*VOUCHER, ServerWanted, InFlight)},
)
async def class_drop(
    training_class: FromPath[UUID],
    data: JSONBody[DropRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    creation: Given[Creation],
) -> Response[Dropped]:
    """Take a learner out of a class 退课: the voucher is free again, and the seat."""
    async with recorded(runtime.pool, "class_drop", terminal.actor, class_=training_class, voucher=data.voucher):
        return await creation.once(terminal.actor, lambda tx: service.drop(tx, training_class, data, terminal))


@post("/me/drop-outs", operation_id="my_drop", status_code=201, opt={"errors": (*VOUCHER, InFlight)})
async def my_drop(
    data: JSONBody[DropRequest],
    holder: Given[Holder],
    runtime: Given[Runtime],
    creation: Given[Creation],
) -> Response[Dropped]:
    """Leave a class 本人退课: the voucher may be bound again while it is valid."""
    async with recorded(runtime.pool, "class_drop", holder.actor, card=holder.card, voucher=data.voucher):
        return await creation.once(holder.actor, lambda tx: service.leave(tx, data, holder))


@post(
    "/me/tuitions",
    operation_id="my_tuition",
    status_code=201,
    opt={
        "errors": (
            *VOUCHER,
            FeeCovered,
            OwnSharePaid,
            NotAMerchant,
            MerchantSuspended,
            ItemNotAllowed,
            OverOrderLimit,
            InFlight,
        )
    },
)
async def my_tuition(
    data: JSONBody[TuitionRequest], holder: Given[Holder], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[Tuition]:
    """Order the own share of a fee 缴纳自费部分 (A1-75): to be confirmed with the password."""
    async with recorded(runtime.pool, "tuition", holder.actor, card=holder.card, voucher=data.voucher):
        return await creation.once(
            holder.actor,
            lambda tx: service.own_share(tx, data.voucher, holder, creation.required_key(), creation.body),
        )


@get("/me/tuitions", operation_id="my_tuitions")
async def my_tuitions(holder: Given[Holder], runtime: Given[Runtime]) -> list[Tuition]:
    """List the orders for own shares 自费订单: each with its two legs."""
    return await service.tuitions(runtime.pool, holder)


router = Router(
    "/v1",
    route_handlers=[
        institution_register,
        institutions_list,
        institution_state,
        class_open,
        classes_list,
        class_get,
        class_seats,
        class_bind,
        my_classes,
        my_binding,
        class_drop,
        my_drop,
        my_tuition,
        my_tuitions,
    ],
    tags=["classes"],
)
