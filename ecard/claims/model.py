"""电子证照 (credential) with selective disclosure: its types, and its payload as an SD-JWT VC; pure.

A credential is bound to the key of one phone (`cnf`), so a copy of it is worth nothing elsewhere. Every claim is hidden
behind a digest of its own: its holder shows what was asked for and no more. It has no `sub`: two presentations of two
credentials do not tell that they are of one person, unless a claim does.
"""

import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

import msgspec

from ecard.claims.errors import ClaimTypeUnknown
from ecard.claims.status import list_url


class ClaimField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A claim of a type, and its labels."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    zh: str
    en: str


class ClaimType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A type of credential: which items issue it, for how many days, and what it says."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    vct: str
    zh: str
    en: str
    items: Annotated[list[str], msgspec.Meta(min_length=1)]
    days: Annotated[int, msgspec.Meta(ge=1, le=3660)]
    claims: Annotated[list[ClaimField], msgspec.Meta(min_length=1)]


class RequestState(StrEnum):
    """Where a terminal's request stands."""

    WAITING = "waiting"
    PRESENTED = "presented"
    EXPIRED = "expired"


@cache
def types() -> dict[str, ClaimType]:
    """Return the types by name, as types.toml has them."""
    rows = tomllib.loads((files("ecard.claims") / "types.toml").read_text(encoding="utf-8"))["type"]
    found = msgspec.convert(rows, list[ClaimType])
    return {one.name: one for one in found}


def type_of(name: str, wanted: list[str] | None = None) -> ClaimType:
    """Return a type that has the `wanted` claims; raises ClaimTypeUnknown."""
    one = types().get(name)
    if one is None or not set(wanted or []) <= {field.name for field in one.claims}:
        raise ClaimTypeUnknown
    return one


def payload(
    type_: ClaimType, *, number: str, issuer: str, jwk: dict[str, str], issued_at: int, place: tuple[int, int]
) -> dict[str, Any]:
    """Return what a credential always tells (SD-JWT VC §2.2.2.2); `place` is its list's number and its index there."""
    listed, index = place
    return {
        "iss": issuer,
        "jti": number,
        "iat": issued_at,
        "exp": issued_at + type_.days * 86400,
        "vct": type_.vct,
        "cnf": {"jwk": jwk},
        "status": {"status_list": {"idx": index, "uri": list_url(issuer, listed)}},
    }
