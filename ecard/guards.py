"""The doors: a handler admits exactly the kind of caller that it names among its parameters.

Every call that is not public is signed under a session of a registered key. A handler that names no
caller must say `opt={"public": True}`; the application refuses to start otherwise.
"""

import hmac
from typing import Any, TypeVar

from litestar import Request
from litestar.di import Provide

from ecard import signatures
from ecard.callers import AnyCaller, Caller, Channel, Holder, Operator, Terminal
from ecard.errors import Forbidden, Text, Unauthenticated
from ecard.given import Given
from ecard.runtime import Runtime
from ecard.signatures import Call

C = TypeVar("C", bound=Caller)


class KeyRevoked(Unauthenticated):
    """The registered key behind the session was revoked (a device unbound, a terminal taken out of service)."""

    code = "key_revoked"
    title = Text("该设备或终端已停用", "This device or terminal is revoked")
    action = Text("请重新绑定或联系管理机构。", "Bind it again, or ask its agency.")


class WrongCaller(Forbidden):
    """A caller of another kind; `required` says which kind may."""

    code = "wrong_caller"
    title = Text("此类调用方无权使用该接口", "This kind of caller may not use this operation")
    action = Text("请以 required 所列身份调用。", "Call as the kind that required names.")


class WrongRole(Forbidden):
    """An operator of another role; `required` says which may."""

    code = "wrong_role"
    title = Text("该操作员角色无权进行此操作", "An operator of this role may not do this")
    action = Text("请由 required 所列角色的操作员办理。", "Ask an operator of the role in required.")


_REVOKED = "SELECT revoked_at IS NOT NULL FROM actor WHERE seq = $1"
_SIGNED_HEADERS = ("signature-input", "signature", "content-digest", "idempotency-key")


def headers(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the request's headers by lower-case name; a signed header given twice is refused."""
    known: dict[str, str] | None = request.scope["state"].get("headers")
    if known is not None:
        return known
    pairs = list(request.scope["headers"])
    found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}
    if len(found) != len(pairs):
        names = [name.decode("latin-1").lower() for name, _ in pairs]
        if any(names.count(name) > 1 for name in _SIGNED_HEADERS):
            raise signatures.SignatureWrong
    request.scope["state"]["headers"] = found
    return found


async def call(request: Request[Any, Any, Any], given: dict[str, str]) -> Call:
    """Return the parts of `request` that its signature covers."""
    scope = request.scope
    return Call(
        scope["method"],
        scope["raw_path"].decode("latin-1").partition("?")[0],
        scope["query_string"].decode("latin-1"),
        await request.body(),
        given.get("idempotency-key"),
    )


async def authenticate(request: Request[Any, Any, Any], runtime: Given[Runtime]) -> AnyCaller:
    """Return who made `request`; raises SignatureMissing, -Wrong, -Clock, SessionInvalid or KeyRevoked."""
    given = headers(request)
    now = runtime.clock.time()
    if "max_body" in request.route_handler.opt:
        # A large body is not taken in for somebody who has no session at all.
        runtime.tickets.open(signatures.keyid(given), now)
    signed = signatures.read(await call(request, given), given, now)
    if signed.algorithm != signatures.HMAC:
        raise signatures.SignatureWrong
    caller: AnyCaller = runtime.tickets.open(signed.keyid, now)
    if not hmac.compare_digest(signatures.mac(caller.key, signed.base), signed.signature):
        raise signatures.SignatureWrong
    revoked = caller.seq in runtime.denied.actors
    if not runtime.denied.fresh():
        # The feed is late: ask, rather than believe what may have changed.
        revoked = await runtime.pool.fetchval(_REVOKED, caller.seq)
    if revoked:
        raise KeyRevoked
    request.scope["state"]["actor"] = caller
    return caller


async def holder(request: Request[Any, Any, Any], runtime: Given[Runtime]) -> Holder:
    """Admit a holder's phone."""
    return _only(Holder, await authenticate(request, runtime))


async def terminal(request: Request[Any, Any, Any], runtime: Given[Runtime]) -> Terminal:
    """Admit a terminal."""
    return _only(Terminal, await authenticate(request, runtime))


async def operator(request: Request[Any, Any, Any], runtime: Given[Runtime]) -> Operator:
    """Admit an operator of the role that the handler names by `opt={"role": …}`; raises WrongRole."""
    caller = _only(Operator, await authenticate(request, runtime))
    require_role(caller, request.route_handler.opt["role"])
    return caller


async def channel(request: Request[Any, Any, Any], runtime: Given[Runtime]) -> Channel:
    """Admit a channel's server."""
    return _only(Channel, await authenticate(request, runtime))


def require_role(caller: Operator, role: str) -> None:
    """Admit only operators of this role; raises WrongRole."""
    if caller.role != role:
        raise WrongRole(required=role)


def _only(kind: type[C], caller: AnyCaller) -> C:
    if not isinstance(caller, kind):
        raise WrongCaller(required=kind.__struct_config__.tag)
    return caller


DEPENDENCIES = {
    "holder": Provide(holder),
    "terminal": Provide(terminal),
    "operator": Provide(operator),
    "channel": Provide(channel),
}
"""For the application; a handler's parameter of one of these names is its access rule."""
