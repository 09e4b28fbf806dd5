"""The JSON of staff."""

import datetime
from typing import Annotated
from uuid import UUID

import msgspec

# (?!\n): Python's `$` alone lets one line feed at the end pass.
Role = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z][a-z0-9_-]{0,31}(?!\n)$", description="角色, 由机构自定。A short name that the agency decides."
    ),
]


class StaffRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A registered holder, by resident number, and the role at an agency."""

    id_no: Annotated[str, msgspec.Meta(min_length=18, max_length=18)]
    agency: UUID
    role: Role


class StaffRegistered(msgspec.Struct, frozen=True, kw_only=True):
    """The id of a member of staff, which ends with the role."""

    id: UUID


class StaffView(msgspec.Struct, frozen=True, kw_only=True):
    """A member of an agency's staff; the name is masked."""

    id: UUID
    agency: UUID
    name: str
    role: str
    since: datetime.datetime
