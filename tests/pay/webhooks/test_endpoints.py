"""Who manages endpoints, what may be an address, and how an event is had again."""

import uuid

import httpx
import msgspec
import pytest

from ecard.client import Operator
from ecard.settings import Settings
from tests.bureau import Bureau, refused, rows
from tests.conftest import serving
from tests.pay.receivers import Receiver
from tests.pay.webhooks.conftest import Merchant

NOBODY = "0198c2d1-f0a3-7c4e-9b1d-5a6e7f809b1c"


def test_a_till_cannot_divert_what_is_reported(bureau: Bureau) -> None:
    for setting in ("till", "counter", "kiosk", "gate"):
        with refused("webhook_terminal_refused", 403):
            bureau.terminal(setting).call("POST", "/v1/webhooks", {"url": "http://127.0.0.1:9/"})


def test_an_endpoint_belongs_to_its_merchant(merchant: Merchant, other: Merchant) -> None:
    endpoint = merchant.endpoint("http://127.0.0.1:9/")["id"]
    assert other.server.call("GET", "/v1/webhooks").json() == []
    for method, path in (("DELETE", ""), ("POST", "/secret")):
        with refused("not_found", 404):
            other.server.call(method, f"/v1/webhooks/{endpoint}{path}")
    assert merchant.listed(endpoint)["disabled_at"] is None
    merchant.server.call("DELETE", f"/v1/webhooks/{endpoint}")
    assert merchant.listed(endpoint)["why"] == "owner"


def test_a_secret_is_shown_once_and_kept_sealed(merchant: Merchant, settings: Settings) -> None:
    made = merchant.endpoint("http://127.0.0.1:9/")
    assert "secret" not in merchant.listed(made["id"])
    [row] = rows(settings, "SELECT secret FROM webhook_endpoint WHERE id = $1::text::uuid", made["id"])
    assert made["secret"][6:26].encode() not in row["secret"]


@pytest.mark.parametrize("url", ["http://merchant.example/", "ftp://127.0.0.1/", "https://u@merchant.example/", "x"])
def test_what_is_no_address_to_call_is_refused(merchant: Merchant, url: str) -> None:
    with refused("webhook_address_refused", 400):
        merchant.endpoint(url)


def test_outside_the_sandbox_an_address_is_public(bureau: Bureau, merchant: Merchant, settings: Settings) -> None:
    real = msgspec.structs.replace(settings, sandbox=False)
    with serving(real) as base_url, httpx.Client(base_url=base_url, timeout=30) as http:
        finance = Operator(http, bureau.finance.actor, bureau.finance.signer)
        path = f"/v1/merchants/{merchant.agency}/webhooks"
        private = ("127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "[::1]", "localhost", "127.1")
        for url in (*(f"https://{host}/" for host in private), "http://127.0.0.1:9/"):
            with refused("webhook_address_refused", 400):
                finance.call("POST", path, {"url": url})
        assert finance.call("POST", path, {"url": "https://merchant.example/told"}).status_code == 201


def test_a_merchant_has_sixteen_endpoints_at_most(merchant: Merchant) -> None:
    for n in range(16):
        merchant.endpoint(f"http://127.0.0.1:9/{n}")
    with refused("webhook_endpoints_full", 409):
        merchant.endpoint("http://127.0.0.1:9/17")


def test_an_operator_of_finance_sets_up_a_merchant_that_exists(bureau: Bureau, merchant: Merchant) -> None:
    made = bureau.finance.call(
        "POST", f"/v1/merchants/{merchant.agency}/webhooks", {"url": "http://127.0.0.1:9/"}
    ).json()
    listed = bureau.finance.call("GET", f"/v1/merchants/{merchant.agency}/webhooks").json()
    assert [one["id"] for one in listed] == [made["id"]]
    with refused("not_found", 404):
        bureau.finance.call("POST", f"/v1/merchants/{NOBODY}/webhooks", {"url": "http://127.0.0.1:9/"})


def test_events_are_listed_after_a_number_and_sent_again_by_the_same_id(
    merchant: Merchant, other: Merchant, receiver: Receiver
) -> None:
    secret = merchant.endpoint(receiver.url)["secret"]
    names = merchant.books(count=3)
    receiver.hears(3)
    listed = merchant.server.call("GET", "/v1/webhook-events").json()
    assert {one["id"] for one in listed} == set(names)
    after = merchant.server.call("GET", "/v1/webhook-events", query=f"after={listed[0]['sequence']}&limit=1").json()
    assert after == listed[1:2]
    again = f"/v1/webhook-events/{uuid.UUID(listed[1]['id'][4:])}/resend"
    with refused("not_found", 404):
        other.server.call("POST", again)
    assert merchant.server.call("POST", again, key="once").json() == {"endpoints": 1}
    assert merchant.server.call("POST", again, key="once").json() == {"endpoints": 1}
    assert receiver.hears(4)[3].name == listed[1]["id"]
    receiver.arrived[3].verified(secret)
