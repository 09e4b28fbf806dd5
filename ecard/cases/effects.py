"""What the last approval of a case does beside ending it, in its own transaction; policy.toml says of which items."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from ecard.cards import changes
from ecard.cases.model import Effect
from ecard.cases.policy import policy
from ecard.catalogue.model import Item
from ecard.certification import service as certification
from ecard.db import Tx
from ecard.errors import Invalid
from ecard.runtime import Runtime

FORM = "case_file.form"
"""The place that what was filled in is sealed for."""


def check(item: Item, form: Mapping[str, str]) -> None:
    """Check what is filled in for an item whose approval does something with it.

    Personal data are changed by fields of these names (A1-93, A3-25): raises ProfileFieldFixed, and Invalid.
    """
    if policy().effects.get(item.code) is not Effect.CHANGE:
        return
    try:
        changes.check(form)
    except Invalid as invalid:
        raise Invalid(pointer=(invalid.pointer or "").replace("/changes", "/form", 1)) from None


async def done(tx: Tx, runtime: Runtime, case: Any) -> None:
    """Do what a case that is done brings about.

    三级审核 of documents certifies as a face would (A3-17, A3-19): raises CertifiedBefore where the visit has certified
    otherwise. Personal data change, with a proof (A1-93, A3-25): raises ProfileUnchanged, NoKey.
    """
    effect, visit = policy().effects.get(case["item"]), case["visit"]
    if effect is Effect.CERTIFY:
        await certification.by_case(
            tx, case=case["id"], visit=visit, holder=case["holder"], item=case["item"], agency=case["agency"]
        )
    if effect is Effect.CHANGE:
        await _change(tx, runtime, case["holder"], case["form"], case["id"], visit)


async def _change(tx: Tx, runtime: Runtime, holder: UUID, form: bytes, case: UUID, visit: UUID) -> None:
    filled = msgspec.json.decode(runtime.vault.open(FORM, form), type=dict[str, str])
    await changes.change(tx, runtime, holder, filled, case=case, visit=visit)
