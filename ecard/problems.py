"""Every error as application/problem+json (RFC 9457), by one renderer.

Litestar's own plugin leaves an unhandled 500 as plain JSON and documents another shape, so the
renderer is ours: what is declared (`ecard.errors`) is shown, what is not is an internal error whose
details stay in the log.
"""

import logging
from collections.abc import Mapping
from typing import Any

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotAuthorizedException, ValidationException
from litestar.exceptions import NotFoundException as RouteNotFound
from litestar.status_codes import HTTP_405_METHOD_NOT_ALLOWED, HTTP_413_REQUEST_ENTITY_TOO_LARGE

from ecard.errors import EcardError, Invalid, NotFound, Text, TooLarge, Unauthenticated, Unavailable

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("ecard.problems")


_PASSING = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.CannotConnectNowError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection was lost in the midst of a command
    OSError,  # a connection refused or reset, a name not found; of two addresses that fail, a bare one
)
"""Faults of the stores that pass: nothing was decided, and the caller may come again."""


class MethodNotAllowed(EcardError):
    """The path exists, the method does not; `Allow` names those that do."""

    status = 405
    code = "method_not_allowed"
    title = Text("此路径不支持该方法", "This path does not take this method")
    action = Text("请使用 Allow 头列出的方法。", "Use a method that the Allow header lists.")


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A problem document (RFC 9457); `code` is stable and for programs, the texts are for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    pointer: str | None = None


def document(error: EcardError, request_id: str) -> dict[str, Any]:
    """Return the problem document of `error`, its members beside the standard ones."""
    problem = Problem(
        type=f"/docs/errors#{error.code}",
        title=f"{error.title.zh} · {error.title.en}",
        status=error.status,
        detail=f"{error.action.zh} {error.action.en}",
        code=error.code,
        request_id=request_id,
        pointer=error.pointer,
    )
    shown: dict[str, Any] = msgspec.to_builtins(problem)
    return {**error.members, **shown}


def declared(error: Exception) -> EcardError:
    """Return the declared error that `error`, of whatever library, means to a caller."""
    match error:
        case EcardError():
            return error
        case RouteNotFound():
            return NotFound()
        case ValidationException(extra=[{"key": str(key)}, *_]):
            # "data" is the handler's name for a body that did not come: the pointer is the body's root.
            return Invalid(pointer="" if key == "data" else f"/{key}")
        case NotAuthorizedException():
            return Unauthenticated()
        case HTTPException(status_code=status) if status == HTTP_405_METHOD_NOT_ALLOWED:
            return MethodNotAllowed(headers=dict(error.headers or {}))
        case HTTPException(status_code=status) if status == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
            return TooLarge()
        case HTTPException(status_code=status) if status < EcardError.status:
            return Invalid()
        case _:
            return Unavailable(headers={"Retry-After": "1"}) if isinstance(error, _PASSING) else EcardError()


def render(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Turn any exception into a problem response; what was not declared is logged with its traceback."""
    shown = declared(error)
    note(request, error, shown)
    request_id = request.scope.get("state", {}).get("request_id", "")
    return Response(
        msgspec.json.encode(document(shown, request_id)),
        status_code=shown.status,
        media_type=MEDIA_TYPE,
        headers=shown.headers,
    )


def note(request: Request[Any, Any, Any], error: Exception, shown: EcardError) -> None:
    """Leave the answer's code for the access log; log what was not declared, with its traceback."""
    state = request.scope.setdefault("state", {})
    if shown.status == EcardError.status:
        unforeseen(state, error)
    state["problem"] = shown.code


def unforeseen(state: Mapping[str, Any], error: Exception) -> None:
    """Log what was not declared, by the `state` of the request or the socket on which it came up."""
    # The traceback names files and lines; its message could hold input, so only its type is logged.
    request_id = state.get("request_id", "")
    log.error("unhandled %s request_id=%s", type(error).__name__, request_id, exc_info=_without_message(error))


def _without_message(error: Exception) -> tuple[type[Exception], Exception, Any]:
    bare = Exception("message withheld")
    return type(error), bare, error.__traceback__


HANDLERS: dict[int | type[Exception], Any] = {Exception: render, HTTPException: render, EcardError: render}
"""For Litestar's `exception_handlers`."""
