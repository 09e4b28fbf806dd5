"""What generated requests once found: each a fault that was mended."""

import httpx
import pytest

from ecard.client import Phone
from tests.bureau import Bureau, new_person, new_uscc, refused


@pytest.fixture(scope="module")
def phone(bureau: Bureau) -> Phone:
    return bureau.phone()


@pytest.mark.parametrize(
    "before",
    [
        "0001-01-01T00:00:00%2B14:00",  # in UTC, before the first year
        "9999-12-31T23:59:59-14:00",  # in UTC, after the last one
        "253402300800",
        "2026-01-01T00:00:00",  # in whose zone?
        "2026-01-01",
        "null",
        "",
    ],
)
def test_a_time_that_is_none_is_refused_and_no_fault_of_the_server(phone: Phone, before: str) -> None:
    with refused("invalid_request", 400) as refusal:
        phone.call("GET", "/v1/me/uses", query=f"before={before}")
    assert refusal.value.problem["pointer"] == "/query/before"


def test_uses_are_those_before_the_time_that_is_asked_for_in_any_zone(bureau: Bureau, phone: Phone) -> None:
    bureau.terminal().visit("A1-01", phone.code())
    at = phone.uses()[0]["at"].replace("+00:00", "Z")
    earlier = phone.call("GET", "/v1/me/uses", query=f"before={at}").json()
    later = phone.call("GET", "/v1/me/uses", query="before=9999-12-31T07:59:59%2B08:00").json()
    assert at not in [use["at"].replace("+00:00", "Z") for use in earlier]
    assert at in [use["at"].replace("+00:00", "Z") for use in later]


@pytest.mark.parametrize("name", ["annex", "form", "flow", "function"])
def test_a_filter_of_null_does_not_select_everything(http: httpx.Client, name: str) -> None:
    answer = http.get("/v1/catalogue", params={name: "null"})
    assert (answer.status_code, answer.json()["pointer"]) == (400, f"/query/{name}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "测试甲\n"),
        ("card_no", "T0000000\n"),
        ("issuing_area", "640100\n"),
        ("ethnicity", "01\n"),
        ("mobile", "13900000000\n"),
        ("address", "\n"),
        ("bank_account", "6299990000000000004\n"),
        ("fare_class", "free\n"),
    ],
)
def test_a_line_feed_at_the_end_of_a_field_is_refused(bureau: Bureau, field: str, value: str) -> None:
    with refused("invalid_request", 400) as refusal:
        bureau.cards.register_holder(**new_person(**{field: value}).facts)
    assert refusal.value.problem["pointer"] == f"/{field}"


def test_a_line_feed_at_the_end_of_an_agencys_name_is_refused(bureau: Bureau) -> None:
    with refused("invalid_request", 400):
        bureau.registrar.register_agency("测试局\n", new_uscc())


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("image/png", "image/png"),
        ("image/svg+xml, image/*;q=0.8, */*;q=0.5", "image/svg+xml"),
        ("text/plain;q=0.5, application/json", "application/json"),
        ("text/plain", "text/plain"),
    ],
)
def test_the_format_of_a_code_is_negotiated(phone: Phone, accept: str, given: str) -> None:
    answer = phone.call("POST", "/v1/me/codes", {"scene": "identity"}, accept=accept)
    assert answer.headers["content-type"].partition(";")[0] == given


def test_a_document_of_several_codes_is_no_picture(phone: Phone) -> None:
    with refused("one_code_only", 406):
        phone.call("POST", "/v1/me/codes", {"scene": "identity", "count": 2}, accept="image/png")
