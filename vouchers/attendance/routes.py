"""HTTP of check-ins: terminals present learners and upload, a class's screen shows its code, phones scan it."""

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.callers import Holder, Terminal
from ecard.catalogue.model import Catalogue
from ecard.desk.errors import CardSuspended, DeviceUnbound
from ecard.desk.service import Desk
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.keyring.model import NoKey
from ecard.runtime import Runtime
from qr.errors import CodeRefused
from vouchers.attendance import service
from vouchers.attendance.errors import AlreadyCheckedIn, ClassCodeWanted, NotEnrolled, OutsidePlace, OutsideWindow
from vouchers.attendance.schemas import (
    Attendance,
    AttendanceRequest,
    ClassCode,
    ClassScan,
    Conflicting,
    UploadAnswer,
    UploadRequest,
)
from vouchers.classes.presenting import present
from vouchers.classes.refusing import VOUCHER, recorded
from vouchers.classes.routes import PRESENTING

_CHECK_IN = (*VOUCHER, NotEnrolled, OutsideWindow, OutsidePlace, AlreadyCheckedIn, InFlight)


@post(
    "/classes/{training_class:uuid}/attendances",
    operation_id="attendance_create",
    status_code=201,
    opt={"errors": (*_CHECK_IN, *PRESENTING)},
)
async def attendance_create(
    training_class: FromPath[UUID],
    data: JSONBody[AttendanceRequest],
    terminal: Given[Terminal],
    desk: Given[Desk],
    creation: Given[Creation],
) -> Response[Attendance]:
    """Check in a learner who is here 签到: by dynamic code, or by physical card under A1-74, used up by it."""
    before = await creation.answered(terminal.actor)
    if before is not None:
        return before
    async with recorded(desk.runtime.pool, "attendance", terminal.actor, item=data.item, class_=training_class):
        shown = await present(desk, data.item, data.evidence, terminal)
        return await creation.once(
            terminal.actor,
            lambda tx: service.check_in(
                tx, desk, training_class, shown, terminal, key=creation.required_key(), body=creation.body
            ),
        )


@get(
    "/classes/{training_class:uuid}/code",
    operation_id="class_code",
    opt={"errors": (NotFound, OutsideWindow, NoKey)},
)
async def class_code(
    training_class: FromPath[UUID],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    session: Annotated[int | None, QueryParameter(ge=1, le=200, description="课次 (where several are open)")] = None,
) -> ClassCode:
    """Show the class's code 班级签到码: changed every 30 s, good for 60 s at most, for learners to scan."""
    return await service.code(runtime, training_class, session, terminal)


@post(
    "/me/attendances",
    operation_id="my_attendance",
    status_code=201,
    opt={"errors": (*_CHECK_IN, ClassCodeWanted, CardSuspended, DeviceUnbound, *CodeRefused.__subclasses__())},
)
async def my_attendance(
    data: JSONBody[ClassScan], holder: Given[Holder], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[Attendance]:
    """Check in by the code that the class shows 扫班级码签到: at the place, within the window."""
    before = await creation.answered(holder.actor)
    if before is not None:
        return before
    async with recorded(runtime.pool, "attendance", holder.actor, card=holder.card, item=service.VOUCHER_ITEM):
        class_, session = service.scanned(runtime, data)
        return await creation.once(holder.actor, lambda tx: service.scan(tx, class_, session, data.place, holder))


@post(
    "/classes/{training_class:uuid}/attendances/uploads",
    operation_id="attendance_upload",
    status_code=200,
    opt={"errors": (NotFound,)},
)
async def attendance_upload(
    training_class: FromPath[UUID],
    data: JSONBody[UploadRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
) -> UploadAnswer:
    """Upload what was accepted offline 上传离线签到: as often as need be; of one code the first seen counts."""
    return await service.upload(runtime, catalogue, training_class, data.lines, terminal)


@get("/attendance-conflicts", operation_id="attendance_conflicts")
async def attendance_conflicts(terminal: Given[Terminal], runtime: Given[Runtime]) -> list[Conflicting]:
    """List check-ins whose code was taken elsewhere as well 签到冲突: both institutions are told."""
    return await service.conflicts(runtime.pool, terminal)


router = Router(
    "/v1",
    route_handlers=[
        attendance_create,
        class_code,
        my_attendance,
        attendance_upload,
        attendance_conflicts,
    ],
    tags=["classes"],
)
