"""Putting certificates of employment on record, and showing them to their holder and where the holder stands."""

import hmac
from typing import Any
from uuid import UUID

import msgspec

from cardio.employment import store
from cardio.employment.errors import CertificateNotOnCard, CertificateRecorded
from cardio.employment.model import check_item, encoded
from cardio.employment.schemas import EmploymentCertificate, EmploymentRequest
from cardio.server.writes import check_write, write_mac
from ecard.audit import store as audit
from ecard.callers import Holder, Terminal
from ecard.catalogue.model import Catalogue, Flow, Form
from ecard.db import Db, Tx
from ecard.desk.standing import at_agency
from ecard.errors import NotFound
from ecard.ids import new_id
from ecard.runtime import Runtime
from ecard.vault import Vault

PLACE = "employment_certificate.content"
HISTORY = 50
"""Certificates that a holder is shown."""


async def record(
    tx: Tx, runtime: Runtime, catalogue: Catalogue, asked: EmploymentRequest, by: Terminal
) -> EmploymentCertificate:
    """Put the certificate of a visit's holder on record; with the physical card, as it was written to it.

    Raises what `at_agency` raises, OtherItem, CardWriteRefused (a field that the file does not have, or a value that
    does not fit), CertificateNotOnCard and CertificateRecorded.
    """
    standing, number = await at_agency(tx, catalogue, asked.visit, by, Flow.RECORD), new_id()
    check_item(standing.item)
    check_write(standing.item, asked.certificate)
    on_card = standing.form is Form.PHYSICAL
    if on_card:
        mac = await store.written(tx, asked.visit)
        if mac is None or not hmac.compare_digest(mac, write_mac(runtime, asked.certificate)):
            raise CertificateNotOnCard
    sealed = runtime.vault.seal(PLACE, encoded(asked.certificate))
    if not await store.add(tx, number, standing.holder, asked.visit, standing.agency, sealed, on_card):
        raise CertificateRecorded
    detail: dict[str, object] = {"certificate": str(number), "visit": str(asked.visit), "on_card": on_card}
    columns: dict[str, Any] = {"actor": by.actor, "card": standing.card, "item": standing.item.code}
    await audit.insert(tx, kind="employment_recorded", outcome="ok", detail=detail, **columns)
    return _shown(runtime.vault, await store.one(tx, number))


async def of_visit(runtime: Runtime, catalogue: Catalogue, visit: UUID, by: Terminal) -> EmploymentCertificate:
    """Return the certificate in force of a visit's holder; raises what `at_agency` raises, OtherItem and NotFound."""
    standing = await at_agency(runtime.pool, catalogue, visit, by, Flow.RECORD)
    check_item(standing.item)
    found = await store.of_holder(runtime.pool, standing.holder, 1)
    if not found:
        raise NotFound
    return _shown(runtime.vault, found[0])


async def mine(db: Db, vault: Vault, holder: Holder) -> list[EmploymentCertificate]:
    """Return the holder's certificates, youngest first."""
    person = await store.holder_of(db, holder.card)
    return [_shown(vault, row) for row in await store.of_holder(db, person, HISTORY)]


def _shown(vault: Vault, row: Any) -> EmploymentCertificate:
    content = msgspec.json.decode(vault.open(PLACE, row["content"]), type=dict[str, str])
    return msgspec.convert({**row, "certificate": content}, EmploymentCertificate)
