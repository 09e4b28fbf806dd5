"""One code, many counters: two worker processes, sixty-four terminals, real stores."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator

import pytest

from ecard.client import Phone, Terminal
from tests.bureau import Bureau
from tests.races.lines import Answer, Line, new_terminals, race, signed_visit, spread
from tests.races.server import Server, open_bureau

CLIENTS = 64
ROUNDS = 100


@pytest.fixture(scope="module")
def bureau(server: Server) -> Iterator[Bureau]:
    made = open_bureau(server)
    yield made
    made.http.close()


@pytest.fixture(scope="module")
def terminals(bureau: Bureau) -> list[Terminal]:
    return new_terminals(bureau, CLIENTS)


def uses(phone: Phone) -> list[str]:
    return [use["id"] for use in phone.call("GET", "/v1/me/uses", query="limit=100").json()]


def in_turn(groups: list[list[Line]]) -> list[Line]:
    """Return the connections so that neighbours are at different workers."""
    return list(itertools.chain(*zip(*groups, strict=True)))


def only_winner(answers: list[Answer]) -> int:
    """Return which answer accepted; every other one says that the code was used."""
    assert Counter(answer.problem for answer in answers) == {"": 1, "code_replayed": CLIENTS - 1}
    assert Counter(answer.status for answer in answers) == {201: 1, 409: CLIENTS - 1}
    return next(n for n, answer in enumerate(answers) if answer.status == 201)


def test_of_64_terminals_racing_for_a_code_one_wins_in_each_of_100_rounds(
    server: Server, bureau: Bureau, terminals: list[Terminal]
) -> None:
    phone = bureau.phone()
    won: list[str] = []
    ahead: list[int] = []

    async def rounds() -> None:
        async with spread(server, CLIENTS) as groups:
            lines = in_turn(groups)
            for _ in range(ROUNDS):
                code = phone.code()
                requests = [signed_visit(terminal, code) for terminal in terminals]
                answers = await race(lines, requests)
                winner = only_winner(answers)
                won.append(answers[winner].visit)
                ahead.append(winner)
                # The winner asks again, of either worker, with the very same request.
                for group in groups:
                    assert await group[0].ask(requests[winner]) == answers[winner]

    asyncio.run(rounds())
    assert len(set(won)) == ROUNDS
    assert sorted(uses(phone)) == sorted(won)
    assert len(set(ahead)) > 1


def test_a_screen_shown_as_code_and_as_digits_is_used_once(
    server: Server, bureau: Bureau, terminals: list[Terminal]
) -> None:
    phones = [bureau.phone() for _ in range(10)]

    async def rounds() -> None:
        async with spread(server, CLIENTS) as groups:
            lines = in_turn(groups)
            for n, phone in enumerate(phones):
                # The screen that is shown now, and the next one, which a phone half a minute ahead shows already.
                won = []
                for screen in phone.codes(count=2):
                    forms = [screen["code"], screen["number"]][:: 1 if n % 2 else -1]
                    requests = [signed_visit(each, forms[n % 2]) for n, each in enumerate(terminals)]
                    answers = await race(lines, requests)
                    won.append(answers[only_winner(answers)].visit)
                    again = [signed_visit(terminals[0], form) for form in forms]
                    assert [answer.problem for answer in await race(lines[:2], again)] == ["code_replayed"] * 2
                assert sorted(uses(phone)) == sorted(won)

    asyncio.run(rounds())
