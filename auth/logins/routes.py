"""HTTP of logins for the holder's phone."""

from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from auth.errors import (
    BadRequest,
    ClientNotAllowed,
    ClientRefused,
    DetailsRefused,
    ScopeRefused,
    TargetRefused,
)
from auth.grants.errors import NotStaff
from auth.logins import service
from auth.logins.errors import LoginDecided, LoginTaken, LoginUnknown, NumberNeeded, NumberWrong
from auth.logins.schemas import ConfirmRequest, Decision, LoginView, OpenRequest, ScanRequest
from auth.logins.service import Desk
from auth.requests.errors import (
    RedirectRefused,
    RequestObjectRefused,
    RequestUriRefused,
    ResponseTypeRefused,
    UnmetRequirements,
)
from auth.server import Server
from ecard.callers import Holder
from ecard.cards.checks import Checks
from ecard.cards.errors import BusiSeqUnknown, CheckUnavailable, FaceMismatch
from ecard.desk.errors import CardSuspended, LevelTooLow, TooWeak, WrongPlace
from ecard.errors import TooMany
from ecard.given import Given

_LINK_ERRORS = (
    BadRequest,
    ClientNotAllowed,
    ClientRefused,
    DetailsRefused,
    RedirectRefused,
    RequestObjectRefused,
    RequestUriRefused,
    ResponseTypeRefused,
    ScopeRefused,
    TargetRefused,
    UnmetRequirements,
)
_CONFIRM_ERRORS = (
    LoginUnknown,
    LoginDecided,
    NumberNeeded,
    NumberWrong,
    TooWeak,
    WrongPlace,
    CardSuspended,
    LevelTooLow,
    NotStaff,
    BusiSeqUnknown,
    FaceMismatch,
    CheckUnavailable,
)


@post(
    "/v1/logins/scan",
    operation_id="login_scan",
    status_code=200,
    opt={"errors": (LoginUnknown, LoginTaken, LoginDecided, TooMany)},
)
async def login_scan(data: JSONBody[ScanRequest], holder: Given[Holder], server: Given[Server]) -> LoginView:
    """Scan a login's QR 扫码登录: see who asks, from where, for which item and fields; other phones are locked out."""
    return await service.scan(server, holder, data.qr)


@post("/v1/logins/open", operation_id="login_open", status_code=200, opt={"errors": (*_LINK_ERRORS, TooMany)})
async def login_open(data: JSONBody[OpenRequest], holder: Given[Holder], server: Given[Server]) -> LoginView:
    """Open the login of another app on this phone 应用授权登录: the query of the link that it opened."""
    return await service.from_app(server, holder, data.query)


@post("/v1/logins/{login:uuid}/confirm", operation_id="login_confirm", status_code=200, opt={"errors": _CONFIRM_ERRORS})
async def login_confirm(
    data: JSONBody[ConfirmRequest],
    login: FromPath[UUID],
    holder: Given[Holder],
    server: Given[Server],
    checks: Given[Checks],
) -> Decision:
    """Confirm a login 确认登录: with the PC's two digits, and a password or face where the item needs it."""
    return await service.confirm(Desk(server, checks), holder, login, data)


@post(
    "/v1/logins/{login:uuid}/decline",
    operation_id="login_decline",
    status_code=200,
    opt={"errors": (LoginUnknown, LoginDecided)},
)
async def login_decline(login: FromPath[UUID], holder: Given[Holder], server: Given[Server]) -> Decision:
    """Decline a login 拒绝登录: nothing to prove, nothing is given."""
    return await service.decline(server, holder, login)


@get("/v1/me/logins", operation_id="logins_waiting")
async def logins_waiting(holder: Given[Holder], server: Given[Server]) -> list[LoginView]:
    """List the logins that wait for my confirmation 待确认登录: asked by a counter, without a QR."""
    return await service.waiting(server, holder)


router = Router(
    "/", route_handlers=[login_scan, login_open, login_confirm, login_decline, logins_waiting], tags=["logins"]
)
"""What `ecard.app` mounts."""
