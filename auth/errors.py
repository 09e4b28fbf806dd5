"""OAuth errors: the specification's own codes, said to an integrator so that they can mend it.

A specification's code is coarse (`invalid_grant` means ten things), so each error here also has a
code of its own. `error_description` may hold ASCII alone (RFC 6749 §5.2): the Chinese stands in `hint`.

    OAuthError
    ├── BadRequest          invalid_request, and the endpoints' own (invalid_scope, invalid_request_object …)
    ├── ClientRefused       invalid_client (401)
    ├── GrantRefused        invalid_grant
    ├── ProofRefused        invalid_dpop_proof, use_dpop_nonce
    ├── TokenNotAccepted    invalid_token (401, a resource's answer, RFC 6750)
    └── Pending             authorization_pending, slow_down, access_denied, expired_token (RFC 8628 §3.5)
"""

from typing import Any, ClassVar, Self

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from ecard import problems
from ecard.errors import EcardError, Text

NO_STORE = {"Cache-Control": "no-store"}


class OAuthError(EcardError):
    """The root of every error that an OAuth endpoint answers; `error` is the specification's code."""

    status = 400
    code = "oauth_error"
    error: ClassVar[str] = "invalid_request"
    title = Text("授权请求不正确", "The authorization request is not valid")
    action = Text("请按接入指南检查请求。", "Check the request against the integration guide.")
    why: str = ""
    """What was wrong, for the log alone: a caller who is not known is not told which part of a proof failed."""

    @classmethod
    def because(cls, why: str) -> Self:
        """Return the error with its reason for the log; a reason of ours, never a caller's words."""
        error = cls()
        error.why = why
        return error


class BadRequest(OAuthError):
    """A parameter is missing, twice there, malformed or not allowed; `parameter` names it."""

    code = "oauth_invalid_request"
    title = Text("请求参数缺失、重复或格式不正确", "A parameter is missing, repeated or malformed")
    action = Text("请检查 parameter 所指的参数。", "Check the parameter that 'parameter' names.")


class ClientRefused(OAuthError):
    """The client is unknown, disabled, or did not prove who it is; which of these is not said."""

    status = 401
    code = "oauth_invalid_client"
    error = "invalid_client"
    title = Text("应用身份验证失败", "Client authentication failed")
    action = Text(
        "请检查 client_id、密钥、aud (应为 issuer)、exp 与 jti (每次不同)。",
        "Check client_id, the key, aud (the issuer), exp and jti (new each time).",
    )


class ClientNotAllowed(OAuthError):
    """The client is registered without what it asks for."""

    code = "oauth_unauthorized_client"
    error = "unauthorized_client"
    title = Text("该应用未登记此授权方式", "The client is not registered for this grant type")
    action = Text("请联系管理机构变更登记。", "Ask the operator to change its registration.")


class GrantTypeUnknown(OAuthError):
    """The token endpoint knows no such grant type."""

    code = "oauth_unsupported_grant_type"
    error = "unsupported_grant_type"
    title = Text("不支持的授权类型", "The grant type is not supported")
    action = Text(
        "请使用发现文档 grant_types_supported 所列类型。", "Use one of grant_types_supported in the discovery."
    )


class ScopeRefused(OAuthError):
    """A scope is unknown, or the client may not ask for it."""

    code = "oauth_invalid_scope"
    error = "invalid_scope"
    title = Text("权限范围不正确或未登记", "A scope is unknown or not registered for the client")
    action = Text(
        "请使用 openid 与已登记的 ecard_item。", "Use openid and the items that the client is registered for."
    )


class DetailsRefused(OAuthError):
    """`authorization_details` (RFC 9396) does not name one item that the client may ask for."""

    code = "oauth_invalid_authorization_details"
    error = "invalid_authorization_details"
    title = Text("授权明细不正确或未登记", "authorization_details is not valid or not registered for the client")
    action = Text(
        '请使用 [{"type":"ecard_item","item":"事项代码"}], 仅一项。', 'Send one {"type":"ecard_item","item":"…"}.'
    )


class GrantRefused(OAuthError):
    """A code, refresh token or assertion is unknown, used, expired, or another's: which is not said."""

    code = "oauth_invalid_grant"
    error = "invalid_grant"
    title = Text("授权码或令牌无效、已使用或已过期", "The code or token is not valid, was used, or has expired")
    action = Text(
        "请检查是否重复使用, 以及 redirect_uri、code_verifier 与密钥是否一致。",
        "Check for a second use, and that redirect_uri, code_verifier and the key are those of the request.",
    )


