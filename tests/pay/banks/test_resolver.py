"""What becomes of a payment whose bank did not answer: its answer decides, or a reversal, or two people; never time."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import msgspec
import pytest

from ecard.client import Operator, Refused
from ecard.settings import Settings
from pay.banks.attempts import Attempt
from pay.banks.bank import Ask, Credit
from pay.banks.directory import FRESH
from pay.banks.model import Ladder
from pay.banks.resolver import refund_again
from pay.banks.sandbox import CODE
from tests.bank import QUICK, Bank, suspended
from tests.bureau import Bureau, ecard, refused, rows
from tests.shop import Shop, payer


@pytest.fixture(scope="module")
def shop(bureau: Bureau, bank_house: Bank) -> Shop:
    del bank_house
    return Shop(bureau)


@pytest.fixture(scope="module")
def colleague(bureau: Bureau) -> Operator:
    """A second operator of finance."""
    return bureau.security.register_operator("复核员", "finance")


def until(condition: Callable[[], bool], seconds: float = 8) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)


def settled(shop: Shop, order: dict[str, Any]) -> str:
    """Return the state in which the order comes to rest; one that is suspended is still asked about."""
    until(lambda: shop.order(order)["state"] not in {"processing", "unknown", "reversing", "suspended"})
    return str(shop.order(order)["state"])


def attempt_of(settings: Settings, order: dict[str, Any], kind: str = "pay") -> Any:
    return rows(settings, "SELECT * FROM bank_attempt WHERE order_id = $1 AND kind = $2", order["id"], kind)[0]


def books_hold(settings: Settings) -> None:
    result = ecard(settings, "ledger", "check")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("kind", ["lose_reply", "half_open", "error", "garbage", "unsigned", "forged", "twice"])
def test_what_was_booked_is_found_by_a_query_and_paid_once(
    shop: Shop, bank: Bank, settings: Settings, kind: str
) -> None:
    bank.fault(kind, on="pay")
    order = shop.charge(payer(shop.bureau).code("pay"))
    assert settled(shop, order) == "paid"
    booked = bank.find(attempt_of(settings, order)["bank_ref"])
    assert booked is not None
    assert (booked["state"], booked["amount"], booked["times"]) == ("ok", 1250, 1)


@pytest.mark.parametrize("fault", [{"kind": "lose_request"}, {"kind": "error", "booked": False}, {"kind": "next_day"}])
def test_what_was_not_booked_is_reversed_and_barred(
    shop: Shop, bank: Bank, settings: Settings, fault: dict[str, Any]
) -> None:
    bank.fault(on="pay", **fault)
    order = shop.charge(payer(shop.bureau).code("pay"))
    assert order["state"] == "unknown"
    assert settled(shop, order) == "reversed"
    attempt = attempt_of(settings, order)
    assert (attempt["outcome"], attempt["next_check_at"]) == ("reversed", None)
    booked = bank.find(attempt["bank_ref"])
    assert booked is not None
    assert booked["state"] == "reversed"


def test_a_reversal_is_repeated_until_it_is_answered(shop: Shop, bank: Bank, settings: Settings) -> None:
    bank.fault("lose_request", on="pay")
    bank.fault("error", on="query", times=None)
    bank.fault("lose_reply", on="reverse", times=3)
    order = shop.charge(payer(shop.bureau).code("pay"))
    assert settled(shop, order) == "reversed"
    assert attempt_of(settings, order)["reversing"]
    books_hold(settings)


def test_a_refund_that_got_lost_is_sent_again_and_booked_once(shop: Shop, bank: Bank, settings: Settings) -> None:
    order = shop.paid()
    bank.fault("lose_request", on="refund")
    shop.refund(order, 500)
    until(lambda: shop.order(order)["state"] == "partially_refunded")
    bank.fault("lose_reply", on="refund")
    shop.refund(order, 750)
    until(lambda: shop.order(order)["state"] == "refunded")
    refunds = rows(settings, "SELECT bank_ref FROM bank_attempt WHERE order_id = $1 AND kind = 'refund'", order["id"])
    assert sum(bank.book()[row["bank_ref"]]["amount"] for row in refunds) == 1250
    books_hold(settings)


def test_a_refund_is_sent_again_as_it_was_sent(shop: Shop, bank: Bank, settings: Settings) -> None:
    del bank
    order = shop.paid()
    refund = shop.refund(order, 500)
    sent, paid = attempt_of(settings, order, "refund"), attempt_of(settings, order)
    again = Attempt(
        **{one: sent[one] for one in ("id", "kind", "bank", "amount", "order_id", "subject", "reversing")},
        ref=sent["bank_ref"],
        age=6.0,
        suspended=False,
    )

    async def asked() -> Ask | None:
        connection = await asyncpg.connect(settings.database_url)
        try:
            return await refund_again(connection, again)
        finally:
            await connection.close()

    assert asyncio.run(asked()) == Credit(sent["bank_ref"], paid["bank_ref"], 500, refund["reason"])


def test_what_the_bank_says_meanwhile_is_kept(shop: Shop, bank: Bank, settings: Settings) -> None:
    order = shop.paid()
    bank.fault("half_open", on="refund", booked=False)
    bank.fault("next_day", on="refund", times=None)
    shop.refund(order, 500)
    until(lambda: attempt_of(settings, order, "refund")["raw_code"] == "pending")
    bank.clear()
    bank.next_day()
    until(lambda: shop.order(order)["state"] == "partially_refunded")


def test_time_suspends_and_never_fails_and_the_banks_answer_still_decides(
    shop: Shop, bank: Bank, settings: Settings
) -> None:
    bank.fault("lose_reply", on="pay")
    bank.fault("error", on=("query", "reverse"), times=None, booked=False)
    order = shop.charge(payer(shop.bureau).code("pay"))
    until(lambda: shop.order(order)["state"] == "suspended", 12)
    attempt = attempt_of(settings, order)
    assert attempt["outcome"] == "unknown"
    [row] = rows(settings, "SELECT amount, closed_at FROM bank_suspension WHERE attempt = $1", attempt["id"])
    assert (row["amount"], row["closed_at"]) == (1250, None)
    books_hold(settings)
    bank.clear()
    until(lambda: shop.order(order)["state"] == "reversed")
    assert rows(settings, "SELECT closed_at FROM bank_suspension WHERE attempt = $1", attempt["id"])[0]["closed_at"]
    books_hold(settings)


def test_two_operators_decide_what_a_bank_never_answers(
    shop: Shop, bank: Bank, bureau: Bureau, colleague: Operator, settings: Settings
) -> None:
    bank.fault("lose_reply", on="pay")
    bank.fault("error", on=("query", "reverse"), times=None, booked=False)
    order = shop.charge(payer(shop.bureau).code("pay"))
    until(lambda: shop.order(order)["state"] == "suspended", 12)
    attempt = str(attempt_of(settings, order)["id"])
    listed = bureau.finance.call("GET", "/v1/attempts").json()
    assert attempt in {one["id"] for one in listed}
    place, said = f"/v1/attempts/{attempt}/decisions", {"outcome": "ok", "reason": "银行书面答复: 已扣款"}
    assert bureau.finance.call("POST", place, said).json()["state"] == "proposed"
    with refused("four_eyes", 403):
        bureau.finance.call("POST", place, said)
    with refused("proposal_differs", 409):
        colleague.call("POST", place, {**said, "outcome": "failed"})
    assert colleague.call("POST", place, said).json()["state"] == "confirmed"
    assert shop.order(order)["state"] == "paid"
    with refused("attempt_decided", 409):
        colleague.call("POST", place, said)
    books_hold(settings)


def test_only_what_is_suspended_is_decided_by_people(
    shop: Shop, bank: Bank, bureau: Bureau, settings: Settings
) -> None:
    del bank
    attempt = attempt_of(settings, shop.paid())["id"]
    with refused("not_found", 404):
        bureau.finance.call("POST", f"/v1/attempts/{attempt}/decisions", {"outcome": "failed", "reason": "试"})


def test_who_proposed_may_propose_otherwise(bank: Bank, bureau: Bureau, settings: Settings) -> None:
    del bank
    place = f"/v1/attempts/{suspended(bureau)}/decisions"
    for outcome in ("ok", "failed"):
        said = {"outcome": outcome, "reason": "银行书面答复"}
        assert bureau.finance.call("POST", place, said).json()["state"] == "proposed"
    books_hold(settings)


def test_a_late_first_answer_decides_nothing_once_a_reversal_is_under_way(
    shop: Shop, bank: Bank, settings: Settings
) -> None:
    bank.fault("lose_request", on="pay")
    bank.fault("error", on=("query", "reverse"), times=None)
    order = shop.charge(payer(shop.bureau).code("pay"))
    until(lambda: shop.order(order)["state"] == "reversing")
    attempt = attempt_of(settings, order)["id"]
    [booked] = rows(settings, "SELECT outcome, state FROM pay_book($1, 'ok', '')", attempt)
    assert (booked["outcome"], booked["state"]) == ("reversing", "reversing")
    bank.clear()
    assert settled(shop, order) == "reversed"


@pytest.fixture
def impatient(bank: Bank, settings: Settings) -> Iterator[Bank]:
    """The bank, with a circuit that opens after five requests in a row that went unheard."""
    climb(settings, msgspec.structs.replace(QUICK, failures=5))
    yield bank
    climb(settings, QUICK)


def climb(settings: Settings, ladder: Ladder) -> None:
    result = ecard(settings, "banks", "change", CODE, "--ladder", msgspec.json.encode(ladder).decode())
    assert result.exit_code == 0, result.output
    time.sleep(FRESH + 0.2)


def test_a_dead_bank_refuses_at_once_spends_no_code_and_is_found_again(shop: Shop, impatient: Bank) -> None:
    bank = impatient
    bank.fault("error", times=None, booked=False)
    with refused("bank_unavailable"):
        for _ in range(20):
            shop.charge(payer(shop.bureau).code("pay"))
    code, started = payer(shop.bureau).code("pay"), time.monotonic()
    with refused("bank_unavailable", 503) as refusal:
        shop.charge(code)
    assert time.monotonic() - started < 1
    assert int(refusal.value.headers["retry-after"]) >= 1
    bank.clear()
    until(lambda: _admitted(shop, code))


def _admitted(shop: Shop, code: str) -> bool:
    """Say whether the very code that was refused is paid with."""
    try:
        return bool(shop.charge(code)["state"] == "paid")
    except Refused as refusal:
        if refusal.code != "bank_unavailable":
            raise
        return False
