"""Each request has an id, one log line of an allow-list, and a count."""

import asyncio
import json
import re
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import REGISTRY

from ecard.callers import Operator
from ecard.errors import Conflict
from ecard.ids import new_id
from ecard.observe import Observe
from ecard.problems import HANDLERS

SECRET = "640102199001011234"
ACTOR = new_id()


@get("/things/{thing:str}", operation_id="observed_get")
async def observed_get(thing: FromPath[str], request: Request[Any, Any, Any]) -> str:
    return f"{request.scope['state']['request_id']} {len(thing)}"


@post("/things", operation_id="observed_create")
async def observed_create(request: Request[Any, Any, Any]) -> None:
    await request.body()
    request.scope["state"]["actor"] = Operator(actor=ACTOR, seq=1, key=SECRET.encode(), expires=1, role="security")
    raise Conflict(reason=SECRET)


@get("/cached", operation_id="observed_cached", response_headers={"Cache-Control": "public, max-age=300"})
async def observed_cached() -> str:
    return "x"


@get("/fails", operation_id="observed_failure")
async def observed_failure() -> None:
    raise RuntimeError(SECRET)


def application(*, quiet: bool = False) -> Observe:
    handlers = [observed_get, observed_create, observed_cached, observed_failure]
    return Observe(
        Litestar(handlers, exception_handlers=HANDLERS, openapi_config=None, logging_config=None), quiet=quiet
    )


def call(method: str, url: str, *, app: ASGIApp | None = None, **given: Any) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app or application())  # type: ignore[arg-type] # the same protocol
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, url, **given)

    return asyncio.run(once())


def the_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the one log line that was written."""
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    read: dict[str, Any] = json.loads(line)
    return read


@pytest.mark.parametrize("given", ["abcdefgh", "A-Z_0-9x", "x" * 64, "01a20ad5026a7027897978475dd2b73a"])
def test_a_callers_own_request_id_is_echoed_and_used(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    response = call("GET", "/things/x", headers={"Request-Id": given})
    assert response.headers.get_list("request-id") == [given]
    assert response.text == f"{given} 1"
    assert the_line(capsys)["request_id"] == given


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "with space", "new\tline!", "{json:1}x", "中文中文中文".encode()]
)
def test_a_request_id_that_is_not_a_plain_one_is_replaced(given: str | bytes) -> None:
    response = call(
        "GET", "/things/x", headers=[(b"Request-Id", given if isinstance(given, bytes) else given.encode())]
    )
    assert re.fullmatch("[0-9a-f]{32}", response.headers["request-id"])


def test_each_request_without_an_id_is_given_one_of_its_own() -> None:
    ids = {call("GET", "/things/x").headers["request-id"] for _ in range(10)}
    assert len(ids) == 10


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/things/x", 200), ("POST", "/things", 409), ("GET", "/nowhere", 404), ("GET", "/fails", 500)],
)
def test_every_answer_has_an_id_and_may_not_be_sniffed_framed_or_kept(method: str, path: str, status: int) -> None:
    response = call(method, path)
    assert response.status_code == status
    assert response.headers["request-id"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["cache-control"] == "no-store"


def test_an_answer_that_may_be_kept_says_so_itself() -> None:
    assert call("GET", "/cached").headers.get_list("cache-control") == ["public, max-age=300"]


def test_the_line_says_what_was_done_and_nothing_that_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    headers = {"Authorization": SECRET, "X-Name": SECRET, "Cookie": SECRET, "User-Agent": SECRET}
    call("GET", f"/things/{SECRET}?id_no={SECRET}", headers=headers)
    line = the_line(capsys)
    assert set(line) == {"at", "operation", "status", "ms", "request_id"}
    assert (line["operation"], line["status"]) == ("observed_get", 200)
    assert SECRET not in json.dumps(line)


def test_the_line_of_a_refusal_names_problem_and_actor_but_no_key_body_or_member(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call("POST", f"/things?x={SECRET}", content=SECRET)
    line = the_line(capsys)
    assert set(line) == {"at", "operation", "status", "ms", "request_id", "problem", "actor"}
    assert (line["operation"], line["status"], line["problem"]) == ("observed_create", 409, "conflict")
    assert line["actor"] == str(ACTOR)
    assert SECRET not in json.dumps(line)


def test_an_unknown_path_is_logged_without_its_path(capsys: pytest.CaptureFixture[str]) -> None:
    call("GET", f"/{SECRET}/{SECRET}")
    line = the_line(capsys)
    assert (line["operation"], line["status"], line["problem"]) == ("unrouted", 404, "not_found")
    assert SECRET not in json.dumps(line)


def test_a_quiet_application_writes_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("GET", "/things/x", app=application(quiet=True)).status_code == 200
    assert capsys.readouterr().err == ""


def counted(operation: str, status: int, problem: str = "") -> float:
    labels = {"operation": operation, "status": str(status), "problem": problem}
    return REGISTRY.get_sample_value("ecard_requests_total", labels) or 0.0


def timed(operation: str) -> float:
    return REGISTRY.get_sample_value("ecard_request_seconds_count", {"operation": operation}) or 0.0


def test_answers_are_counted_by_operation_status_and_problem() -> None:
    before = counted("observed_get", 200), counted("observed_create", 409, "conflict"), timed("observed_get")
    call("GET", "/things/a")
    call("GET", "/things/b")
    call("POST", "/things")
    assert counted("observed_get", 200) == before[0] + 2
    assert counted("observed_create", 409, "conflict") == before[1] + 1
    assert timed("observed_get") == before[2] + 2


def test_unknown_paths_share_one_series() -> None:
    def series() -> int:
        return sum(len(metric.samples) for metric in REGISTRY.collect())

    call("GET", "/first-unknown")
    before = series()
    for n in range(20):
        call("GET", f"/unknown-{n}?x={n}")
    assert series() == before


def test_an_application_that_dies_is_counted_and_logged_as_a_500(capsys: pytest.CaptureFixture[str]) -> None:
    async def dying(_: Scope, __: Receive, ___: Send) -> None:
        raise RuntimeError(SECRET)

    before = counted("unrouted", 500)
    with pytest.raises(RuntimeError):
        call("GET", "/x", app=Observe(dying))
    assert counted("unrouted", 500) == before + 1
    assert the_line(capsys)["status"] == 500


def test_what_is_no_request_is_passed_on_untouched(capsys: pytest.CaptureFixture[str]) -> None:
    passed: list[tuple[Any, Any, Any]] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append((scope, receive, send))

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope: Any = {"type": "lifespan"}
    asyncio.run(Observe(inner)(scope, receive, send))
    assert passed == [({"type": "lifespan"}, receive, send)]
    assert capsys.readouterr().err == ""
