"""HTTP of issuing, of a holder's own card, and of the card register."""

from uuid import UUID

from litestar import Response, Router, delete, get, post, put
from litestar.params import FromPath, JSONBody

from ecard.access.errors import AlreadyRegistered
from ecard.access.model import Role
from ecard.callers import Channel, Holder, Operator
from ecard.cards import changes, family, password, service
from ecard.cards.checks import Checks
from ecard.cards.errors import (
    BankNotReady,
    BusiSeqUnknown,
    CardNotUsable,
    CheckUnavailable,
    FaceMismatch,
    FaceRequired,
    HolderExists,
    IdentityMismatch,
    PasswordLocked,
    PasswordNotAllowed,
    PasswordWrong,
    ProofRefused,
    QuotaReached,
    RelativeExists,
    StatusConflict,
)
from ecard.cards.schemas import (
    Acted,
    CardFace,
    CardStatus,
    CardStatusRequest,
    HolderRequest,
    Issued,
    IssueRequest,
    PasswordProven,
    PasswordRequest,
    PasswordReset,
    ProfileChange,
    Proven,
    RelativeRequest,
    RelativeView,
    StatusRequest,
)
from ecard.db import begin
from ecard.errors import Conflict, NotFound, TooMany
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime

_ISSUE_ERRORS = (
    ProofRefused,
    IdentityMismatch,
    CardNotUsable,
    FaceRequired,
    FaceMismatch,
    CheckUnavailable,
    PasswordNotAllowed,
    PasswordWrong,
    PasswordLocked,
    AlreadyRegistered,
    Conflict,
    TooMany,
    InFlight,
)
_RELATIVE_ERRORS = (
    IdentityMismatch,
    CardNotUsable,
    FaceMismatch,
    CheckUnavailable,
    TooMany,
    BusiSeqUnknown,
    QuotaReached,
    RelativeExists,
    InFlight,
)


@post("/issuances", operation_id="e_card_issue", status_code=201, opt={"errors": _ISSUE_ERRORS})
async def e_card_issue(
    data: JSONBody[IssueRequest],
    channel: Given[Channel],
    runtime: Given[Runtime],
    checks: Given[Checks],
    creation: Given[Creation],
) -> Response[Issued]:
    """Issue an e-card to a phone 签发: 实名, 实人, 实卡 the first time (001), then the password only (002)."""
    before = await creation.answered(channel.actor)
    if before is not None:
        return before
    applicant = await service.check_applicant(runtime, checks, data, channel)
    return await creation.once(channel.actor, lambda tx: service.issue(tx, runtime, applicant, channel))


@get("/me/card", operation_id="card_face", opt={"errors": (NotFound,)})
async def card_face(holder: Given[Holder], runtime: Given[Runtime]) -> CardFace:
    """Return the holder's own card, masked 卡面 (006)."""
    return await service.face(runtime, holder)


@get("/me/profile-changes", operation_id="my_profile_changes")
async def my_profile_changes(holder: Given[Holder], runtime: Given[Runtime]) -> list[ProfileChange]:
    """List the changes of the holder's personal data 信息变更记录 (A1-93), each with its signed proof."""
    return await changes.mine(runtime.pool, runtime.vault, holder)


@put("/me/card/status", operation_id="card_report", opt={"errors": (BusiSeqUnknown, StatusConflict)})
async def card_report(data: JSONBody[StatusRequest], holder: Given[Holder], runtime: Given[Runtime]) -> CardStatus:
    """Report the card lost 临时挂失, or found 解挂 with the password: both forms follow at once."""
    async with begin(runtime.pool) as tx:
        return await service.report(tx, holder, data)


