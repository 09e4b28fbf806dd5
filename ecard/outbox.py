"""What others must be told after a commit: rows written in the same transaction, told until they heard.

A row is taken by moving its due time ahead, in one statement that skips what another process took
(`FOR UPDATE SKIP LOCKED`, never "id greater than the last": commits do not come in the order of ids).
So no lock is held while somebody is called, and a process that dies leaves its row to the next.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from ecard.db import Db, in_batches

TRIES = 10
"""Times that something is told before it is given up: over about four hours. The table's indexes name it too."""
_TAKE = f"""
    UPDATE outbox SET tries = tries + 1, due_at = clock_timestamp() + make_interval(secs => 15 * 2 ^ tries)
    WHERE id IN (SELECT id FROM outbox WHERE topic = $1 AND done_at IS NULL AND due_at <= clock_timestamp()
                 AND tries < {TRIES} AND (body ->> $2) <> ALL ($3) ORDER BY due_at LIMIT 20 FOR UPDATE SKIP LOCKED)
    RETURNING id, body
"""  # noqa: S608 - a constant of our own
_DONE = "UPDATE outbox SET done_at = now() WHERE id = $1"
_FORGET = [
    """
    DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE done_at < now() - interval '7 days'
                                    LIMIT 5000 FOR UPDATE SKIP LOCKED)
    """,
    f"""
    DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE done_at IS NULL AND tries >= {TRIES}
                                    AND due_at < now() - interval '30 days' LIMIT 5000 FOR UPDATE SKIP LOCKED)
    """,  # noqa: S608 - a constant of our own
]


class Message(msgspec.Struct, frozen=True):
    """Something to be told; it may come twice, so the receiver is given its id."""

    id: UUID
    body: dict[str, Any]


async def take(db: Db, topic: str, *, without: tuple[str, Sequence[str]]) -> list[Message]:
    """Return what is due for a topic; each comes again later unless it is `done` by then.

    `without` names a member of the body, and the values of it that are to wait.
    """
    return [Message(row["id"], row["body"]) for row in await db.fetch(_TAKE, topic, *without)]


async def done(db: Db, message: UUID) -> None:
    """Note that a message was heard."""
    await db.execute(_DONE, message)


async def forget(db: Db) -> None:
    """Drop what was heard a week ago, and what was given up a month ago."""
    await in_batches(db, *_FORGET)
