"""A charge that waits for the password is told to its payer's phone at once, and to nobody else's."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from ecard.client import Phone
from ecard.denied import STALE
from pay.orders.waiting import LONGEST, PAYERS
from tests.bank import Bank
from tests.bureau import PASSWORD, Bureau, refused, within
from tests.shop import Shop, confirm, payer

pytestmark = pytest.mark.usefixtures("bank")
EXPECTED = 0.8 * LONGEST
"""Seconds: what is not pushed is told when LONGEST is over."""


class Listening:
    """A phone that is told."""

    def __init__(self, phone: Phone, pool: ThreadPoolExecutor) -> None:
        self._phone = phone
        self._pool = pool
        self.mark = ""

    def now(self) -> list[dict[str, Any]]:
        """Return what waits now, and remember it."""
        return self._take(self._ask(0))

    def begin(self) -> Future[tuple[dict[str, Any], float]]:
        """Hold a call open; its result is the answer, and when it came."""
        asked, begun = self.mark, threading.Event()

        def held() -> tuple[dict[str, Any], float]:
            begun.set()
            return self._ask(LONGEST, asked), time.monotonic()

        future = self._pool.submit(held)
        assert begun.wait(10)
        time.sleep(0.3)
        assert not future.done()
        return future

    def told(self, held: Future[tuple[dict[str, Any], float]], since: float) -> list[dict[str, Any]]:
        """Return what a held call was told, sooner than by waiting for its end."""
        answer, at = held.result(3 * LONGEST)
        assert at - since < EXPECTED
        return self._take(answer)

    def _ask(self, wait: int, mark: str = "") -> dict[str, Any]:
        query = f"wait={wait}" + (f"&mark={mark}" if mark else "")
        answer: dict[str, Any] = self._phone.call("GET", "/v1/me/orders/waiting", query=query).json()
        return answer

    def _take(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        self.mark = answer["mark"]
        orders: list[dict[str, Any]] = answer["orders"]
        return orders


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(PAYERS.each) as made:
        yield made


def test_a_charge_is_told_to_its_payers_phone_at_once_and_its_end_too(
    shop: Shop, bureau: Bureau, pool: ThreadPoolExecutor
) -> None:
    phone, other = payer(bureau, proven=False), payer(bureau, proven=False)
    listening, stranger = Listening(phone, pool), Listening(other, pool)
    assert listening.now() == stranger.now() == []
    held, strangers, since = listening.begin(), stranger.begin(), time.monotonic()
    order = shop.charge(phone.code("pay"), 990)
    assert order["state"] == "user_confirming"
    [told] = listening.told(held, since)
    assert (told["id"], told["amount"], told["merchant"], told["state"]) == (
        order["id"],
        990,
        "测试景区",
        "user_confirming",
    )
    held, since = listening.begin(), time.monotonic()
    shop.till.call("POST", f"/v1/orders/{order['id']}/close")
    assert listening.told(held, since) == []
    assert not strangers.done()
    own = shop.charge(other.code("pay"))
    assert [one["id"] for one in stranger.told(strangers, since)] == [own["id"]]


def test_what_is_confirmed_waits_no_more(shop: Shop, bureau: Bureau, pool: ThreadPoolExecutor, bank: Bank) -> None:
    del bank
    phone = payer(bureau, proven=False)
    listening, order = Listening(phone, pool), shop.charge(phone.code("pay"))
    assert [one["id"] for one in listening.now()] == [order["id"]]
    assert confirm(phone, order)["state"] == "paid"
    assert listening.now() == []


def test_a_phone_with_too_many_calls_open_is_told_to_come_later(
    shop: Shop, bureau: Bureau, pool: ThreadPoolExecutor
) -> None:
    phone = payer(bureau, proven=False)
    listening = Listening(phone, pool)
    listening.now()
    held, since = [listening.begin() for _ in range(PAYERS.each)], time.monotonic()
    with refused("too_many_requests", 429):
        while time.monotonic() - since < EXPECTED:
            listening.now()
    order = shop.charge(phone.code("pay"))
    assert [[one["id"] for one in listening.told(call, since)] for call in held] == [[order["id"]]] * PAYERS.each


def test_an_unbound_phone_is_shown_nothing_by_a_call_that_it_left_open(
    shop: Shop, bureau: Bureau, pool: ThreadPoolExecutor
) -> None:
    phone = payer(bureau, proven=False)
    listening, one = Listening(phone, pool), shop.charge(phone.code("pay"))
    shop.charge(phone.code("pay"))
    assert len(listening.now()) == 2
    held, since = listening.begin(), time.monotonic()
    phone.call("POST", "/v1/me/channel/leave", {"busi_seq": phone.prove(PASSWORD)})
    within(STALE + 5, lambda: phone.call("GET", "/v1/me/orders/waiting"), "key_revoked")
    shop.till.call("POST", f"/v1/orders/{one['id']}/close")
    assert listening.told(held, since) == []