class TargetRefused(OAuthError):
    """The resource (RFC 8707) is none that this server issues tokens for."""

    code = "oauth_invalid_target"
    error = "invalid_target"
    title = Text("资源标识不受支持", "The resource is not one that this server knows")
    action = Text("请省略 resource 或使用 issuer。", "Leave resource out, or send the issuer.")


class ProofRefused(OAuthError):
    """The DPoP proof (RFC 9449) does not fit; `reason` says what: htm, htu, key, ath, jti, clock, form."""

    code = "oauth_invalid_dpop_proof"
    error = "invalid_dpop_proof"
    title = Text("DPoP 证明不正确", "The DPoP proof is not valid")
    action = Text("请按 reason 检查证明, 每次使用新的 jti。", "Check the proof by 'reason'; use a new jti each time.")


class NonceNeeded(OAuthError):
    """The proof bears no nonce of ours, or an old one; `DPoP-Nonce` has the one to use (RFC 9449 §8)."""

    code = "oauth_use_dpop_nonce"
    error = "use_dpop_nonce"
    title = Text("请在 DPoP 证明中使用服务器提供的 nonce", "Use the server's nonce in the DPoP proof")
    action = Text("请用 DPoP-Nonce 头的值重试。", "Try again with the value of the DPoP-Nonce header.")


class TokenNotAccepted(OAuthError):
    """The access token is not valid here (RFC 6750 §3.1)."""

    status = 401
    code = "oauth_invalid_token"
    error = "invalid_token"
    title = Text("访问令牌无效或已过期", "The access token is not valid or has expired")
    action = Text("请重新获取访问令牌。", "Get a new access token.")


class ScopeMissing(TokenNotAccepted):
    """The access token was not given for this: userinfo needs `openid` (RFC 6750 §3.1)."""

    status = 403
    code = "oauth_insufficient_scope"
    error = "insufficient_scope"
    title = Text("访问令牌的权限范围不足", "The access token's scope is not enough")
    action = Text("请在 scope 中加上 openid 重新发起登录。", "Ask for the scope openid in the authorization request.")


_UNFIT = frozenset({403, 409, 422})
"""Statuses by which our own errors say that somebody or something does not fit: NotStaff, CardSuspended, TooWeak …"""
_CODES = {429: "temporarily_unavailable", 500: "server_error", 503: "temporarily_unavailable"}


def body(error: EcardError, request_id: str) -> dict[str, Any]:
    """Return what an OAuth endpoint says of `error`: RFC 6749 §5.2, with `hint`, `code` and `request_id`."""
    said = {
        "error": spec_code(error),
        "error_description": description(error),
        "hint": f"{error.title.zh}。{error.action.zh}",
        "code": error.code,
        "request_id": request_id,
    }
    return {**error.members, **said}


def description(error: EcardError) -> str:
    """Return the `error_description` of an error, in the characters that it may hold (RFC 6749 §4.1.2.1, §5.2)."""
    said = f"{error.title.en}. {error.action.en}".encode("ascii", "replace").decode()
    return said.replace('"', "'").replace("\\", "/")


def spec_code(error: EcardError, *, unfit: str = "invalid_grant") -> str:
    """Return the specification's code of any error of ours (RFC 6749 §4.1.2.1, §5.2).

    `unfit` is the code of a holder or card that does not fit: `invalid_grant` to a client that redeems something,
    `access_denied` on a redirect. `slow_down` is said to who polls alone (RFC 8628 §3.5), never of a rate limit.
    """
    if isinstance(error, OAuthError):
        return error.error
    return unfit if error.status in _UNFIT else _CODES.get(error.status, "invalid_request")


def render(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Turn any exception of an OAuth endpoint into its JSON answer; the details stay in the log."""
    shown = problems.declared(error)
    problems.note(request, error, shown)
    if isinstance(shown, OAuthError) and shown.why:
        request.scope["state"]["why"] = shown.why
    request_id = request.scope.get("state", {}).get("request_id", "")
    headers = {**NO_STORE, **shown.headers}
    if shown.status == ClientRefused.status or isinstance(shown, TokenNotAccepted):
        scheme = "DPoP" if isinstance(shown, TokenNotAccepted) else "Basic"
        headers.setdefault("WWW-Authenticate", f'{scheme} realm="ecard", error="{spec_code(shown)}"')
    # Ours are written for a phone; an OAuth error has the status that its specification says.
    unfit = shown.status in _UNFIT and not isinstance(shown, OAuthError)
    return Response(
        msgspec.json.encode(body(shown, request_id)),
        status_code=OAuthError.status if unfit else shown.status,
        media_type="application/json",
        headers=headers,
    )


HANDLERS: dict[int | type[Exception], Any] = {Exception: render, HTTPException: render, EcardError: render}
"""For the `exception_handlers` of the routers of OAuth endpoints."""
