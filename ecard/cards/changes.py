"""个人基本信息变更 (A1-93, A3-25): a holder's profile is changed by a case, with a signed proof from before and after.

What was disclosed before stays what it was: assertions, tokens and certificates say what the profile said when they
were made. What is made from now on says the new.
"""

import datetime
import os
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from ecard import tokens
from ecard.audit import store as audit
from ecard.callers import Holder
from ecard.cards.errors import ProfileFieldFixed, ProfileUnchanged
from ecard.cards.model import Profile
from ecard.cards.profiles import open_profile, seal_profile
from ecard.cards.schemas import ProfileChange
from ecard.db import Db, Tx
from ecard.encoding import b64url
from ecard.errors import Invalid, NotFound
from ecard.ids import new_id
from ecard.keyring.model import Purpose
from ecard.runtime import Runtime
from ecard.tokens import TokenType
from ecard.vault import Vault

FORMAT = "ecard-profile/1"
"""What is hashed begins with it: the format, the salt, the profile's members as sorted JSON, for ever."""
SALT = "profile_change.salt"
"""The place that a change's salt is sealed for."""
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u061c\u115f\u1160\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0"
_CHANGED: Mapping[str, re.Pattern[str]] = {
    "name": re.compile(rf"[^\s{_UNSEEN}][^{_UNSEEN}]{{0,63}}"),
    "ethnicity": re.compile(r"[0-9]{2}"),
    "mobile": re.compile(r"1[0-9]{10}"),
    "address": re.compile(rf"[^\s{_UNSEEN}][^{_UNSEEN}]{{0,199}}"),
}
"""What may be changed, and its form: not the number by which a person is known, nor what belongs to a card."""
_LOCKED = "SELECT profile FROM holder WHERE id = $1 FOR UPDATE"
_UPDATE = "UPDATE holder SET profile = $2 WHERE id = $1"
_OF_CASE = "SELECT id, fields, before, after, salt, proof, at FROM profile_change WHERE case_id = $1"
_MINE = """
    SELECT p.id, p.fields, p.before, p.after, p.salt, p.proof, p.at
    FROM profile_change p JOIN card c ON c.holder = p.holder WHERE c.seq = $1 ORDER BY p.at DESC LIMIT 100
"""
_INSERT = """
    INSERT INTO profile_change (id, holder, case_id, visit, fields, before, after, salt, proof)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id, fields, before, after, salt, proof, at
"""


def check(changes: Mapping[str, str]) -> None:
    """Check what is to be changed, by the names of the profile's fields.

    Raises ProfileFieldFixed (a field that a case does not change; `allowed` lists the others), and Invalid for a value
    that its field does not take or for nothing at all.
    """
    if not changes:
        raise Invalid(pointer="/changes")
    for field, value in changes.items():
        form = _CHANGED.get(field)
        if form is None:
            raise ProfileFieldFixed(allowed=sorted(_CHANGED))
        if not form.fullmatch(value):
            raise Invalid(pointer=f"/changes/{field}")


def fingerprint(profile: Profile, salt: bytes) -> bytes:
    """Return the hash that a proof says of a profile, 32 bytes (SHA-256)."""
    members = {**msgspec.to_builtins(profile)}
    return sha256(msgspec.json.encode([FORMAT, b64url(salt), members], order="sorted")).digest()


async def change(
    tx: Tx, runtime: Runtime, holder: UUID, changes: Mapping[str, str], *, case: UUID | None, visit: UUID
) -> ProfileChange:
    """Change a holder's profile, in the transaction that decides it; once for each case.

    Raises what `check` raises, ProfileUnchanged (all of it stands there already), NotFound and NoKey.
    """
    check(changes)
    sealed = await tx.fetchval(_LOCKED, holder)
    if sealed is None:
        raise NotFound
    done = await tx.fetchrow(_OF_CASE, case)
    if done is not None:
        return _shown(runtime.vault, done)
    profile = open_profile(runtime.vault, sealed)
    changed = msgspec.structs.replace(profile, **changes)
    fields = sorted(field for field in changes if getattr(profile, field) != getattr(changed, field))
    if not fields:
        raise ProfileUnchanged
    number, salt = new_id(), os.urandom(16)
    before, after = fingerprint(profile, salt), fingerprint(changed, salt)
    await tx.execute(_UPDATE, holder, seal_profile(runtime.vault, changed))
    proof = _proof(runtime, number, fields, before, after, case, visit)
    kept = runtime.vault.seal(SALT, salt)
    row = await tx.fetchrow(_INSERT, number, holder, case, visit, fields, before, after, kept, proof)
    detail: dict[str, object] = {"change": str(number), "fields": fields, "visit": str(visit)}
    await audit.insert(tx, kind="profile_changed", outcome="ok", detail=detail)
    return _shown(runtime.vault, row)


async def mine(db: Db, vault: Vault, holder: Holder) -> list[ProfileChange]:
    """Return the changes of the holder's profile, youngest first."""
    return [_shown(vault, row) for row in await db.fetch(_MINE, holder.card)]


def _proof(
    runtime: Runtime, number: UUID, fields: list[str], before: bytes, after: bytes, case: UUID | None, visit: UUID
) -> str:
    now = runtime.clock.time()
    key = runtime.ring.signing(Purpose.ANCHOR, now)
    claims: dict[str, Any] = {
        "iss": runtime.settings.issuer,
        "iat": int(now),
        "jti": str(number),
        "fields": fields,
        "before": b64url(before),
        "after": b64url(after),
        "visit": str(visit),
    }
    if case is not None:
        claims["case"] = str(case)
    return tokens.mint(key.signer, key.kid, TokenType.PROFILE_CHANGE, claims)


def _shown(vault: Vault, row: Any) -> ProfileChange:
    at: datetime.datetime = row["at"]
    return ProfileChange(
        id=row["id"],
        fields=list(row["fields"]),
        before=b64url(row["before"]),
        after=b64url(row["after"]),
        salt=b64url(vault.open(SALT, row["salt"])),
        proof=row["proof"],
        at=int(at.timestamp()),
    )
