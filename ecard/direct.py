"""The straight way to a hot operation: admit the caller, read the body, call the handler, send its answer.

Litestar finds the route, and resolves parameters, dependencies and responses anew for each request, which
costs several times what issuing a code does. An operation that a million screens call names
`opt={"direct": True}` and is otherwise written, routed and documented as any other; whatever else comes
(another method, a preflight) goes to Litestar.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from litestar import Litestar, Response
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from ecard import guards
from ecard.errors import Invalid
from ecard.requests import StrictRequest, decode

_Source = Callable[[StrictRequest, Any], Awaitable[Any]]
_Render = Callable[[Any, Exception], Response[Any]]


class _Lane(NamedTuple):
    handler: HTTPRouteHandler
    sources: list[tuple[str, _Source]]
    render: _Render


class Direct:
    """Calls the handlers of hot operations with what their parameters name.

    These are `data` (the body), `request`, one kind of caller, and parts of the application's state. The
    caller comes first, so that nobody who may not call learns what is wrong with a body.
    """

    def __init__(self, app: Litestar) -> None:
        """Take the application: its hot operations are found here, all else goes there."""
        self.app = app
        self._before = app.before_send
        self._lanes: dict[tuple[str, str], _Lane] = {}
        for route in app.routes:
            for handler in route.route_handlers if isinstance(route, HTTPRoute) else []:
                if handler.opt.get("direct"):
                    lane = _Lane(handler, _sources(handler), handler.resolve_exception_handlers()[Exception])
                    self._lanes.update({(method, route.path): lane for method in handler.http_methods})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, an error as the handler's own renderer says it."""
        lane = self._lanes.get((scope["method"], scope["path"])) if scope["type"] == ScopeType.HTTP else None
        if lane is None:
            await self.app(scope, receive, send)
            return
        scope.update(route_handler=lane.handler, litestar_app=self.app, path_params={})  # type: ignore[call-arg] # as the router does
        send = self._hooked(scope, send)
        request, answering = StrictRequest(scope, receive, send), False
        try:
            given = {name: await source(request, self.app.state) for name, source in lane.sources}
            app = _asgi(await lane.handler.fn(**given), request)
            answering = True
            await app(scope, receive, send)
        except Exception as error:
            if answering:
                raise  # too late for another answer
            await _asgi(lane.render(request, error), request)(scope, receive, send)

    def _hooked(self, scope: Scope, send: Send) -> Send:
        """Return `send` with what the application does before it sends anything."""

        async def hooked(message: Message) -> None:
            for hook in self._before:
                await hook(message, scope)
            await send(message)

        return hooked


def _asgi(response: Response[Any], request: StrictRequest) -> ASGIApp:
    return response.to_asgi_response(None, request)


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
