"""JSON of logins: what a phone sends and sees, and what a waiting page is told."""

from typing import Annotated
from uuid import UUID

import msgspec

from auth.logins.model import Channel, State
from ecard.catalogue.model import Field, Purpose, Strength


class ScanRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the phone's camera read, or the eight letters that its holder typed."""

    qr: Annotated[str, msgspec.Meta(min_length=8, max_length=128, pattern=r"^[A-Za-z0-9:-]+$")]


class OpenRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of the authorization link by which another app opened the e-card app."""

    query: Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]


class ConfirmRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The holder agrees: with the PC's two digits, and with more proof where the item needs it.

    `busi_seq` is a password just proven, `face` the reference of a face check just passed; `remember` lets this
    browser log in without the phone for half an hour.
    """

    number: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}(?!\s)$")] | None = None
    busi_seq: UUID | None = None
    face: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None
    remember: bool = False


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: the registered name, its agency, and the site's origin."""

    name: str
    agency: str
    origin: str


class AskedFrom(msgspec.Struct, frozen=True, kw_only=True):
    """Where the asking terminal stands."""

    setting: str
    region: str
    site: str


class AskedItem(msgspec.Struct, frozen=True, kw_only=True):
    """For which item, and why."""

    code: str
    title: str
    purpose: Purpose


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What the confirmation must bring."""

    strength: Strength
    number: bool


class LoginView(msgspec.Struct, frozen=True, kw_only=True):
    """A login as the holder sees it before deciding: who, from where, for which item and which fields.

    `refused_scans` counts other phones that scanned the same code since: somebody else saw it, too.
    """

    id: UUID
    channel: Channel
    client: Asker
    place: AskedFrom | None = None
    address: str
    browser: str
    item: AskedItem | None = None
    fields: list[Field]
    needs: Needs
    expires_in: int
    refused_scans: int
    binding_message: str | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a login; `redirect` is where the phone goes when the asking app is on it too."""

    state: State
    redirect: str | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a waiting page is told; the QR while it is pending, the two digits once it is scanned."""

    state: State
    expires_in: int
    qr: str | None = None
    qr_expires_in: int | None = None
    number: str | None = None
    refused_scans: int = 0
