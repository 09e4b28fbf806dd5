"""JSON of a holder's grants."""

from uuid import UUID

import msgspec

from ecard.catalogue.model import Field


class ConsentView(msgspec.Struct, frozen=True, kw_only=True):
    """A consent that stands: who may have which fields for what, since when, and when it was last used.

    `current` is false when the catalogue has changed since: the next login asks again.
    """

    id: UUID
    client: str
    agency: str
    item: str
    title: str
    fields: list[Field]
    given_at: str
    used_at: str | None
    current: bool
