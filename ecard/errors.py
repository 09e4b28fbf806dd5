"""Every way that a request can go wrong, as classes (RFC 9457).

An error class is the whole entry of the error catalogue: its stable `code`, its HTTP status,
its title and what to do about it, Chinese first and English second. Features declare their
errors in their own ``errors.py``; `ecard.problems` renders them and `docs/errors.md` is
generated from them, so nothing about an error stands in two places.

Never put an offending value into an error: it may be a secret or a personal number.
"""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple


class Text(NamedTuple):
    """A sentence for people, in both languages of the project."""

    zh: str
    en: str


class EcardError(Exception):
    """The root of every declared error; raising one rolls the transaction back.

    `members` are extension members of the problem document (RFC 9457 §3.2): figures and
    codes that help the caller, never a secret, a personal number or an echo of the input.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[Text] = Text("系统内部错误", "Internal error")
    action: ClassVar[Text] = Text(
        "请稍后重试；若仍失败, 请提供 request_id 联系平台。",
        "Try again later; if it persists, give the request_id to the operator.",
    )

    def __init__(self, *, pointer: str | None = None, headers: dict[str, str] | None = None, **members: object) -> None:
        super().__init__(self.code)
        self.pointer = pointer
        self.headers = headers or {}
        self.members = members


class Invalid(EcardError):
    """The request is malformed; `pointer` is the JSON pointer of the offending place (RFC 6901)."""

    status = 400
    code = "invalid_request"
    title = Text("请求格式不正确", "The request is not valid")
    action = Text(
        "请按接口文档检查 pointer 所指的字段。", "Check the field that pointer names against the API reference."
    )


class Unauthenticated(EcardError):
    """No valid proof of who is calling."""

    status = 401
    code = "unauthenticated"
    title = Text("未通过身份验证", "Not authenticated")
    action = Text("请先建立会话, 并对每个请求签名。", "Open a session first and sign each request.")


class Forbidden(EcardError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"
    title = Text("无权进行此操作", "Not allowed")
    action = Text("请使用有此权限的身份调用。", "Call as an actor that has this right.")


class NotFound(EcardError):
    """No such thing, or none that this caller may know of."""

    status = 404
    code = "not_found"
    title = Text("未找到", "Not found")
    action = Text("请检查标识是否正确。", "Check the identifier.")


class Conflict(EcardError):
    """The state of the thing does not allow this now."""

    status = 409
    code = "conflict"
    title = Text("与当前状态冲突", "Conflicts with the current state")
    action = Text("请重新读取状态后再试。", "Read the state again, then decide.")


class TooLarge(EcardError):
    """The body is larger than any request of this API needs."""

    status = 413
    code = "body_too_large"
    title = Text("请求体过大", "The request body is too large")
    action = Text("请求体不得超过上限 (字节)。", "Keep the body under the limit (bytes).")


class TooMany(EcardError):
    """A limit was reached; `Retry-After` says when to come back (seconds)."""

    status = 429
    code = "too_many_requests"
    title = Text("请求过于频繁", "Too many requests")
    action = Text("请按 Retry-After 指示的秒数等待。", "Wait for the seconds in Retry-After.")


class Unavailable(EcardError):
    """A part that the answer depends on does not answer; nothing was done."""

    status = 503
    code = "unavailable"
    title = Text("服务暂不可用", "Temporarily unavailable")
    action = Text("未产生任何效果, 请稍后重试。", "Nothing was done; try again later.")


def catalogue() -> Iterator[type[EcardError]]:
    """All declared errors, each once, ordered by code; import the features first."""
    seen: dict[str, type[EcardError]] = {}
    todo: list[type[EcardError]] = [EcardError]
    while todo:
        error = todo.pop()
        seen.setdefault(error.code, error)
        todo.extend(error.__subclasses__())
    return iter(sorted(seen.values(), key=lambda error: error.code))
