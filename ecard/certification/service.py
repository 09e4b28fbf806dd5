"""Certifying a holder: from a visit with a face or a clerk, or from a case whose documents were approved."""

import datetime
from typing import Any
from uuid import UUID

from ecard.audit import store as audit
from ecard.callers import Holder, Terminal
from ecard.cards import store as cards
from ecard.cards.checks import Checks
from ecard.cards.profiles import open_profile
from ecard.catalogue.model import Catalogue, Flow
from ecard.certification import store
from ecard.certification.errors import CertificationFaceMismatch, CertifiedBefore
from ecard.certification.model import Certified, CertifiedBy, fallback, how, standings
from ecard.certification.schemas import (
    Certification,
    CertificationRequest,
    CertificationStanding,
    MyCertifications,
    PastCertification,
)
from ecard.db import Tx
from ecard.desk.errors import CardSuspended
from ecard.desk.model import ONLINE
from ecard.desk.standing import Standing, at_agency, on_phone
from ecard.ids import new_id
from ecard.limits import Limit
from ecard.runtime import Runtime

FACES = Limit("certification_face", 5, 900, guarded=True)
"""Faces that may be tried in one visit, which stands so long."""


async def check_face(
    runtime: Runtime, catalogue: Catalogue, checks: Checks, asked: CertificationRequest, by: Terminal
) -> None:
    """Ask the authority about the face, with no transaction open meanwhile; nothing is asked where none was given.

    Raises what `at_agency` and `how` raise, CertificationFaceMismatch, CheckUnavailable and TooMany.
    """
    if asked.face is None:
        return
    standing = await at_agency(runtime.pool, catalogue, asked.visit, by, Flow.CERTIFY)
    _how(standing, by.setting, face_passed=True)
    await runtime.limiter.hit(FACES, str(asked.visit))
    card = await cards.by_seq(runtime.pool, standing.card)
    if card is None:
        raise CardSuspended
    if not await checks.face(open_profile(runtime.vault, card.profile), asked.face):
        await _note(runtime.pool, standing, CertificationFaceMismatch.code)
        other = fallback(catalogue, standing.item)
        raise CertificationFaceMismatch() if other is None else CertificationFaceMismatch(fallback=other)


async def at_terminal(tx: Tx, catalogue: Catalogue, asked: CertificationRequest, by: Terminal) -> Certification:
    """Certify the holder of a visit at a terminal; `asked.face` was checked before.

    Raises what `at_agency` and `how` raise, and CertifiedBefore.
    """
    standing = await at_agency(tx, catalogue, asked.visit, by, Flow.CERTIFY)
    proven = _how(standing, by.setting, face_passed=asked.face is not None)
    return await _certify(tx, standing, proven)


async def on_own_phone(tx: Tx, catalogue: Catalogue, visit: UUID, holder: Holder) -> Certification:
    """Certify the phone's own holder; raises as `at_terminal` does."""
    standing = await on_phone(tx, catalogue, visit, holder, Flow.CERTIFY)
    return await _certify(tx, standing, _how(standing, ONLINE, face_passed=False))


async def by_case(tx: Tx, *, case: UUID, visit: UUID, holder: UUID, item: str, agency: UUID) -> Certification:
    """Certify a holder whose case was finally approved, in the transaction of that decision; once for each case.

    Raises CertifiedBefore where the case's visit has certified otherwise.
    """
    row = await store.add(tx, new_id(), holder, item, CertifiedBy.CASE.value, visit, case, agency)
    if row is None:
        row = await store.of_case(tx, case)
        if row is None:
            raise CertifiedBefore
        return _certification(row)
    await audit.insert(tx, kind="certification", outcome="ok", item=item, detail={"case": str(case)})
    return _certification(row)


async def mine(runtime: Runtime, catalogue: Catalogue, holder: Holder) -> MyCertifications:
    """Return how the holder stands, and every certification."""
    rows = await store.history(runtime.pool, holder.card)
    now = datetime.datetime.fromtimestamp(runtime.clock.time(), datetime.UTC)
    known = [Certified(row["item"], row["valid_until"], row["disputed"]) for row in rows]
    return MyCertifications(
        standing=[
            CertificationStanding(
                item=one.item,
                title=catalogue.get(one.item).title,
                state=one.state,
                valid_until=int(one.valid_until.timestamp()),
            )
            for one in standings(known, now)
        ],
        history=[PastCertification(**_facts(row), place=row["place"], disputed=row["disputed"]) for row in rows],
    )


def _how(standing: Standing, setting: str, *, face_passed: bool) -> CertifiedBy:
    # A clerk certifies whom they saw: nobody was seen in a visit that was made at a kiosk.
    return how(
        standing.item,
        setting=setting if setting == standing.setting else ONLINE,
        strength=standing.strength,
        by_relative=standing.acting is not None,
        face_passed=face_passed,
    )


async def _certify(tx: Tx, standing: Standing, proven: CertifiedBy) -> Certification:
    columns = (standing.holder, standing.item.code, proven.value, standing.visit, None, standing.agency)
    row = await store.add(tx, new_id(), *columns)
    if row is None:
        raise CertifiedBefore
    await _note(tx, standing, "ok", how=proven.value)
    return _certification(row)


async def _note(db: Any, standing: Standing, outcome: str, **more: object) -> None:
    detail: dict[str, object] = {"visit": str(standing.visit), **more}
    columns: dict[str, Any] = {"actor": standing.actor, "card": standing.card, "item": standing.item.code}
    await audit.insert(db, kind="certification", outcome=outcome, detail=detail, **columns)


def _certification(row: Any) -> Certification:
    return Certification(**_facts(row))


def _facts(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "item": row["item"],
        "how": CertifiedBy(row["how"]),
        "certified_at": int(row["at"].timestamp()),
        "valid_until": int(row["valid_until"].timestamp()),
    }
