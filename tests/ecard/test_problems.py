"""Every error, of whatever library, as one problem document that says only what was declared."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.exceptions import (
    ClientException,
    HTTPException,
    InternalServerException,
    NotAuthorizedException,
    PermissionDeniedException,
    ServiceUnavailableException,
)
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.types import ASGIApp

from ecard.errors import Conflict, EcardError, Invalid, NotFound, TooLarge, TooMany, Unauthenticated, Unavailable
from ecard.observe import Observe
from ecard.problems import HANDLERS, MethodNotAllowed, declared, document
from ecard.requests import MAX_BODY, StrictRequest

SECRET = "身份证640102199001011234"


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    count: int


@get("/good/{thing:str}", operation_id="good_get")
async def good_get(thing: FromPath[str]) -> dict[str, int]:
    return {"length": len(thing)}


@get("/number", operation_id="number_get")
async def number_get(count: FromQuery[int]) -> dict[str, int]:
    return {"count": count}


@get("/uuid/{thing:uuid}", operation_id="uuid_get")
async def uuid_get(thing: FromPath[UUID]) -> str:
    return str(thing)


@post("/wanted", operation_id="wanted_create")
async def wanted_create(data: JSONBody[Wanted]) -> Wanted:
    return data


def failing(error: Exception) -> ASGIApp:
    """Return an application whose one operation raises `error`."""

    @get("/fails/{thing:str}", operation_id="fails_get")
    async def fails_get(thing: FromPath[str]) -> None:
        assert thing
        raise error

    return application(fails_get)


def application(*more: Any) -> ASGIApp:
    app = Litestar(
        [good_get, number_get, uuid_get, wanted_create, *more],
        exception_handlers=HANDLERS,
        request_class=StrictRequest,
        openapi_config=None,
        logging_config=None,
    )
    return Observe(app, quiet=True)


@asynccontextmanager
async def calling(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # the same protocol by another name
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def call(app: ASGIApp, method: str, url: str, **given: Any) -> httpx.Response:
    async def once() -> httpx.Response:
        async with calling(app) as client:
            return await client.request(method, url, **given)

    return asyncio.run(once())


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """Return the problem document of `response`, whose form every caller may rely on."""
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == f"/docs/errors#{problem['code']}"
    assert problem["request_id"] == response.headers["request-id"]
    assert problem["title"]
    assert problem["detail"]
    return problem


def test_an_unknown_exception_is_a_500_that_leaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    error = RuntimeError(f"{SECRET} postgresql://user:pass@host")
    error.__cause__ = KeyError(SECRET)
    with caplog.at_level(logging.DEBUG):
        response = call(failing(error), "GET", f"/fails/{SECRET}?q={SECRET}", headers={"X-Secret": "hush-hush"})
    problem = problem_of(response)
    assert (response.status_code, problem["code"]) == (500, "internal_error")
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id"}
    ours = [record for record in caplog.records if record.name.startswith("ecard")]
    logged = "".join(caplog.handler.format(record) for record in ours)
    for secret in (SECRET, "640102199001011234", "postgresql", "RuntimeError", "hush-hush", "Traceback"):
        assert secret not in response.text
    for secret in (SECRET, "640102199001011234", "postgresql", "hush-hush"):
        assert secret not in logged
    # What is needed to find the fault is in the log: type, request id and where.
    assert "RuntimeError" in logged
    assert problem["request_id"] in logged
    assert "fails_get" in logged


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/good", 404, "not_found"),
        ("GET", "/uuid/not-a-uuid", 404, "not_found"),
        ("POST", "/good/x", 405, "method_not_allowed"),
        ("DELETE", "/wanted", 405, "method_not_allowed"),
        ("GET", "/number?count=x", 400, "invalid_request"),
        ("GET", "/number", 400, "invalid_request"),
    ],
)
def test_what_the_framework_refuses_is_a_problem_too(method: str, path: str, status: int, code: str) -> None:
    problem = problem_of(call(application(), method, path))
    assert (problem["status"], problem["code"]) == (status, code)


def test_a_method_that_is_not_allowed_is_answered_with_those_that_are() -> None:
    response = call(application(), "PATCH", "/wanted")
    problem_of(response)
    assert "POST" in response.headers["allow"]


def test_a_wrong_parameter_is_named_and_not_echoed() -> None:
    response = call(application(), "GET", f"/number?count={SECRET}")
    assert problem_of(response)["pointer"] == "/count"
    assert "640102199001011234" not in response.text


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b'{"count": 1}', 201, None, None),
        (b'{"count": "1"}', 400, "invalid_request", "/count"),
        (b'{"count": 1, "more": 1}', 400, "invalid_request", "/more"),
        (b'{"count": 1, "count": 1}', 400, "duplicate_name", None),
        (b"", 400, "invalid_request", ""),
        (b"\0", 400, "not_json", None),
        (b'{"count": "\0"}', 400, "not_json", None),
        (b"[" * 900, 400, "invalid_request", ""),
        (b"x" * (MAX_BODY + 1), 413, "body_too_large", None),
    ],
)
def test_a_body_is_read_strictly_over_http(body: bytes, status: int, code: str | None, pointer: str | None) -> None:
    response = call(application(), "POST", "/wanted", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status
    if code is not None:
        problem = problem_of(response)
        assert (problem["code"], problem.get("pointer")) == (code, pointer)


def test_a_body_too_large_is_refused_also_when_its_length_is_not_announced() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1000

    async def once() -> httpx.Response:
        async with calling(application()) as client:
            return await client.post("/wanted", content=pieces(), headers={"Content-Type": "application/json"})

    assert problem_of(asyncio.run(once()))["code"] == "body_too_large"


def test_a_declared_error_shows_its_members_pointer_and_headers() -> None:
    error = TooMany(pointer="/a/b", headers={"Retry-After": "7"}, tries_left=2)
    response = call(failing(error), "GET", "/fails/x")
    problem = problem_of(response)
    assert (response.status_code, problem["code"], problem["tries_left"]) == (429, "too_many_requests", 2)
    assert problem["pointer"] == "/a/b"
    assert response.headers["retry-after"] == "7"
    assert "请求过于频繁" in problem["title"]
    assert "Too many requests" in problem["title"]


def test_a_member_cannot_take_the_place_of_a_standard_one() -> None:
    error = Conflict(status=200, code="ok", request_id="x", kept=1)
    shown = document(error, "id-1")
    assert (shown["status"], shown["code"], shown["request_id"], shown["kept"]) == (409, "conflict", "id-1", 1)


def test_a_document_without_a_pointer_has_none_and_one_for_the_root_keeps_it() -> None:
    assert "pointer" not in document(Invalid(), "id-1")
    assert document(Invalid(pointer=""), "id-1")["pointer"] == ""
    json.dumps(document(Invalid(), "id-1"))


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (Conflict(), Conflict),
        (NotAuthorizedException(), Unauthenticated),
        (PermissionDeniedException(), Invalid),
        (ClientException(), Invalid),
        (HTTPException(status_code=405), MethodNotAllowed),
        (HTTPException(status_code=413), TooLarge),
        (HTTPException(status_code=418), Invalid),
        (InternalServerException(), EcardError),
        (ServiceUnavailableException(), EcardError),
        (ValueError(SECRET), EcardError),
        (asyncpg.UniqueViolationError(SECRET), EcardError),
        (asyncpg.LockNotAvailableError(), Unavailable),
        (asyncpg.DeadlockDetectedError(), Unavailable),
        (asyncpg.SerializationError(), Unavailable),
        (asyncpg.QueryCanceledError(), Unavailable),
        (asyncpg.CannotConnectNowError(), Unavailable),
        (asyncpg.ConnectionDoesNotExistError(), Unavailable),
        (asyncpg.AdminShutdownError(), Unavailable),
        (asyncpg.CrashShutdownError(), Unavailable),
        (asyncpg.TooManyConnectionsError(), Unavailable),
        (asyncpg.InterfaceError("pool is closing"), Unavailable),
        (ConnectionRefusedError(), Unavailable),
        (ConnectionResetError(), Unavailable),
        (TimeoutError(), Unavailable),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_an_error_of_a_library_means_a_declared_one(error: Exception, means: type[EcardError]) -> None:
    assert type(declared(error)) is means


def test_a_fault_that_passes_says_when_to_come_again() -> None:
    response = call(failing(asyncpg.DeadlockDetectedError(SECRET)), "GET", "/fails/x")
    assert problem_of(response)["code"] == "unavailable"
    assert response.headers["retry-after"] == "1"
    assert SECRET not in response.text


def test_not_found_of_a_feature_is_not_found_of_a_route() -> None:
    of_feature = problem_of(call(failing(NotFound()), "GET", "/fails/x"))
    of_route = problem_of(call(application(), "GET", "/nowhere"))
    del of_feature["request_id"], of_route["request_id"]
    assert of_feature == of_route
