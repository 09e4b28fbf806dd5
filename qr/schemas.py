"""The JSON of codes, certificates and the offline bundle."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import msgspec


class SceneName(StrEnum):
    """用码场景: what a code is shown for; the catalogue says which an item takes."""

    IDENTITY = "identity"
    PAY = "pay"
    RIDE = "ride"
    VOUCHER = "voucher"
    MEDICAL = "medical"


class CodesRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks for codes of consecutive 30 s steps: one to show now, or up to 20 for a phone that goes offline."""

    scene: SceneName
    count: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1
    relative: UUID | None = None


class ShownCode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A code to show from `show_from`, refused after `valid_until` (Unix seconds), and its 19 digits."""

    code: str
    show_from: int
    valid_until: int
    number: str | None = None


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """Codes, how often to change them, and the server's time to correct the phone's clock by (seconds)."""

    codes: list[ShownCode]
    rotate_seconds: int
    server_time: int


class CertificateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks for a certificate of the phone's key, so that it can sign codes itself while offline.

    With `scene` "ride" it bears the holder's fare class: to be used for rides, and another one for all else.
    """

    hours: Annotated[int, msgspec.Meta(ge=1, le=24)] = 24
    scene: Literal["ride"] | None = None


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate (base64url) and its end (Unix seconds): the phone appends scene, step, nonce and signature."""

    certificate: str
    expires_at: int
    server_time: int


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A signed JWT (`typ` ecard-bundle+jwt) with keys and status lists: all that an offline verifier needs."""

    bundle: str


class JwkSet(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]
