"""A bank's notifications: signed by it, each taken in once, and never believed: the bank is asked what is true."""

import time
from typing import Any

import httpx
import msgspec
import pytest

from ecard.ids import new_id
from ecard.keys import Signer, Suite, generate, to_jwk
from ecard.settings import Settings
from pay.banks import wire
from tests.bank import Bank
from tests.bureau import Bureau, ecard, rows
from tests.shop import Shop, payer


@pytest.fixture(scope="module")
def shop(bureau: Bureau, bank_house: Bank) -> Shop:
    del bank_house
    return Shop(bureau)


@pytest.fixture(scope="module")
def other(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """The key of another bank, registered as OTHER."""
    signer, _ = generate(Suite.ES256)
    path = tmp_path_factory.mktemp("other") / "bank.jwk"
    path.write_bytes(msgspec.json.encode(to_jwk(signer.suite, signer.public)))
    named = ("--code", "OTHER", "--name", "另一银行", "--iin", "99", "--url", "http://127.0.0.1:9", "--key", str(path))
    assert ecard(settings, "banks", "add", *named).exit_code == 0
    time.sleep(1.3)
    return signer


@pytest.fixture
def url(base_url: str, bank: Bank) -> str:
    del bank
    return f"{base_url}/v1/banks/SANDBOX/notifications"


def _sent(base_url: str, signer: Signer, bank: str, told: dict[str, Any], *, at: float | None = None) -> httpx.Response:
    path, body = f"/v1/banks/{bank}/notifications", msgspec.json.encode(told)
    headers = wire.signed(signer, "POST", path, body, time.time() if at is None else at)
    return httpx.post(
        base_url + path, content=body, headers={**headers, "Content-Type": "application/json"}, timeout=10
    )


def _told(ref: str = "T1") -> dict[str, Any]:
    return {"event": str(new_id()), "ref": ref, "outcome": "ok", "code": ""}


@pytest.mark.parametrize(("copies", "shuffle", "delay"), [(1, 1, 0.0), (2, 1, 0.0), (2, 3, 0.0), (1, 1, 1.0)])
def test_late_double_and_disordered_notifications_are_answered_200_and_pay_once(
    shop: Shop, bank: Bank, url: str, settings: Settings, copies: int, shuffle: int, delay: float
) -> None:
    before = bank.http.get("/notices").json()["sent"].get("200", 0)
    bank.notify(url, copies=copies, shuffle=shuffle, delay=delay)
    orders = [shop.charge(payer(shop.bureau).code("pay")) for _ in range(3)]
    deadline = time.monotonic() + 6
    while bank.http.get("/notices").json()["sent"].get("200", 0) < before + 3 * copies:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [shop.order(order)["state"] for order in orders] == ["paid"] * 3
    refs = [f"E{order['id'].replace('-', '')}01" for order in orders]
    found = rows(settings, "SELECT result FROM bank_notice WHERE bank_ref = ANY($1)", refs)
    assert len(found) == 3, "the copies of an event are one"


def test_a_notification_brings_the_question_forward(shop: Shop, bank: Bank, url: str, settings: Settings) -> None:
    bank.fault("lose_reply", on="pay")
    bank.notify(url)
    order = shop.charge(payer(shop.bureau).code("pay"))
    deadline = time.monotonic() + 5
    while shop.order(order)["state"] != "paid":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    sql = "SELECT extract(epoch FROM answered_at - sent_at) AS took FROM bank_attempt WHERE order_id = $1"
    assert rows(settings, sql, order["id"])[0]["took"] < 1.0, "sooner than the ladder's first query"


def test_a_lie_decides_nothing(shop: Shop, bank: Bank, base_url: str, other: Signer, settings: Settings) -> None:
    bank.fault("lose_request", on="pay")
    order = shop.charge(payer(shop.bureau).code("pay"))
    told = _told(f"E{order['id'].replace('-', '')}01")
    assert _sent(base_url, other, "SANDBOX", told).status_code == 401
    assert _sent(base_url, other, "OTHER", told).status_code == 200, "its own reference or not, it is received"
    assert rows(settings, "SELECT result FROM bank_notice WHERE event = $1", told["event"])[0]["result"] == "unknown"
    assert shop.order(order)["state"] != "paid"


def test_an_old_an_altered_or_an_unsigned_notification_is_refused(base_url: str, other: Signer) -> None:
    assert _sent(base_url, other, "OTHER", _told(), at=time.time() - 40).status_code == 401
    assert _sent(base_url, other, "NOBODY", _told()).status_code == 401
    path, body = "/v1/banks/OTHER/notifications", msgspec.json.encode(_told())
    headers = wire.signed(other, "POST", path, body, time.time())
    altered = httpx.post(base_url + path, content=msgspec.json.encode(_told("T2")), headers=headers, timeout=10)
    unsigned = httpx.post(base_url + path, content=body, timeout=10)
    assert [answer.json()["code"] for answer in (altered, unsigned)] == ["notification_unsigned"] * 2


def test_an_event_that_is_known_is_answered_200_again(base_url: str, other: Signer) -> None:
    told = _told()
    assert [_sent(base_url, other, "OTHER", told).status_code for _ in range(3)] == [200] * 3
