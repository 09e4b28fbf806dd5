"""The JSON of volunteer time. Times are Unix seconds, time is in minutes."""

from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name
from pay.hours.model import RedemptionState, ServiceState

Minutes = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class VolunteerBodyRequest(Body, frozen=True, kw_only=True):
    """Whether an agency records volunteers' service, and whether it gives services for their time."""

    agency: UUID
    records: bool
    redeems: bool


class VolunteerBody(msgspec.Struct, frozen=True, kw_only=True):
    """An agency's part in the time bank."""

    agency: UUID
    records: bool
    redeems: bool


class VolunteerArrival(Body, frozen=True, kw_only=True):
    """The holder of a visit begins a service for a project."""

    visit: UUID
    project: Name


class VolunteerDeparture(Body, frozen=True, kw_only=True):
    """The holder of a visit ends the service that they began at this agency."""

    visit: UUID


class VolunteerService(msgspec.Struct, frozen=True, kw_only=True):
    """A service: `minutes` are those that it earned."""

    id: UUID
    agency: str
    site: str
    project: str
    state: ServiceState
    came_at: int
    went_at: int | None
    minutes: int


class HourRedemptionRequest(Body, frozen=True, kw_only=True):
    """The holder of a visit will have a service for so many minutes at most; they are set aside."""

    visit: UUID
    service: Name
    minutes: Minutes


class HourCompletionRequest(Body, frozen=True, kw_only=True):
    """The service was given, for so many of the minutes set aside; the others are free again."""

    minutes: Minutes


class HourRedemption(msgspec.Struct, frozen=True, kw_only=True):
    """Time that is set aside for a service, or spent on it: `spent` of `minutes`."""

    id: UUID
    agency: str
    service: str
    state: RedemptionState
    minutes: int
    spent: int
    at: int


class VolunteerHours(msgspec.Struct, frozen=True, kw_only=True):
    """A volunteer's account: what was earned and not spent, what of it is set aside, and the latest of each."""

    balance: int
    held: int
    available: int
    services: list[VolunteerService]
    redemptions: list[HourRedemption]
