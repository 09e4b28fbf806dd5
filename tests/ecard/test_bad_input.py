"""Bad input over HTTP: a problem document each time, never a fault of the server, and nothing of it echoed."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from ecard.client import Phone
from ecard.ids import new_id
from ecard.signatures import Call
from tests.bureau import Bureau, new_person, send

CODES = "/v1/me/codes"
GOOD = b'{"scene":"identity"}'
HIDDEN = "geheim4711"
"""Stands in every bad body, and must stand in no answer."""


@pytest.fixture(scope="module")
def phone(bureau: Bureau) -> Phone:
    return bureau.phone()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that `answer` is the problem `code` as every problem is; return it."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    told: dict[str, Any] = answer.json()
    assert (told["code"], told["status"]) == (code, status)
    assert told["request_id"] == answer.headers["request-id"]
    assert told["type"].endswith(f"#{code}")
    assert any("一" <= c <= "鿿" for c in told["title"])
    assert told["detail"]
    assert HIDDEN not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    return told


BAD_BODIES = {
    "a megabyte": (b'{"scene":"%s"}' % (b"x" * (1 << 20)), 413, "body_too_large", None),
    "a byte more than 64 KiB": (GOOD + b" " * (64 * 1024 + 1 - len(GOOD)), 413, "body_too_large", None),
    "NUL": (b"\x00" + HIDDEN.encode(), 400, "not_json", None),
    "NUL behind it": (GOOD + b"\x00", 400, "not_json", None),
    "words": (HIDDEN.encode(), 400, "not_json", None),
    "two texts": (GOOD + GOOD, 400, "not_json", None),
    "half a text": (GOOD[:-1], 400, "not_json", None),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, 400, "not_json", None),
    "UTF-16": (GOOD.decode().encode("utf-16"), 400, "not_json", None),
    "no UTF-8": (b'{"scene":"\xff"}', 400, "not_json", None),
    "half a surrogate pair": (b'{"scene":"\\ud800"}', 400, "not_json", None),
    "NaN": (b'{"scene":NaN}', 400, "not_json", None),
    "a name twice": (b'{"scene":"identity","scene":"pay"}', 400, "duplicate_name", None),
    "a name twice, once escaped": (b'{"scene":"identity","\\u0073cene":"pay"}', 400, "duplicate_name", None),
    "nothing": (b"", 400, "invalid_request", None),
    "null": (b"null", 400, "invalid_request", ""),
    "a list": (b"[]", 400, "invalid_request", ""),
    "deep nesting": (b"[" * 60000, 400, "invalid_request", ""),
    "an unknown field": (b'{"scene":"identity","extra":"geheim4711"}', 400, "invalid_request", "/extra"),
    "a missing field": (b"{}", 400, "invalid_request", "/scene"),
    "another type": (b'{"scene":"identity","count":"geheim4711"}', 400, "invalid_request", "/count"),
    "an endless number": (b'{"scene":"identity","count":%s}' % (b"1" * 5000), 400, "invalid_request", "/count"),
    "a number written as another": (b'{"scene":"identity","count":1.0}', 400, "invalid_request", "/count"),
    "full-width letters": ('{"scene":"ｉｄｅｎｔｉｔｙ"}'.encode(), 400, "invalid_request", "/scene"),
}


@pytest.mark.parametrize("what", BAD_BODIES)
def test_a_bad_body_is_refused_with_a_problem(phone: Phone, what: str) -> None:
    body, status, code, pointer = BAD_BODIES[what]
    told = problem(send(phone, "POST", CODES, body), status, code)
    if pointer:
        assert told["pointer"] == pointer


def test_a_body_of_just_64_kib_is_read(phone: Phone) -> None:
    assert send(phone, "POST", CODES, GOOD + b" " * (64 * 1024 - len(GOOD))).status_code == 200


def test_an_unsigned_megabyte_in_pieces_is_cut_off(http: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b"x" * 4096] * 256

    problem(http.post(CODES, content=pieces()), 413, "body_too_large")


PERSON = new_person().facts


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "geheim4711\x00"),
        ("name", "\x00"),
        ("name", ""),
        ("name", "长" * 65),
        ("id_no", "１１９９００１９８５０１０１００１X"),
        ("id_no", "1199001985010100１X"),
        ("id_no", "11990019850101001\n"),
        ("card_no", "Ｔ００００００００"),
        ("card_no", "t00000000"),
        ("card_no", "T00000000\n"),
        ("mobile", "１３９００００００００"),
        ("mobile", "13900000000\n"),
        ("issuing_area", "64010"),
        ("issuing_area", "٦٤٠١٠٠"),
        ("bank_account", "62999900000000000x4"),
        ("fare_class", "Geheim4711"),
        ("geheim", "4711"),
    ],
)
def test_a_bad_field_is_named_and_its_value_not_told(bureau: Bureau, field: str, value: str) -> None:
    body = msgspec.json.encode({**new_person().facts, field: value})
    told = problem(send(bureau.cards, "POST", "/v1/holders", body, key=new_id().hex), 400, "invalid_request")
    assert told["pointer"] == f"/{field}"
    assert len(value) < 3 or value not in str(told)


@pytest.mark.parametrize(
    ("method", "allowed"), [("GET", "POST"), ("PUT", "POST"), ("DELETE", "POST"), ("PATCH", "POST")]
)
def test_a_wrong_method_is_told_the_right_one(http: httpx.Client, method: str, allowed: str) -> None:
    answer = http.request(method, CODES)
    problem(answer, 405, "method_not_allowed")
    assert allowed in answer.headers["allow"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v1/geheim4711", "not_found"),
        ("GET", "/v1/catalogue/geheim4711", "item_unknown"),
        ("GET", "/v1/catalogue/%00", "item_unknown"),
        ("GET", "/v1/catalogue/%ff", "item_unknown"),
        ("DELETE", "/v1/me/relatives/geheim4711", "not_found"),
        ("DELETE", "/v1/actors/%00", "not_found"),
        ("GET", "/../etc/passwd", "not_found"),
        ("GET", "/docs/static/../../../../etc/passwd", "not_found"),
        ("GET", "/docs/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "not_found"),
        ("GET", "/" + "a" * 4000, "not_found"),
    ],
)
def test_a_path_that_leads_nowhere_is_not_found(http: httpx.Client, method: str, path: str, code: str) -> None:
    problem(http.request(method, path), 404, code)


@pytest.mark.parametrize("query", ["limit=%00", "limit=%ff", "limit=999999999999999999999", "before=%00", "limit="])
def test_a_bad_parameter_is_refused(phone: Phone, query: str) -> None:
    answer = phone.http.get(f"/v1/me/uses?{query}", headers=phone.sign(Call("GET", "/v1/me/uses", query, b"")))
    problem(answer, 400, "invalid_request")


def test_a_creating_call_without_its_key_is_told_so(bureau: Bureau) -> None:
    answer = send(bureau.cards, "POST", "/v1/holders", msgspec.json.encode(new_person().facts))
    problem(answer, 400, "idempotency_key_missing")


@pytest.mark.parametrize("given", ["my-own-request-id", "0123456789abcdef"])
def test_a_problem_bears_the_request_id_that_the_caller_gave(http: httpx.Client, given: str) -> None:
    answer = http.get("/v1/nothing", headers={"Request-Id": given})
    assert problem(answer, 404, "not_found")["request_id"] == given


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space in it", 'quote"in it'])
def test_a_request_id_that_is_no_plain_one_is_replaced(http: httpx.Client, given: str) -> None:
    answer = http.get("/v1/nothing", headers={"Request-Id": given})
    assert problem(answer, 404, "not_found")["request_id"] != given
