"""HTTP of the pages that a holder's browser sees: the authorization endpoint, the login page, logging out."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from litestar import Request, Response, Router, get, post, route
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Stream

from auth import forms
from auth.logins import page, sessions, store
from auth.logins.errors import LoginUnknown
from auth.logins.feed import events
from auth.logins.model import LOGIN_SECONDS, Channel, browser_name
from auth.logins.opening import Opened, finish, open_login, status
from auth.logins.schemas import Status
from auth.logins.store import Login
from auth.provider import leaving, plain
from auth.provider.authorize import authorize
from auth.secrets import hashed
from auth.server import Server
from ecard import guards, problems
from ecard.answers import Moved
from ecard.catalogue.labels import LABELS
from ecard.catalogue.model import Field
from ecard.errors import EcardError, NotFound, Text
from ecard.feed import Feed
from ecard.given import Given
from qr import render

Incoming = Request[Any, Any, Any]
_POLL = "ecard_login"
_FOLLOWED = LOGIN_SECONDS + 900
"""Seconds that a page is its browser's: an expired one still offers to begin again, or to go back."""
_OPENER = {"signed_by": "cookie"}
"""Only the browser that opened a login has the secret by which its page is shown."""
_HTML: Mapping[str, str] = {"Content-Security-Policy": page.POLICY}


@route(
    "/oauth/authorize",
    http_method=["GET", "POST"],
    operation_id="oauth_authorize",
    status_code=303,
    opt={"direct": True},
)
async def oauth_authorize(request: Incoming, server: Given[Server]) -> Response[Any]:
    """Ask a holder to log in 授权端点: the browser goes back with a code, or to the login page."""
    scope = request.scope
    form = (
        forms.parse(scope["query_string"].decode("latin-1")) if scope["method"] == "GET" else await forms.read(request)
    )
    sent = await authorize(
        server,
        form,
        session=request.cookies.get(_kept(server)),
        address=request.client.host if request.client else "",
        browser=browser_name(guards.headers(request).get("user-agent", "")),
    )
    if sent.opened is None:
        return Moved(str(sent.location))
    return _to_page(server, sent.opened, sent.language)


def _to_page(server: Server, opened: Opened, language: str) -> Response[Any]:
    """Send the browser to a login's page, with the secret by which it alone can follow it."""
    query = f"?lang={language}" if language in page.LANGUAGES else ""
    path = f"/login/{opened.id}"
    return Moved(path + query, [_cookie(server, _held(server, opened.id), opened.poll, _FOLLOWED)])


def _cookie(server: Server, name: str, value: str, seconds: int) -> Cookie:
    secure = server.issuer.startswith("https:")
    return Cookie(key=name, value=value, path="/", max_age=seconds, httponly=True, samesite="lax", secure=secure)


def _kept(server: Server) -> str:
    """Return the name of the session's cookie."""
    return _own(server, sessions.COOKIE)


def _held(server: Server, login: UUID) -> str:
    """Return the name of the cookie with a login's secret; each login has its own, so tabs do not mix."""
    return _own(server, f"{_POLL}_{login.hex}")


def _own(server: Server, name: str) -> str:
    """Return a cookie's name that no other host of the domain can set (RFC 6265bis: `__Host-`, over https alone)."""
    return f"__Host-{name}" if server.issuer.startswith("https:") else name


async def _followed(request: Incoming, server: Server, login: UUID) -> tuple[Login, str]:
    """Return the login and its secret to the browser that opened it; raises LoginUnknown for any other."""
    poll = request.cookies.get(_held(server, login), "")
    found = await store.by_poll(server.runtime.pool, login, hashed(poll))
    if found is None or found.channel is not Channel.PAGE:
        raise LoginUnknown
    return found, poll


@get("/login/{login:uuid}", operation_id="login_page", opt=_OPENER)
async def login_page(login: FromPath[UUID], request: Incoming, server: Given[Server]) -> Response[bytes]:
    """Show the login page 登录页."""
    found, poll = await _followed(request, server, login)
    client = await server.directory.find(str(found.client))
    if client is None:
        raise LoginUnknown
    now = await status(server, login, poll)
    wanted = found.asked.wanted
    item = server.catalogue.get(wanted.item) if wanted.item else None
    parts = urlsplit(found.asked.redirect_uri)
    view = page.PageView(
        login=str(login),
        client=client.name,
        agency=client.agency_name,
        origin=f"{parts.scheme}://{parts.netloc}",
        item_title=item.title if item else None,
        purpose=Text(item.purpose.zh, item.purpose.en) if item else None,
        fields=tuple(LABELS[Field(field)] for field in wanted.fields),
        sandbox=server.runtime.settings.sandbox,
        state=now.state.value,
        number=now.number,
    )
    language = _language(request, found.asked.language)
    return Response(
        page.render(view, language), media_type="text/html", headers={**_HTML, "Content-Language": language}
    )


def _language(request: Incoming, wished: str = "") -> str:
    """Return a page's language: what its reader chose, else what the client `wished`, else what the browser prefers."""
    return page.choose_language(
        request.query_params.get("lang") or wished, guards.headers(request).get("accept-language")
    )


@get("/login/{login:uuid}/status", operation_id="login_status", opt=_OPENER)
async def login_status(login: FromPath[UUID], request: Incoming, server: Given[Server]) -> Status:
    """Say where a login stands 登录状态: the truth that the page polls."""
    return await status(server, login, request.cookies.get(_held(server, login), ""))


@get("/login/{login:uuid}/events", operation_id="login_events", opt=_OPENER)
async def login_events(login: FromPath[UUID], request: Incoming, server: Given[Server], feed: Given[Feed]) -> Stream:
    """Send a login's status as it changes 登录状态推送."""
    _, poll = await _followed(request, server, login)
    return Stream(events(server, feed, login, poll), media_type="text/event-stream")