@post(
    "/me/verifications",
    operation_id="password_prove",
    status_code=201,
    opt={"errors": (PasswordWrong, PasswordLocked, InFlight)},
)
async def password_prove(
    data: JSONBody[PasswordRequest], holder: Given[Holder], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[PasswordProven]:
    """Prove the password 验密 (009): a one-time busiSeq for the next step, good for 5 minutes."""
    # Also a repeated call is judged by the password it bears: a stored answer must not tell whether it is right.
    await password.prove(runtime, holder.card, data.password, actor=holder.actor)
    return await creation.once(holder.actor, lambda tx: password.proven(tx, runtime, holder))


@put(
    "/me/password",
    operation_id="password_set",
    status_code=204,
    opt={"errors": (PasswordNotAllowed, FaceRequired, FaceMismatch, CheckUnavailable, BusiSeqUnknown)},
)
async def password_set(
    data: JSONBody[PasswordReset], holder: Given[Holder], runtime: Given[Runtime], checks: Given[Checks]
) -> None:
    """Change the password with the old one's busiSeq, or reset and unlock it by face 修改或重置密码."""
    await password.change(runtime, checks, holder, data)


@post(
    "/me/payment",
    operation_id="payment_open",
    status_code=201,
    opt={"errors": (BankNotReady, CheckUnavailable, BusiSeqUnknown, CardNotUsable, InFlight)},
)
async def payment_open(
    data: JSONBody[Proven],
    holder: Given[Holder],
    runtime: Given[Runtime],
    checks: Given[Checks],
    creation: Given[Creation],
) -> Response[Acted]:
    """Open payment and settlement 开通缴费结算 (二级签发, 005)."""
    before = await creation.answered(holder.actor)
    if before is not None:
        return before
    await password.require_proof(runtime, data.busi_seq, holder.actor)
    await service.check_bank(runtime, checks, holder)
    return await creation.once(holder.actor, lambda tx: service.open_payment(tx, holder, data.busi_seq))


@post("/me/channel/leave", operation_id="channel_leave", status_code=204, opt={"errors": (BusiSeqUnknown,)})
async def channel_leave(data: JSONBody[Proven], holder: Given[Holder], runtime: Given[Runtime]) -> None:
    """Leave this channel 解除关联 (003): this phone is revoked, other channels stay."""
    async with begin(runtime.pool) as tx:
        await service.unbind(tx, holder, data.busi_seq)


@get("/me/relatives", operation_id="relatives_list")
async def relatives_list(holder: Given[Holder], runtime: Given[Runtime]) -> list[RelativeView]:
    """List the relatives whose cards the holder may show 亲情账户."""
    return await family.listed(runtime, holder)


@post("/me/relatives", operation_id="relative_add", status_code=201, opt={"errors": _RELATIVE_ERRORS})
async def relative_add(
    data: JSONBody[RelativeRequest],
    holder: Given[Holder],
    runtime: Given[Runtime],
    checks: Given[Checks],
    creation: Given[Creation],
) -> Response[RelativeView]:
    """Add a relative 添加亲情账户: 4 elders, 3 children, 1 spouse, 2 others."""
    before = await creation.answered(holder.actor)
    if before is not None:
        return before
    await password.require_proof(runtime, data.busi_seq, holder.actor)
    card = await family.check_relative(runtime, checks, holder, data)
    return await creation.once(holder.actor, lambda tx: family.add(tx, holder, card, data))


@delete("/me/relatives/{relative:uuid}", operation_id="relative_remove", status_code=204)
async def relative_remove(relative: FromPath[UUID], holder: Given[Holder], runtime: Given[Runtime]) -> None:
    """Remove a relative 解除亲情账户."""
    async with begin(runtime.pool) as tx:
        await family.remove(tx, holder, relative)


@post(
    "/holders",
    operation_id="holder_register",
    status_code=201,
    opt={"role": Role.CARDS, "errors": (HolderExists, InFlight)},
)
async def holder_register(
    data: JSONBody[HolderRequest], operator: Given[Operator], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[CardStatus]:
    """Register a person with a physical card 登记持卡人."""
    return await creation.once(operator.actor, lambda tx: service.register_holder(tx, runtime, data, operator.actor))


@put("/cards/status", operation_id="card_status_set", opt={"role": Role.CARDS, "errors": (NotFound, StatusConflict)})
async def card_status_set(
    data: JSONBody[CardStatusRequest], operator: Given[Operator], runtime: Given[Runtime]
) -> CardStatus:
    """Move a card to a status 挂失, 解挂, 锁定, 注销: both forms follow at once."""
    async with begin(runtime.pool) as tx:
        return await service.set_status(tx, runtime, data.card_no, data.status, operator.actor)


router = Router(
    "/v1",
    route_handlers=[
        e_card_issue,
        card_face,
        my_profile_changes,
        card_report,
        password_prove,
        password_set,
        payment_open,
        channel_leave,
        relatives_list,
        relative_add,
        relative_remove,
        holder_register,
        card_status_set,
    ],
    tags=["cards"],
)
