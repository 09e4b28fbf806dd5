"""How an authorization request can be refused."""

from auth.errors import OAuthError
from ecard.errors import Text


class RequestUriRefused(OAuthError):
    """The `request_uri` is unknown, used, expired or another client's."""

    code = "oauth_invalid_request_uri"
    error = "invalid_request_uri"
    title = Text("request_uri 无效、已使用或已过期", "The request_uri is not valid, was used, or has expired")
    action = Text("请重新推送授权请求。", "Push the authorization request again.")


class RequestObjectRefused(OAuthError):
    """The signed request object (RFC 9101) does not fit; `reason` says what."""

    code = "oauth_invalid_request_object"
    error = "invalid_request_object"
    title = Text("请求对象无效", "The request object is not valid")
    action = Text("请按 reason 检查请求对象。", "Check the request object by 'reason'.")


class RedirectRefused(OAuthError):
    """The redirect URI is not one of the client's, to the character; nobody is sent there."""

    code = "oauth_redirect_uri"
    title = Text("redirect_uri 未登记", "The redirect_uri is not registered for the client")
    action = Text("请使用登记的地址, 一字不差。", "Use a registered URI, character for character.")


class ResponseTypeRefused(OAuthError):
    """Only `code` is answered."""

    code = "oauth_unsupported_response_type"
    error = "unsupported_response_type"
    title = Text("不支持的 response_type", "The response_type is not supported")
    action = Text("请使用 response_type=code。", "Use response_type=code.")


class LoginNeeded(OAuthError):
    """`prompt=none`, and nobody is logged in (OpenID Connect Core §3.1.2.6)."""

    code = "oauth_login_required"
    error = "login_required"
    title = Text("需要持卡人登录", "The holder must log in")
    action = Text("请不带 prompt=none 重新发起。", "Ask again without prompt=none.")


class ConsentNeeded(OAuthError):
    """`prompt=none`, and the holder has not consented."""

    code = "oauth_consent_required"
    error = "consent_required"
    title = Text("需要持卡人同意授权", "The holder must consent")
    action = Text("请不带 prompt=none 重新发起。", "Ask again without prompt=none.")


class UnmetRequirements(OAuthError):
    """The authentication asked for cannot be had in this way (RFC 9470 §5)."""

    code = "oauth_unmet_authentication_requirements"
    error = "unmet_authentication_requirements"
    title = Text("无法满足所要求的认证强度", "The required authentication cannot be met")
    action = Text("请使用 acr_values_supported 所列的值。", "Use one of acr_values_supported.")


class HolderDeclined(OAuthError):
    """The holder said no, or nobody answered in time."""

    code = "oauth_access_denied"
    error = "access_denied"
    title = Text("持卡人未同意", "The holder declined or did not answer")
    action = Text("请由持卡人重新发起。", "Let the holder begin again.")
