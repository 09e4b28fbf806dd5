"""The straight way to a hot operation: admit the caller, read the body, call the handler, send its answer.

Litestar resolves parameters, dependencies and responses anew for each request, which costs several
times what issuing a code does. An operation that a million screens call names `middleware=[Direct]`
and is otherwise written, routed and documented as any other.
"""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from ecard import guards
from ecard.errors import Invalid
from ecard.requests import StrictRequest, decode

_Source = Callable[[StrictRequest, Any], Awaitable[Any]]


class Direct:
    """Calls the route's handler with what its parameters name.

    These are `data` (the body), `request`, one kind of caller, and parts of the application's state. The
    caller comes first, so that nobody who may not call learns what is wrong with a body.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Take what answers anything but the operation's own method."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request; raises whatever the handler does, for the application to render."""
        handler = scope["route_handler"]
        if scope["type"] != ScopeType.HTTP or not isinstance(handler, HTTPRouteHandler) or _is_other(scope, handler):
            await self._app(scope, receive, send)
            return
        request = StrictRequest(scope, receive, send)
        state = Litestar.from_scope(scope).state
        given = {name: await source(request, state) for name, source in _sources(handler)}
        response = await handler.fn(**given)
        await response.to_asgi_response(None, request)(scope, receive, send)


def _is_other(scope: Any, handler: HTTPRouteHandler) -> bool:
    return scope["method"] not in handler.http_methods


@cache
def _sources(handler: HTTPRouteHandler) -> list[tuple[str, _Source]]:
    names = sorted(handler.parsed_fn_signature.parameters, key=lambda name: name not in guards.DEPENDENCIES)
    return [(name, _source(handler, name)) for name in names]


def _source(handler: HTTPRouteHandler, name: str) -> _Source:
    async def body(request: StrictRequest, _: Any) -> Any:
        received = await request.body()
        if not received:
            raise Invalid  # as Litestar says of a missing parameter
        return decode(received, field.annotation if field else Any)

    async def itself(request: StrictRequest, _: Any) -> Any:
        return request

    async def caller(request: StrictRequest, state: Any) -> Any:
        return await guards.DEPENDENCIES[name].dependency(request, state.runtime)

    async def part(_: StrictRequest, state: Any) -> Any:
        return state[name]

    field = handler.parsed_data_field
    return caller if name in guards.DEPENDENCIES else {"data": body, "request": itself}.get(name, part)
