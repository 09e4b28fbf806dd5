"""Redis emptied, then killed, while codes are used: it may refuse, it never lets a code in twice."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from ecard.client import Phone, Refused, Terminal
from tests.bureau import Bureau
from tests.races.lines import Answer, new_terminals, race, signed_visit, spread
from tests.races.server import Server, open_bureau

CLIENTS = 16


@pytest.fixture(scope="module")
def bureau(server: Server) -> Iterator[Bureau]:
    made = open_bureau(server)
    yield made
    made.http.close()


@pytest.fixture(scope="module")
def terminals(bureau: Bureau) -> list[Terminal]:
    return new_terminals(bureau, CLIENTS)


@pytest.fixture(scope="module")
def phone(bureau: Bureau) -> Phone:
    return bureau.phone()


def races(
    server: Server, phone: Phone, terminals: list[Terminal], rounds: int, meanwhile: Callable[[int], Any]
) -> list[list[Answer]]:
    """Return the answers to a code in each round, all terminals at once, `meanwhile(round)` in their midst."""

    async def run() -> list[list[Answer]]:
        async with spread(server, CLIENTS) as groups:
            lines = [line for group in groups for line in group]
            found = []
            for n in range(rounds):
                code = phone.code()
                requests = [signed_visit(terminal, code) for terminal in terminals]
                found.append(await race(lines, requests, lambda n=n: meanwhile(n)))  # type: ignore[misc] # bound at once
            return found

    return asyncio.run(run())


def problems(answers: list[Answer]) -> Counter[str]:
    return Counter(answer.problem for answer in answers)


def uses(phone: Phone) -> list[str]:
    return [use["id"] for use in phone.call("GET", "/v1/me/uses", query="limit=100").json()]


ONE_WINNER = Counter({"": 1, "code_replayed": CLIENTS - 1})


def test_a_redis_emptied_all_the_time_lets_no_code_in_twice(
    server: Server, phone: Phone, terminals: list[Terminal]
) -> None:
    done = threading.Event()
    emptied = 0

    def empty() -> None:
        nonlocal emptied
        with redis.Redis.from_url(server.redis_url()) as client:
            while not done.is_set():
                client.flushall()
                emptied += 1

    thread = threading.Thread(target=empty)
    thread.start()
    before = uses(phone)
    try:
        found = races(server, phone, terminals, 20, lambda _: None)
    finally:
        done.set()
        thread.join()
    assert [problems(answers) for answers in found] == [ONE_WINNER] * 20
    assert len(uses(phone)) - len(before) == 20
    assert emptied > 20


@pytest.fixture(scope="module")
def bystander(bureau: Bureau) -> Phone:
    """A phone that was there before the loss and has shown nothing yet."""
    phone = bureau.phone()
    phone.open()
    return phone


def test_while_redis_hangs_digits_are_refused_and_codes_go_on_and_then_both_do(
    server: Server, bystander: Phone, terminals: list[Terminal]
) -> None:
    code, number = bystander.code(), str(bystander.codes(count=2)[1]["number"])
    _, valkey = server.stores()
    valkey.suspend()
    started = time.monotonic()
    try:
        with pytest.raises(Refused) as refused:
            terminals[0].visit("A1-01", number)
        visit = terminals[0].visit("A1-01", code)["visit"]
        status, ready = server.ready()
    finally:
        valkey.resume()
    assert time.monotonic() - started < 3
    assert (refused.value.status, refused.value.code) == (503, "unavailable")
    assert (status, ready["status"]) == (200, "degraded")
    assert uses(bystander) == [visit]
    assert terminals[0].visit("A1-01", number)["form"] == "electronic"
    assert server.ready()[1]["status"] == "ok"


@pytest.fixture(scope="module")
def loss(server: Server, phone: Phone, bystander: Phone, terminals: list[Terminal]) -> list[list[Answer]]:
    """Kill -9 Redis in the midst of the sixth of twenty rounds."""
    assert bystander.code()
    _, valkey = server.stores()
    assert "valkey" in valkey.name()
    return races(server, phone, terminals, 20, lambda n: valkey.kill() if n == 5 else None)


def test_a_redis_killed_in_a_race_lets_no_code_in_twice_and_visits_go_on(
    phone: Phone, loss: list[list[Answer]]
) -> None:
    assert [problems(answers) for answers in loss] == [ONE_WINNER] * 20
    won = {answer.visit for answers in loss for answer in answers if answer.status == 201}
    assert len(won) == 20
    assert won <= set(uses(phone))


@pytest.mark.usefixtures("loss")
def test_without_redis_the_server_is_degraded_but_ready(server: Server) -> None:
    status, ready = server.ready()
    assert status == 200
    assert ready == {"status": "degraded", "database": "ok", "redis": "down", "card_status": "ok"}


@pytest.mark.usefixtures("loss")
def test_without_redis_digits_are_refused_at_once_rather_than_accepted(
    bystander: Phone, terminals: list[Terminal]
) -> None:
    number, before = str(bystander.codes()[0]["number"]), uses(bystander)
    started = time.monotonic()
    with pytest.raises(Refused) as refused:
        terminals[0].visit("A1-01", number)
    assert (refused.value.status, refused.value.code) == (503, "unavailable")
    assert int(refused.value.headers["Retry-After"]) > 0
    assert time.monotonic() - started < 1
    assert uses(bystander) == before


@pytest.mark.usefixtures("loss")
def test_without_redis_a_session_opens_at_once_and_an_e_card_is_not_issued(bureau: Bureau) -> None:
    person = bureau.register()
    terminal = bureau.registrar.register_terminal(bureau.agency, "counter")
    started = time.monotonic()
    terminal.open()
    with pytest.raises(Refused) as refused:
        bureau.phone(person)
    assert time.monotonic() - started < 2
    assert (refused.value.status, refused.value.code) == (503, "unavailable")
