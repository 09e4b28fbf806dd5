"""Who may call what: every operation of the application against every kind of caller."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
import pytest
from litestar import Litestar, get
from litestar.routes import HTTPRoute, WebSocketRoute

from ecard import app as composition
from ecard import guards
from ecard.app import create_app
from ecard.app import doors as app_doors
from ecard.callers import Holder, Operator, Terminal
from ecard.cli.doors import door as described
from ecard.cli.doors import page as matrix
from ecard.client import Refused, Session
from ecard.direct import Direct
from ecard.given import Given
from ecard.settings import Settings
from ecard.signatures import Call
from tests.auth.party import fapi, new_pkce
from tests.bureau import Bureau, refused
from tests.openapi.good import GOOD

pytestmark = pytest.mark.usefixtures("bank_house")
SETTINGS = Settings(
    database_url="postgresql://nowhere", redis_url="redis://nowhere", master_key=bytes(32), sandbox=True
)
KINDS = ("holder", "terminal", "operator", "channel")
ROLES = ("registrar", "cards", "security", "finance", "training", "reviewer")


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
        if isinstance(route, WebSocketRoute):
            # Whom it admits its handler decides; tests/cardio/server/test_link.py tries everybody.
            assert route.route_handler.opt["signed_by"] == "bridge"
            continue
        assert isinstance(route, HTTPRoute), f"{route.path} is no HTTP route: guard it, and walk it here"
        for handler in route.route_handlers:
            method = min({*handler.http_methods} - {"HEAD"} or {"HEAD"})
            if method == "OPTIONS" or route.path.startswith("/docs/"):
                continue
            callers = [name for name in handler.parsed_fn_signature.parameters if name in KINDS]
            assert len(callers) <= 1
            path = route.path.replace(":uuid", "").replace(":str", "").replace(":int", "")
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
        "bank_notify",
        "benefit_notices",
        "bundle_get",
        "catalogue_item",
        "catalogue_list",
        "claim_issuer",
        "claim_status",
        "claim_types",
        "credential_bundle",
        "credential_key",
        "credential_keys",
        "credential_status",
        "discovery",
        "health_get",
        "jwks_get",
        "login_again",
        "login_app",
        "login_cancel",
        "login_done",
        "login_events",
        "login_leave",
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
    bureau: Bureau, everybody: dict[str, Session], outsiders: "Outsiders", operation: str
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
    # What a client may do with its tokens it does at /oauth: here a token is no signature.
    token = {"Authorization": f"Bearer {outsiders.token}", "Idempotency-Key": "client"}
    for headers in (token, {"Cookie": "ecard_login=x; ecard_browser=x", "Idempotency-Key": "browser"}):
        unsigned = bureau.http.request(door.method, path, json=good.body, headers=headers)
        assert (unsigned.status_code, unsigned.json()["code"]) == (401, "signature_missing")
    assert good.caller is not None
    if door.caller == "holder" and good.path:
        with refused_with(404):
            outsiders.other.call(door.method, path, good.body)
    assert good.caller.call(door.method, path, good.body).is_success


class Outsiders(NamedTuple):
    """Who else might try: a client with a token of its own, and a holder whom nothing here belongs to."""

    token: str
    other: Session


@pytest.fixture(scope="module")
def outsiders(bureau: Bureau) -> Outsiders:
    party = fapi(bureau)
    answer = party.post("/oauth/token", {"grant_type": "client_credentials"})
    return Outsiders(answer.json()["access_token"], bureau.phone())


@contextlib.contextmanager
def refused_with(status: int) -> Iterator[None]:
    with pytest.raises(Refused) as refusal:
        yield
    assert refusal.value.status == status


BY_CLIENT = sorted({door.operation for door in map(described, app_doors()) if door.cells["client"] == "own"})
BY_BROWSER = sorted({door.operation for door in map(described, app_doors()) if door.cells["browser"] == "own"})


@pytest.mark.parametrize("operation", BY_CLIENT)
def test_an_operation_of_clients_admits_a_client_that_proves_itself_and_nobody_else(
    bureau: Bureau, everybody: dict[str, Session], operation: str
) -> None:
    path, party = DOORS[operation].path, fapi(bureau)
    tokens = party.login(bureau.phone())
    forms: dict[str, Callable[[], dict[str, str]]] = {
        "oauth_par": lambda: party.asked(new_pkce()),
        "oauth_token": lambda: {"grant_type": "client_credentials"},
        "oauth_introspect": lambda: {"token": tokens["access_token"]},
        "oauth_revoke": lambda: {"token": tokens["access_token"]},
        "oauth_device": lambda: {"scope": "openid"},
        "oauth_ciba": lambda: {"scope": "openid", "id_token_hint": tokens["id_token"]},
        "oauth_userinfo": dict,
    }
    form = forms[operation]()
    named = {**form, "client_id": party.client.client_id}
    assert bureau.http.post(path, data=named).status_code == 401
    assert bureau.http.post(path, data=named, headers={"Cookie": "ecard_browser=x"}).status_code == 401
    for caller in everybody.values():
        content = urlencode(named).encode()
        signed = caller.sign(Call("POST", path, "", content, None))
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert bureau.http.post(path, content=content, headers={**signed, **kind}).status_code == 401
    answer = party.userinfo(tokens["access_token"]) if operation == "oauth_userinfo" else party.post(path, form)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("operation", BY_BROWSER)
def test_a_login_page_is_shown_to_the_browser_that_opened_it_and_to_nobody_else(
    bureau: Bureau, everybody: dict[str, Session], outsiders: Outsiders, operation: str
) -> None:
    tab, page = fapi(bureau).begin(new_pkce())
    door = DOORS[operation]
    path = door.path.replace("/login/{login}", page)
    tried = [{}, {"Cookie": "ecard_login=x"}, {"Authorization": f"Bearer {outsiders.token}"}]
    tried += [caller.sign(Call(door.method, path, "", b"", None)) for caller in everybody.values()]
    for headers in tried:
        assert bureau.http.request(door.method, path, headers=headers).status_code == 404
    if operation != "login_events":  # it would not end
        own = tab.send(door.method, path).status_code
        undecided = operation in {"login_done", "login_again"}
        assert own == (404 if undecided else {"login_cancel": 303, "login_app": 303}.get(operation, 200))


def test_the_matrix_in_the_documents_is_what_the_handlers_say() -> None:
    assert Path("docs/access-matrix.md").read_text("utf-8") == matrix()


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
