"""冲正: a part of a settlement goes back, or all of it, mirrored leg by leg; decided by the agency as settling is."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from ecard.callers import Terminal
from ecard.db import Db
from ecard.ids import new_id
from pay.medical import service
from pay.medical.confirming import FIRST_CHECK, Ward, carry_out
from pay.medical.errors import InstitutionShort, NotConfirmed, OverReversal, ReversalNoUsed
from pay.medical.schemas import MedicalReversal, MedicalReversalRequest, MedicalSettlement

_REVERSE = "SELECT outcome, reversal, remaining FROM medical_reverse($1, $2, $3, $4, $5, $6, $7, $8)"
_OF = """
    SELECT id, out_reversal_no, amount, parts, reason, state, journal,
           extract(epoch FROM created_at)::bigint AS created_at
    FROM medical_reversal WHERE settlement = $1 ORDER BY created_at, id
"""
_NO_BALANCE = "LG001"
"""The ledger's SQLSTATE for an account that has too little."""


async def reverse(ward: Ward, number: UUID, asked: MedicalReversalRequest, by: Terminal) -> MedicalReversal:
    """Take a part of a settlement back; the same number and amount again is answered with how it stands.

    Raises NotFound, NotConfirmed, OverReversal, ReversalNoUsed, InstitutionShort.
    """
    pool, asking = ward.clinic.runtime.pool, new_id()
    one = await service.held(pool, number, by)
    try:
        made = await pool.fetchrow(
            _REVERSE,
            new_id(),
            number,
            by.actor,
            asked.out_reversal_no,
            asked.amount,
            asked.reason,
            asking,
            FIRST_CHECK,
        )
    except asyncpg.PostgresError as error:
        if error.sqlstate == _NO_BALANCE:
            raise InstitutionShort from None
        raise
    match made["outcome"]:
        case "ok":
            await carry_out(ward, asking)
        case "number_used":
            raise ReversalNoUsed
        case "not_confirmed":
            raise NotConfirmed(state=one.state)
        case "over":
            raise OverReversal(remaining=made["remaining"])
    return next(found for found in await reversals(pool, number) if found.id == made["reversal"])


async def reversals(db: Db, number: UUID) -> Sequence[MedicalReversal]:
    """Return a settlement's reversals, oldest first."""
    return [msgspec.convert(dict(row), MedicalReversal) for row in await db.fetch(_OF, number)]


async def whole(db: Db, settlement: MedicalSettlement) -> MedicalSettlement:
    """Return a settlement with its reversals."""
    return msgspec.structs.replace(settlement, reversals=list(await reversals(db, settlement.id)))
