"""Settlements made while the line was down (A2-52): each is kept once, and only then leaves the bridge's queue."""

import msgspec

from cardio.bridge.messages import Record
from cardio.server import store
from cardio.server.store import Bridge
from ecard.audit import store as audit
from ecard.cards.profiles import card_id_index
from ecard.cards.store import by_card_id
from ecard.db import begin
from ecard.runtime import Runtime

PLACE = "offline_settlement.record"


async def keep(runtime: Runtime, bridge: Bridge, record: Record) -> bool:
    """Keep a record for good; return whether it may leave the queue: it is kept, now or before, from this bridge.

    One of the same id from another bridge is neither stored nor acknowledged, and stands in the audit log.
    """
    sealed = runtime.vault.seal(PLACE, msgspec.json.encode(record))
    async with begin(runtime.pool) as tx:
        new, own = await store.keep(tx, bridge.id, record.id, sealed)
        if new or not own:
            index = card_id_index(runtime.vault, record.card_id) if record.card_id else None
            row = await by_card_id(tx, index) if index else None
            await audit.insert(
                tx,
                kind="offline_settlement",
                outcome="ok" if new else "foreign",
                actor=bridge.id,
                card=row.seq if row else None,
                item=record.item,
                detail={"record": str(record.id)},
            )
    return own
