"""Giving a holder a role at an agency, and ending it."""

from uuid import UUID

from auth.staff import store
from auth.staff.errors import StaffExists
from auth.staff.schemas import StaffRegistered, StaffRequest, StaffView
from ecard.audit import store as audit
from ecard.cards import store as cards
from ecard.cards.model import mask_name
from ecard.cards.profiles import id_index, open_profile
from ecard.cards.service import today
from ecard.db import Tx
from ecard.errors import Invalid, NotFound
from ecard.ids import new_id
from ecard.numbers import resident_id
from ecard.numbers.errors import BadNumber
from ecard.runtime import Runtime


async def register(tx: Tx, runtime: Runtime, asked: StaffRequest, by: UUID) -> StaffRegistered:
    """Give a registered holder a role; raises Invalid, NotFound (`pointer` says of what), StaffExists."""
    try:
        id_no = resident_id.validate(asked.id_no, today(runtime))
    except BadNumber as bad:
        raise Invalid(pointer="/id_no", reason=bad.reason.value) from None
    if not await store.agency_exists(tx, asked.agency):
        raise NotFound(pointer="/agency")
    card = await cards.by_person(tx, id_index(runtime.vault, id_no))
    if card is None:
        raise NotFound(pointer="/id_no")
    staff = new_id()
    if not await store.add(tx, staff, card.holder, asked.agency, asked.role):
        raise StaffExists
    detail: dict[str, object] = {"staff": str(staff), "agency": str(asked.agency), "role": asked.role}
    await audit.insert(tx, kind="staff_registered", outcome="ok", actor=by, card=card.seq, detail=detail)
    return StaffRegistered(id=staff)


async def end(tx: Tx, staff: UUID, by: UUID) -> None:
    """End a role, and with it what was granted under it; raises NotFound."""
    agency = await store.end(tx, staff)
    if agency is None:
        raise NotFound
    detail: dict[str, object] = {"staff": str(staff), "agency": str(agency)}
    await audit.insert(tx, kind="staff_ended", outcome="ok", actor=by, detail=detail)


async def listed(runtime: Runtime, agency: UUID | None) -> list[StaffView]:
    """Return the staff of now, of one agency or of all, oldest first."""
    return [
        StaffView(
            id=row["id"],
            agency=row["agency"],
            name=mask_name(open_profile(runtime.vault, row["profile"]).name),
            role=row["role"],
            since=row["since"],
        )
        for row in await store.of(runtime.pool, agency)
    ]
