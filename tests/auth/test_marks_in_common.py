"""Processes that write the same marks at the same time, in any order: each is accepted once, and nobody is killed."""

import asyncio
import secrets
import time
from contextlib import AsyncExitStack

from auth.replay import Mark, Marks, mark
from ecard import db
from ecard.settings import Settings

ROUNDS = 60
TOGETHER = 150


def fresh(count: int) -> list[Mark]:
    """Return marks that nobody knows."""
    return [mark("dpop", "", secrets.token_hex(16), time.time() + 60) for _ in range(count)]


def accepted(settings: Settings, rounds: list[list[list[Mark]]]) -> list[list[list[bool]]]:
    """Return what is answered in each round to each process, which asks for its marks all at once."""

    async def ask(marks: Marks, wanted: list[Mark]) -> list[bool]:
        return await asyncio.gather(*(marks.first_time(one) for one in wanted))

    async def run() -> list[list[list[bool]]]:
        async with AsyncExitStack() as stack:
            processes = []
            for _ in rounds[0]:
                pool = await db.connect(settings.database_url or "", size=1)
                stack.push_async_callback(pool.close)
                processes.append(Marks(pool))
            return [
                await asyncio.gather(*(ask(*each) for each in zip(processes, wanted, strict=True))) for wanted in rounds
            ]

    return asyncio.run(run())


def test_two_processes_with_the_same_marks_in_reversed_order_accept_each_once(settings: Settings) -> None:
    rounds = []
    for _ in range(ROUNDS):
        marks = fresh(TOGETHER)
        rounds.append([marks, marks[::-1]])
    for one, other in accepted(settings, rounds):
        assert [first + second for first, second in zip(one, other[::-1], strict=True)] == [1] * TOGETHER


def test_four_processes_that_share_half_of_their_marks_accept_each_once(settings: Settings) -> None:
    rounds, counts = [], []
    for _ in range(ROUNDS // 3):
        common, wanted = fresh(TOGETHER // 2), []
        for _ in range(4):
            mine = common + fresh(TOGETHER // 2)
            secrets.SystemRandom().shuffle(mine)
            wanted.append(mine)
        rounds.append(wanted)
        counts.append({one.key for each in wanted for one in each})
    for wanted, answers, all_of_them in zip(rounds, accepted(settings, rounds), counts, strict=True):
        won = [
            one.key
            for mine, told in zip(wanted, answers, strict=True)
            for one, first in zip(mine, told, strict=True)
            if first
        ]
        assert len(won) == len(set(won))
        assert set(won) == all_of_them


def test_a_mark_asked_for_twice_in_one_batch_is_accepted_once(settings: Settings) -> None:
    [one] = fresh(1)
    [[answers]] = accepted(settings, [[[one] * TOGETHER]])
    assert answers == [True] + [False] * (TOGETHER - 1)
