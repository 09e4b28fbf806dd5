"""Each refusal on record: what was tried is undone, that it was tried is not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from ecard.audit import store as audit
from ecard.db import Pool
from ecard.errors import EcardError, TooMany, Unavailable
from ecard.idempotency import InFlight, KeyMissing, KeyReused

_NOBODYS = (KeyMissing, KeyReused, InFlight, Unavailable, TooMany)
"""Refusals that say nothing about a case."""


@asynccontextmanager
async def recorded(
    pool: Pool, kind: str, actor: UUID, *, card: int | None = None, **about: UUID | None
) -> AsyncIterator[None]:
    """Leave an audit row of `kind` for a refusal inside, in a transaction of its own, and raise it again."""
    try:
        yield
    except EcardError as refused:
        if not isinstance(refused, _NOBODYS):
            detail: dict[str, object] = {name: str(value) for name, value in about.items() if value is not None}
            await audit.insert(pool, kind=kind, outcome=refused.code, actor=actor, card=card, detail=detail)
        raise
