"""Who may call what: every operation of the application against every kind of caller."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from litestar import Litestar, get
from litestar.routes import HTTPRoute

from ecard import app as composition
from ecard import guards
from ecard.app import create_app
from ecard.callers import Holder, Operator, Terminal
from ecard.client import Session
from ecard.direct import Direct
from ecard.given import Given
from ecard.settings import Settings
from tests.bureau import Bureau, refused
from tests.openapi.good import GOOD

SETTINGS = Settings(
    database_url="postgresql://nowhere", redis_url="redis://nowhere", master_key=bytes(32), sandbox=True
)
KINDS = ("holder", "terminal", "operator", "channel")
ROLES = ("registrar", "cards", "security")


class Door(NamedTuple):
    """An operation and who it says may call it: a kind of caller (with a role), or everybody (None)."""

    operation: str
    method: str
    path: str
    caller: str | None
    role: str | None


def litestar() -> Litestar:
    direct = create_app(SETTINGS, quiet=True).app
    assert isinstance(direct, Direct)
    app = direct.app
    assert isinstance(app, Litestar)
    return app


def doors() -> Iterator[Door]:
    """Walk the application's own routes: nothing here is a list that could be forgotten."""
    for route in litestar().routes:
        assert isinstance(route, HTTPRoute), f"{route.path} is no HTTP route: guard it, and walk it here"
        for handler in route.route_handlers:
            method = min({*handler.http_methods} - {"HEAD"} or {"HEAD"})
            if method == "OPTIONS" or route.path.startswith("/docs/"):
                continue
            callers = [name for name in handler.parsed_fn_signature.parameters if name in KINDS]
            assert len(callers) <= 1
            path = route.path.replace(":uuid", "").replace(":str", "")
            role = handler.opt.get("role")
            yield Door(str(handler.operation_id), method, path, callers[0] if callers else None, role)


DOORS = {door.operation: door for door in doors()}
CLOSED = sorted(name for name, door in DOORS.items() if door.caller)
OPEN = sorted(DOORS.keys() - CLOSED)


@pytest.fixture(scope="module")
def everybody(bureau: Bureau) -> dict[str, Session]:
    """One caller of each kind, and of each role."""
    kinds: dict[str, Session] = {"holder": bureau.phone(), "terminal": bureau.terminal(), "channel": bureau.channel}
    return {**kinds, **{f"operator {role}": bureau.operators[role] for role in ROLES}}


def test_the_doors_that_stand_open_are_these() -> None:
    assert OPEN == [
        "bundle_get",
        "catalogue_item",
        "catalogue_list",
        "discovery",
        "health_get",
        "jwks_get",
        "login_again",
        "login_app",
        "login_cancel",
        "login_done",
        "login_events",
        "login_notice",
        "login_page",
        "login_qr",
        "login_static",
        "login_status",
        "metrics_get",
        "oauth_authorize",
        "oauth_ciba",
        "oauth_device",
        "oauth_introspect",
        "oauth_jwks",
        "oauth_logout",
        "oauth_par",
        "oauth_revoke",
        "oauth_token",
        "oauth_userinfo",
        "ready_get",
        "session_open",
    ]
    assert len(CLOSED) >= 20


@pytest.mark.parametrize("operation", CLOSED)
def test_an_operation_admits_whom_it_names_and_nobody_else(
    bureau: Bureau, everybody: dict[str, Session], operation: str
) -> None:
    door, good = DOORS[operation], GOOD[operation](bureau)
    path = door.path.format(**good.path or {})
    anonymous = bureau.http.request(door.method, path, json=good.body, headers={"Idempotency-Key": "anonymous"})
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "signature_missing")
    for name, caller in everybody.items():
        kind, _, role = name.partition(" ")
        if kind != door.caller:
            with refused("wrong_caller", 403) as refusal:
                caller.call(door.method, path, good.body)
            assert refusal.value.problem["required"] == door.caller
        elif role != (door.role or ""):
            with refused("wrong_role", 403) as refusal:
                caller.call(door.method, path, good.body)
            assert refusal.value.problem["required"] == door.role
    assert good.caller is not None
    assert good.caller.call(door.method, path, good.body).is_success


@pytest.mark.parametrize(
    "operation", ["bundle_get", "catalogue_list", "health_get", "jwks_get", "metrics_get", "ready_get"]
)
def test_an_open_door_needs_no_signature(http: httpx.Client, operation: str) -> None:
    assert http.get(DOORS[operation].path).status_code == 200


def test_opening_a_session_is_open_to_registered_keys_only(bureau: Bureau) -> None:
    good = GOOD["session_open"](bureau)
    answer = bureau.http.post("/v1/sessions", json=good.body)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_missing")
    # A session's MAC is no signature of the key itself.
    assert good.caller is not None
    with refused("actor_unknown", 401):
        good.caller.call("POST", "/v1/sessions", good.body)


async def _handler() -> None: ...


async def _holder(holder: Given[Holder]) -> None: ...


async def _two(holder: Given[Holder], terminal: Given[Terminal]) -> None: ...


async def _operator(operator: Given[Operator]) -> None: ...


@pytest.mark.parametrize(
    ("function", "opt", "starts"),
    [
        (_handler, {}, False),
        (_handler, {"public": False}, False),
        (_handler, {"public": True}, True),
        (_holder, {}, True),
        (_holder, {"public": True}, False),
        (_two, {}, False),
        (_operator, {}, False),
        (_operator, {"role": "cards"}, True),
        (_holder, {"role": "cards"}, False),
    ],
)
def test_the_application_refuses_to_start_with_a_handler_that_does_not_say_who_may_call(
    monkeypatch: pytest.MonkeyPatch, function: Any, opt: dict[str, Any], *, starts: bool
) -> None:
    handler = get("/v1/forgotten", operation_id="forgotten", opt=opt)(function)
    monkeypatch.setattr(composition, "ROUTERS", [*composition.ROUTERS, handler])
    if starts:
        create_app(SETTINGS, quiet=True)
    else:
        with pytest.raises(RuntimeError, match="/v1/forgotten"):
            create_app(SETTINGS, quiet=True)


def test_the_kinds_of_caller_are_those_that_the_doors_know() -> None:
    assert set(KINDS) == guards.DEPENDENCIES.keys()
