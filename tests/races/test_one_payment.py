"""Money that is taken once: two worker processes, thirty-two tills, real stores and a bank with a book of its own."""

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest

from ecard.client import Phone, Session, Terminal
from ecard.ids import new_id
from ecard.signatures import Call
from pay.banks.sandbox import Simulator
from tests.bureau import Bureau
from tests.races.lines import Answer, Line, race, spread
from tests.races.server import Server, open_bureau
from tests.shop import Shop, new_number, payer

TILLS = 32
ROUNDS = 200 if os.environ.get("ECARD_FULL_RACES") == "1" else 30
"""Rounds of each race; 200 take a minute each."""
AMOUNT = 100
PAYER_ROUNDS = 50
"""Rounds until the next payer comes: what a proven password and one page of orders are good for."""


class Market(NamedTuple):
    """A merchant with many tills, and the bank's own book."""

    shop: Shop
    tills: list[Terminal]
    bank: httpx.Client

    def booked(self, kind: str) -> Counter[str]:
        """Return the references that the bank booked, each with how often it was asked for it."""
        book = self.bank.get("/book").json()["transactions"]
        return Counter({tx["ref"]: tx["times"] for tx in book if tx["kind"] == kind and tx["state"] == "ok"})


@pytest.fixture(scope="module")
def market(server: Server) -> Iterator[Market]:
    bureau: Bureau = open_bureau(server)
    shop = Shop(bureau)
    tills = [bureau.registrar.register_terminal(shop.agency, "till") for _ in range(TILLS)]
    for till in tills:
        till.open()
    simulator = msgspec.json.decode((server.data / "bank.json").read_bytes(), type=Simulator)
    with httpx.Client(base_url=simulator.control) as bank:
        yield Market(shop, tills, bank)
    bureau.http.close()


def signed(session: Session, path: str, body: dict[str, Any], key: str | None = None) -> bytes:
    """Return a whole POST, byte for byte as it goes on the wire."""
    content = msgspec.json.encode(body)
    headers = session.sign(Call("POST", path, "", content, key or new_id().hex))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    length = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: races\r\n{head}{length}\r\n".encode() + content


def in_turn(groups: Sequence[list[Line]]) -> list[Line]:
    """Return the connections so that neighbours are at different workers."""
    return list(itertools.chain(*zip(*groups, strict=True)))


def told(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return the bodies of those that were made."""
    return [msgspec.json.decode(answer.body) for answer in answers if answer.status == 201]


class Queue:
    """The payers of a race, one after another."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.phones: list[Phone] = []
        self.rounds = 0

    def next(self) -> Phone:
        """Return the phone of the next round."""
        if self.rounds % PAYER_ROUNDS == 0:
            self.phones.append(payer(self.market.shop.bureau))
        self.rounds += 1
        return self.phones[-1]

    def orders(self) -> list[str]:
        """Return the ids of all that they paid, sorted."""
        pages = [phone.call("GET", "/v1/me/orders", query="limit=100").json() for phone in self.phones]
        return sorted(one["id"] for page in pages for one in page)


def test_of_32_tills_that_scan_one_code_one_is_paid(server: Server, market: Market) -> None:
    before = market.booked("pay")
    queue = Queue(market)
    paid: list[str] = []

    async def rounds() -> None:
        async with spread(server, TILLS) as groups:
            for _ in range(ROUNDS):
                code = queue.next().code("pay")
                requests = [signed(till, "/v1/charges", market.shop.body(code, AMOUNT)) for till in market.tills]
                answers = await race(in_turn(groups), requests)
                assert Counter(answer.problem for answer in answers) == {"": 1, "code_replayed": TILLS - 1}
                [order] = told(answers)
                assert order["state"] == "paid"
                paid.append(order["id"])

    asyncio.run(rounds())
    assert len(set(paid)) == ROUNDS
    assert queue.orders() == sorted(paid)
    after = market.booked("pay")
    assert set(after.values()) == {1}
    assert len(after - before) == ROUNDS


def test_of_32_refunds_of_60_percent_one_is_done(server: Server, market: Market) -> None:
    queue = Queue(market)
    made = [market.shop.charge(queue.next().code("pay"), AMOUNT) for _ in range(ROUNDS)]
    before = market.booked("refund")

    async def rounds() -> None:
        async with spread(server, TILLS) as groups:
            for order in made:
                path = f"/v1/orders/{order['id']}/refunds"
                requests = [
                    signed(till, path, {"out_refund_no": new_number(), "amount": 60, "reason": "退票"})
                    for till in market.tills
                ]
                answers = await race(in_turn(groups), requests)
                assert Counter(answer.problem for answer in answers) == {"": 1, "over_refund": TILLS - 1}
                [refund] = told(answers)
                assert (refund["state"], refund["amount"]) == ("done", 60)

    asyncio.run(rounds())
    now = [market.shop.order(order) for order in made]
    assert {(one["state"], one["refunded"]) for one in now} == {("partially_refunded", 60)}
    after = market.booked("refund")
    assert set(after.values()) == {1}
    assert len(after - before) == ROUNDS


def test_32_requests_with_one_key_have_one_effect(server: Server, market: Market) -> None:
    queue = Queue(market)
    made: list[str] = []
    before = market.booked("pay")

    async def rounds() -> None:
        async with spread(server, TILLS) as groups:
            lines = in_turn(groups)
            for _ in range(ROUNDS):
                body, key = market.shop.body(queue.next().code("pay"), AMOUNT), new_id().hex
                request = signed(market.shop.till, "/v1/charges", body, key)
                answers = await race(lines, [request] * TILLS)
                assert {answer.problem for answer in answers} <= {"", "idempotency_in_flight"}
                # Whoever was told that it is under way comes again, at either worker, and gets the answer.
                again = await race(lines, [request] * TILLS)
                found = told([*answers, *again])
                assert {answer.status for answer in again} == {201}
                assert {(one["id"], one["state"]) for one in found} == {(found[0]["id"], "paid")}
                made.append(found[0]["id"])
                other = signed(market.shop.till, "/v1/charges", {**body, "amount": AMOUNT + 1}, key)
                assert (await lines[0].ask(other)).problem == "idempotency_key_reused"

    asyncio.run(rounds())
    assert queue.orders() == sorted(made)
    after = market.booked("pay")
    assert set(after.values()) == {1}
    assert len(after - before) == ROUNDS


def test_32_confirmations_of_one_order_pay_it_once(server: Server, market: Market) -> None:
    phone = payer(market.shop.bureau)

    async def rounds() -> None:
        async with spread(server, TILLS) as groups:
            for _ in range(5):
                order = market.shop.open(AMOUNT)
                path = f"/v1/me/orders/{order['id']}/confirm"
                proofs = [phone.prove("193746") for _ in range(2)]
                requests = [signed(phone, path, {"busi_seq": proofs[n % 2]}) for n in range(TILLS)]
                answers = await race(in_turn(groups), requests)
                assert {answer.problem for answer in answers} <= {"", "order_not_waiting"}
                assert market.shop.order(order)["state"] == "paid"

    before = market.booked("pay")
    asyncio.run(rounds())
    assert len(market.booked("pay") - before) == 5
