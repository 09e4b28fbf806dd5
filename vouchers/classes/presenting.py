"""A learner at an institution's terminal: what was presented becomes evidence, as in a visit."""

from typing import NamedTuple
from uuid import UUID

from ecard.callers import Terminal
from ecard.cards.profiles import open_profile
from ecard.catalogue.model import Field, Item
from ecard.desk.model import Evidence, check, disclose
from ecard.desk.schemas import EvidenceRequest
from ecard.desk.service import Desk, pseudonym
from vouchers.classes.errors import ItemNotTraining
from vouchers.classes.model import ITEMS


class Presented(NamedTuple):
    """Evidence that the catalogue lets in for a training item."""

    item: Item
    evidence: Evidence

    def columns(self) -> tuple[object, ...]:
        """Return what the SQL functions take of it: item, form, level, kind, strength, amr, fields, card … shadow."""
        item, evidence = self
        return (
            item.code,
            evidence.form.value,
            item.level,
            evidence.kind,
            evidence.strength.value,
            evidence.amr,
            [field.value for field in item.fields],
            evidence.card,
            evidence.device,
            evidence.once,
            evidence.shadow,
        )


async def present(desk: Desk, item: str, asked: EvidenceRequest, by: Terminal) -> Presented:
    """Return what was presented to `by`; nothing is used up yet.

    Raises ItemNotTraining, ItemUnknown, and what the readers and the catalogue's check raise.
    """
    if item not in ITEMS:
        raise ItemNotTraining(accepted=list(ITEMS))
    known = desk.catalogue.get(item)
    evidence = await desk.read(asked, known, by)
    check(known, evidence, by.setting)
    return Presented(known, evidence)


def learner(desk: Desk, by: Terminal, item: Item, holder: UUID, profile: bytes) -> tuple[str, dict[Field, str]]:
    """Return the learner's pseudonym at the institution, and the fields that the item discloses."""
    fields = disclose(open_profile(desk.runtime.vault, profile), [field.value for field in item.fields])
    return pseudonym(desk.runtime, by.agency, holder), {Field(name): value for name, value in fields.items()}
