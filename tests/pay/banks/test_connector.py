"""What the connector makes of a bank that fails: every failure is unknown, and none is a refusal."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from ecard.runtime import open_runtime
from ecard.settings import Settings
from pay.banks.bank import Answer, Credit, Debit, Outcome
from pay.banks.connector import lines_to_banks
from pay.banks.directory import Banks
from tests.bank import Bank

ACCOUNT = "6299990000000000004"
UNKNOWN = Outcome.UNKNOWN


def asking(settings: Settings, act: Callable[[Banks], Awaitable[object]]) -> object:
    """Return what `act` returns, given the banks as a process knows them."""

    async def run() -> object:
        runtime = await open_runtime(settings, pool_size=1)
        banks = Banks(runtime.clock, runtime.vault, lines_to_banks())
        try:
            await banks.refresh(runtime.pool)
            return await act(banks)
        finally:
            await banks.close()
            await runtime.close()

    return asyncio.run(run())


def paid(settings: Settings, ref: str, amount: int = 100) -> Answer:
    """Return the bank's answer to one payment."""
    answer = asking(settings, lambda banks: banks.pay("SANDBOX", Debit(ref, ACCOUNT, amount)))
    assert isinstance(answer, Answer)
    return answer


def new_ref() -> str:
    return f"T{secrets.token_hex(12)}"


@pytest.mark.parametrize(
    ("fault", "code", "booked"),
    [
        ({"kind": "lose_reply"}, "unreachable", "ok"),
        ({"kind": "lose_request"}, "unreachable", None),
        ({"kind": "half_open"}, "timeout", "ok"),
        ({"kind": "half_open", "booked": False}, "timeout", None),
        ({"kind": "error"}, "http_500", "ok"),
        ({"kind": "error", "booked": False}, "http_500", None),
        ({"kind": "garbage"}, "unreadable", "ok"),
        ({"kind": "unsigned"}, "unverified", "ok"),
        ({"kind": "forged"}, "unverified", "ok"),
        ({"kind": "slow_reply", "seconds": 1.5}, "timeout", "ok"),
        ({"kind": "next_day"}, "pending", "pending"),
    ],
    ids=lambda value: str(value.get("kind")) if isinstance(value, dict) else None,
)
def test_a_failure_on_the_way_is_unknown_and_never_a_refusal(
    settings: Settings, bank: Bank, fault: dict[str, Any], code: str, booked: str | None
) -> None:
    ref = new_ref()
    bank.fault(on="pay", **fault)
    assert paid(settings, ref) == Answer(UNKNOWN, code)
    found = bank.find(ref)
    assert (found and found["state"]) == booked


def test_a_refusal_is_the_banks_own_word(settings: Settings, bank: Bank) -> None:
    bank.fault("decline", on="pay", code="51")
    assert paid(settings, new_ref()) == Answer(Outcome.DECLINED, "51")


@pytest.mark.usefixtures("bank")
def test_a_bank_that_is_not_there_is_unknown(settings: Settings) -> None:
    async def elsewhere(banks: Banks) -> object:
        banks._known["SANDBOX"].connector._url = "http://127.0.0.1:9"
        return await banks.pay("SANDBOX", Debit(new_ref(), ACCOUNT, 100))

    assert asking(settings, elsewhere) == Answer(UNKNOWN, "unreachable")


def test_an_answer_that_comes_twice_is_not_taken_for_the_next_ones(settings: Settings, bank: Bank) -> None:
    bank.fault("twice", on="pay")
    bank.fault("decline", on="pay", code="51")
    first, second = new_ref(), new_ref()

    async def both(banks: Banks) -> object:
        return [await banks.pay("SANDBOX", Debit(ref, ACCOUNT, 100)) for ref in (first, second)]

    answers = asking(settings, both)
    assert isinstance(answers, list)
    assert answers[0] == Answer(Outcome.OK)
    assert answers[1].outcome is not Outcome.OK, "the first one's second answer is not the second one's"


def test_answers_out_of_order_find_their_requests(settings: Settings, bank: Bank) -> None:
    bank.fault("out_of_order", on="pay", seconds=0.5)
    first, second = new_ref(), new_ref()

    async def both(banks: Banks) -> object:
        asks = [Debit(first, ACCOUNT, 100), Debit(second, "0000000", 100)]
        return await asyncio.gather(*(banks.pay("SANDBOX", ask) for ask in asks))

    assert asking(settings, both) == [Answer(Outcome.OK), Answer(Outcome.DECLINED, "14")]


def test_query_and_reversal_settle_what_was_unknown(settings: Settings, bank: Bank) -> None:
    lost, never = new_ref(), new_ref()
    bank.fault("lose_reply", on="pay")
    assert paid(settings, lost).outcome is UNKNOWN

    async def ask(banks: Banks) -> object:
        return [
            await banks.query("SANDBOX", lost),
            await banks.query("SANDBOX", never),
            await banks.reverse("SANDBOX", never),
            await banks.pay("SANDBOX", Debit(never, ACCOUNT, 100)),
            await banks.refund("SANDBOX", Credit(new_ref(), lost, 100)),
        ]

    assert asking(settings, ask) == [
        Answer(Outcome.OK),
        Answer(UNKNOWN, "not_found"),
        Answer(Outcome.REVERSED),
        Answer(Outcome.REVERSED),
        Answer(Outcome.OK),
    ]


def test_whoever_is_not_a_client_of_the_bank_is_not_served(bank: Bank) -> None:
    answer = httpx.post(f"{bank.simulator.url}/v1/debits", json={"kind": "pay"}, timeout=5)
    assert answer.status_code == 401
    assert bank.find("anything") is None


def test_a_silent_bank_is_given_up_in_its_time(settings: Settings, bank: Bank) -> None:
    bank.fault("half_open", on="pay")
    started = time.monotonic()
    assert paid(settings, new_ref()).code == "timeout"
    assert time.monotonic() - started < 2.5
