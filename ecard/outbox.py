"""What others must be told after a commit: rows written in the same transaction, told until they heard.

One table serves every topic; what differs is how patiently a topic's receivers are called. A row is taken by moving
its due time ahead, in one statement that skips what another process took (`FOR UPDATE SKIP LOCKED`, never "id greater
than the last": commits do not come in the order of ids). So no lock is held while somebody is called, and a process
that dies leaves its row to the next.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from ecard.db import Db, in_batches

# Of the earliest rows no receiver is given more than its share: a backlog of one keeps no other waiting.
_TAKE = """
    WITH early AS (
        SELECT id, due_at, body ->> $2 AS receiver FROM outbox
        WHERE topic = $1 AND done_at IS NULL AND given_up_at IS NULL AND due_at <= clock_timestamp()
            AND (body ->> $2) <> ALL ($3) ORDER BY due_at LIMIT 200
    ), fair AS (
        SELECT id, due_at, row_number() OVER (PARTITION BY receiver ORDER BY due_at) AS place FROM early
    ), taken AS (
        SELECT o.id FROM outbox o JOIN fair f ON f.id = o.id
        WHERE f.place <= $5 AND o.done_at IS NULL AND o.given_up_at IS NULL AND o.due_at <= clock_timestamp()
        ORDER BY f.place, f.due_at LIMIT 20 FOR UPDATE OF o SKIP LOCKED
    )
    UPDATE outbox o SET tries = tries + 1,
        due_at = clock_timestamp() + make_interval(secs => ($4::float8[])[tries + 1]),
        given_up_at = CASE WHEN tries + 1 >= cardinality($4::float8[]) THEN clock_timestamp() END
    FROM taken t WHERE o.id = t.id RETURNING o.id, o.body
"""
_DONE = "UPDATE outbox SET done_at = now(), given_up_at = NULL WHERE id = $1"
_FORGET = [
    """
    DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE done_at < now() - interval '7 days'
                                    LIMIT 5000 FOR UPDATE SKIP LOCKED)
    """,
    """
    DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE given_up_at < now() - interval '30 days'
                                    LIMIT 5000 FOR UPDATE SKIP LOCKED)
    """,
]


class Topic(NamedTuple):
    """What is told to one kind of receiver, and how patiently."""

    name: str
    receiver: str
    """The member of a message's body that names who is told."""
    waits: tuple[float, ...]
    """Seconds after each try until the next is due; with the last one it is given up. Each is longer than a call."""
    together: int = 4
    """Messages that one receiver is given at once."""


class Message(msgspec.Struct, frozen=True):
    """Something to be told; it may come twice, so the receiver is given its id."""

    id: UUID
    body: dict[str, Any]


async def take(db: Db, topic: Topic, *, without: Sequence[str]) -> list[Message]:
    """Return what is due for a topic; each comes again later unless it is `done` by then.

    `without` names receivers that are to wait.
    """
    rows = await db.fetch(_TAKE, topic.name, topic.receiver, without, topic.waits, topic.together)
    return [Message(row["id"], row["body"]) for row in rows]


async def done(db: Db, message: UUID) -> None:
    """Note that a message was heard."""
    await db.execute(_DONE, message)


async def forget(db: Db) -> None:
    """Drop what was heard a week ago, and what was given up a month ago."""
    await in_batches(db, *_FORGET)