@get("/login/{login:uuid}/qr.svg", operation_id="login_qr", opt=_OPENER)
async def login_qr(login: FromPath[UUID], request: Incoming, server: Given[Server]) -> Response[Any]:
    """Draw the QR of now 登录二维码."""
    now = await status(server, login, request.cookies.get(_held(server, login), ""))
    if now.qr is None:
        raise NotFound
    return Response(await render.svg(now.qr), media_type="image/svg+xml")


@get("/login/{login:uuid}/app", operation_id="login_app", status_code=303, opt=_OPENER)
async def login_app(login: FromPath[UUID], request: Incoming, server: Given[Server]) -> Response[Any]:
    """Open the e-card app on this phone 在本机打开."""
    now = await status(server, login, request.cookies.get(_held(server, login), ""))
    if now.qr is None:
        raise LoginUnknown
    return Moved(f"ecard://login?{urlencode({'qr': now.qr})}")


@get("/login/{login:uuid}/done", operation_id="login_done", status_code=303, opt=_OPENER)
async def login_done(login: FromPath[UUID], request: Incoming, server: Given[Server]) -> Response[Any]:
    """Go back to the client 返回应用, with a code or an error."""
    finished = await finish(server, login, request.cookies.get(_held(server, login), ""))
    cookies = []
    if finished.session is not None:
        cookies.append(_cookie(server, _kept(server), finished.session, sessions.SECONDS))
    return Moved(finished.location, cookies)


@get("/login/{login:uuid}/again", operation_id="login_again", status_code=303, opt=_OPENER)
async def login_again(login: FromPath[UUID], request: Incoming, server: Given[Server]) -> Response[Any]:
    """Begin an expired login anew 重新登录, with the same request; once, and soon after."""
    found, poll = await _followed(request, server, login)
    client = await server.directory.find(str(found.client))
    if client is None or not await store.begun_again(server.runtime.pool, login, hashed(poll)):
        raise LoginUnknown
    opened = await open_login(
        server, server.runtime.pool, client, found.asked, Channel.PAGE, address=found.address, browser=found.browser
    )
    return _to_page(server, opened, _language(request, found.asked.language))


@post("/login/{login:uuid}/cancel", operation_id="login_cancel", status_code=303, opt=_OPENER)
async def login_cancel(login: FromPath[UUID], request: Incoming, server: Given[Server]) -> Response[Any]:
    """Give a login up on its page 取消登录."""
    found, poll = await _followed(request, server, login)
    await store.cancel(server.runtime.pool, found.id, hashed(poll))
    # To the page and not at once to the client: browsers hold a form's redirects to the page's policy.
    return Moved(f"/login/{login}?lang={_language(request)}")


@get("/login/static/{name:str}", operation_id="login_static")
async def login_static(name: FromPath[str]) -> Response[bytes]:
    """Serve the page's style sheet and script."""
    if name not in page.STATIC:
        raise NotFound
    content, media_type = page.STATIC[name]
    return Response(content, media_type=media_type, headers={"Cache-Control": "public, max-age=300"})


@route("/oauth/logout", http_method=["GET", "POST"], operation_id="oauth_logout", status_code=303)
async def oauth_logout(request: Incoming, server: Given[Server]) -> Response[Any]:
    """Log a browser out 退出登录 (OpenID Connect RP-Initiated Logout): its session and what came of it end."""
    scope = request.scope
    form = (
        forms.parse(scope["query_string"].decode("latin-1")) if scope["method"] == "GET" else await forms.read(request)
    )
    left = await leaving.leave(server, form, request.cookies.get(_kept(server)))
    return Moved(left.location, [_cookie(server, _kept(server), "", 0)] if left.ended else [])


@get([leaving.PAGE, "/device"], operation_id="login_notice")
async def login_notice(request: Incoming, server: Given[Server]) -> Response[bytes]:
    """Tell people what to do where no login waits: to log out or logged out, and where a device's code is typed."""
    language = _language(request)
    kind = "leave" if request.cookies.get(_kept(server)) else "out"
    if request.scope["path"] == "/device":
        kind = "device"
    return Response(
        plain.notice(kind, language), media_type="text/html", headers={**_HTML, "Content-Language": language}
    )


@post(leaving.PAGE, operation_id="login_leave", status_code=303)
async def login_leave(request: Incoming, server: Given[Server]) -> Response[Any]:
    """Log this browser out 退出登录: the cookie comes with a form of our own page alone (SameSite)."""
    await leaving.leave_here(server, request.cookies.get(_kept(server)))
    return Moved(leaving.PAGE, [_cookie(server, _kept(server), "", 0)])


def render_error(request: Incoming, error: Exception) -> Response[bytes]:
    """Show an error as a page for people; programs that ask for JSON get a problem."""
    if "text/html" not in guards.headers(request).get("accept", ""):
        return problems.render(request, error)
    shown = problems.declared(error)
    problems.note(request, error, shown)
    language = _language(request)
    body = plain.failure(shown.title, shown.action, shown.code, request.scope["state"].get("request_id", ""), language)
    headers = {**_HTML, **shown.headers, "Content-Language": language}
    return Response(body, status_code=shown.status, media_type="text/html", headers=headers)


router = Router(
    "/",
    route_handlers=[
        oauth_authorize,
        login_page,
        login_status,
        login_events,
        login_qr,
        login_app,
        login_done,
        login_again,
        login_cancel,
        login_static,
        oauth_logout,
        login_notice,
        login_leave,
    ],
    exception_handlers={Exception: render_error, EcardError: render_error},
    opt={"public": True},
    include_in_schema=False,
)
"""What `ecard.app` mounts."""
