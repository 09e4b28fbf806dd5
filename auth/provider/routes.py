"""HTTP of the provider's endpoints for clients; each is described by the discovery document, not by OpenAPI."""

from typing import Any

from litestar import Request, Response, Router, get, post, route

from auth.errors import HANDLERS, BadRequest, ProofRefused
from auth.logins.opening import BY_CLIENT
from auth.provider import metadata, service
from auth.provider.schemas import PushedAnswer
from auth.requests.model import PUSHED_SECONDS
from auth.requests.service import push, read
from auth.server import Server, admit
from auth.tokens import inspection
from ecard.answers import JsonAnswer
from ecard.given import Given

_PUBLISHED = {"Cache-Control": "public, max-age=300"}
_PUBLIC: dict[str, Any] = {"public": True}
_CLIENT: dict[str, Any] = {"public": True, "signed_by": "client"}
_TOKEN: dict[str, Any] = {"public": True, "signed_by": "token"}
_HOT: dict[str, Any] = {**_CLIENT, "direct": True}
Incoming = Request[Any, Any, Any]


@get(
    ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"],
    operation_id="discovery",
    opt=_PUBLIC,
)
async def discovery(server: Given[Server]) -> Response[dict[str, Any]]:
    """Discover what this provider can do 发现文档."""
    return Response(metadata.discovery(server), headers=_PUBLISHED)


@get("/oauth/jwks", operation_id="oauth_jwks", opt=_PUBLIC)
async def oauth_jwks(server: Given[Server]) -> Response[dict[str, Any]]:
    """Fetch the public keys of tokens 令牌公钥."""
    return Response(metadata.jwks(server), headers=_PUBLISHED)


@post("/oauth/par", operation_id="oauth_par", status_code=201, opt=_CLIENT)
async def oauth_par(request: Incoming, server: Given[Server]) -> Response[PushedAnswer]:
    """Push an authorization request ahead 推送授权请求 (RFC 9126)."""
    calling = await admit(server, request)
    if "request_uri" in calling.form:
        raise BadRequest(parameter="request_uri")
    await server.runtime.limiter.hit(BY_CLIENT, str(calling.client.id))
    asked = await read(server, calling.client, calling.form)
    if asked.jkt is None and calling.jkt is not None:
        asked = asked.bound_to(calling.jkt)
    elif calling.jkt is not None and asked.jkt != calling.jkt:
        raise ProofRefused(reason="key")
    return JsonAnswer(PushedAnswer(request_uri=await push(server, asked), expires_in=PUSHED_SECONDS), 201)


@post("/oauth/token", operation_id="oauth_token", status_code=200, opt=_HOT)
async def oauth_token(request: Incoming, server: Given[Server]) -> Response[Any]:
    """Redeem a code, a refresh token, a device code, an assertion 令牌端点."""
    return JsonAnswer(await service.token(server, await admit(server, request)), 200)


@post("/oauth/introspect", operation_id="oauth_introspect", status_code=200, opt=_HOT)
async def oauth_introspect(request: Incoming, server: Given[Server]) -> Response[Any]:
    """Ask whether a token stands 令牌核查 (RFC 7662)."""
    return JsonAnswer(await inspection.introspect(server, await admit(server, request, public=False)), 200)


@post("/oauth/revoke", operation_id="oauth_revoke", status_code=200, opt=_CLIENT)
async def oauth_revoke(request: Incoming, server: Given[Server]) -> Response[None]:
    """Revoke a token 撤销令牌 (RFC 7009)."""
    await inspection.revoke(server, await admit(server, request))
    return Response(None)


@route("/oauth/userinfo", http_method=["GET", "POST"], operation_id="oauth_userinfo", status_code=200, opt=_TOKEN)
async def oauth_userinfo(request: Incoming, server: Given[Server]) -> Response[Any]:
    """Fetch what the holder let the client know 用户信息; the access token is the caller's right."""
    return JsonAnswer(await inspection.userinfo(server, await inspection.present(server, request)), 200)


@post("/oauth/device", operation_id="oauth_device", status_code=200, opt=_CLIENT)
async def oauth_device(request: Incoming, server: Given[Server]) -> Response[Any]:
    """Begin a login at a kiosk 设备登录 (RFC 8628)."""
    return JsonAnswer(await service.device(server, await admit(server, request)), 200)


@post("/oauth/ciba", operation_id="oauth_ciba", status_code=200, opt=_CLIENT)
async def oauth_ciba(request: Incoming, server: Given[Server]) -> Response[Any]:
    """Ask a known holder's phone to confirm 后台认证 (CIBA)."""
    return JsonAnswer(await service.ciba(server, await admit(server, request, public=False)), 200)


router = Router(
    "/",
    route_handlers=[
        discovery,
        oauth_jwks,
        oauth_par,
        oauth_token,
        oauth_introspect,
        oauth_revoke,
        oauth_userinfo,
        oauth_device,
        oauth_ciba,
    ],
    exception_handlers=HANDLERS,
    include_in_schema=False,
)
"""What `ecard.app` mounts."""
