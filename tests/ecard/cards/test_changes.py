"""Personal data is changed with a proof from before and after; what was said before stays what it was."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import jwt
import msgspec
import pytest

from ecard.cards.changes import change, fingerprint
from ecard.cards.errors import ProfileFieldFixed, ProfileUnchanged
from ecard.cards.profiles import open_profile
from ecard.client import Phone
from ecard.db import begin
from ecard.encoding import b64url, unb64url
from ecard.errors import Invalid
from ecard.ids import new_id
from ecard.runtime import open_runtime
from ecard.settings import Settings
from ecard.tokens import PublicKey, TokenType, verified
from qr.offline import anchors_of
from tests.bureau import Bureau, rows

HOLDER = """
    SELECT h.id, h.profile FROM device d JOIN card c ON c.seq = d.card JOIN holder h ON h.id = c.holder
    WHERE d.actor = $1
"""


def changed(settings: Settings, phone: Phone, changes: Mapping[str, str], *, case: UUID | None = None) -> Any:
    """Return what a case's effect makes of a change, in a transaction of its own."""
    visit = UUID(phone.do("A1-03"))
    [row] = rows(settings, HOLDER, phone.actor)

    async def work() -> Any:
        runtime = await open_runtime(settings, pool_size=1)
        try:
            async with begin(runtime.pool) as tx:
                return await change(tx, runtime, row["id"], changes, case=case, visit=visit)
        finally:
            await runtime.close()

    return asyncio.run(work())


def profile_of(settings: Settings, phone: Phone) -> Any:
    async def work() -> Any:
        runtime = await open_runtime(settings, pool_size=1)
        try:
            return open_profile(runtime.vault, (await runtime.pool.fetchrow(HOLDER, phone.actor))["profile"])
        finally:
            await runtime.close()

    return asyncio.run(work())


def anchors(bureau: Bureau) -> dict[str, PublicKey]:
    bundle = bureau.http.get("/v1/bundle").json()["bundle"]
    return anchors_of(jwt.decode(bundle, options={"verify_signature": False}))


def test_a_change_is_proven_from_before_and_after_and_only_what_comes_next_says_the_new(
    bureau: Bureau, settings: Settings
) -> None:
    phone, counter = bureau.phone(), bureau.terminal()
    before = profile_of(settings, phone)
    old = counter.visit("A1-05", phone.code())
    made = changed(settings, phone, {"mobile": "13911112222", "name": before.name}, case=new_id())
    after = profile_of(settings, phone)
    assert (made.fields, after.mobile) == (["mobile"], "13911112222")
    claims = verified(made.proof, anchors(bureau), types=(TokenType.PROFILE_CHANGE,))
    salt = unb64url(made.salt)
    assert claims["before"] == b64url(fingerprint(before, salt)) == made.before
    assert claims["after"] == b64url(fingerprint(after, salt)) == made.after
    assert claims["jti"] == str(made.id)
    assert counter.introspect(old["assertion"])["claims"]["holder"]["mobile"] == before.mobile
    assert counter.visit("A1-05", phone.code())["holder"]["mobile"] == "13911112222"
    assert phone.call("GET", "/v1/me/profile-changes").json() == [msgspec.to_builtins(made)]


def test_one_case_changes_once(bureau: Bureau, settings: Settings) -> None:
    phone, case = bureau.phone(), new_id()
    first = changed(settings, phone, {"address": "测试路1号"}, case=case)
    assert changed(settings, phone, {"address": "测试路2号"}, case=case) == first
    assert profile_of(settings, phone).address == "测试路1号"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"id_no": "119900195001011015"}, ProfileFieldFixed),
        ({"bank_account": "6299990000000000004"}, ProfileFieldFixed),
        ({"mobile": "2391111222"}, Invalid),
        ({"name": "测\u202e试"}, Invalid),
        ({"address": "一行\n两行"}, Invalid),
        ({}, Invalid),
        ({"mobile": "13900000000"}, ProfileUnchanged),
    ],
)
def test_what_a_case_does_not_change_is_refused_and_nothing_is(
    bureau: Bureau, settings: Settings, changes: dict[str, str], error: type[Exception]
) -> None:
    phone = bureau.phone()
    before = profile_of(settings, phone)
    with pytest.raises(error):
        changed(settings, phone, changes)
    assert profile_of(settings, phone) == before
    assert phone.call("GET", "/v1/me/profile-changes").json() == []
