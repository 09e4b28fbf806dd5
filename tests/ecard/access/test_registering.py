"""Agencies, terminals, channels and operators: registered by operators of the right role, and taken out of service."""

from typing import Any

import pytest

from ecard.access.model import ChannelKind, Medium, Setting
from ecard.client.actors import new_signer
from ecard.ids import new_id
from ecard.keys import Signer, Suite, to_jwk
from ecard.settings import Settings
from tests.bureau import Bureau, new_uscc, outcomes, refused, rows


def jwk(signer: Signer) -> dict[str, str]:
    return to_jwk(signer.suite, signer.public)


def terminal(bureau: Bureau, **changed: object) -> dict[str, Any]:
    """Return the body that registers a terminal, with what is to be `changed`."""
    place = {"agency": bureau.agency, "name": "2号窗口", "setting": "counter", "region": "640100", "site": "政务大厅"}
    return {**place, "key": jwk(new_signer()), **changed}


def test_an_agency_is_registered_once(bureau: Bureau) -> None:
    uscc = new_uscc()
    bureau.registrar.register_agency("测试公积金中心", uscc)
    with refused("already_registered", 409):
        bureau.registrar.register_agency("另一名称", uscc)


def test_an_agencys_code_is_checked(bureau: Bureau) -> None:
    uscc = new_uscc()
    wrong = uscc[:-1] + ("0" if uscc[-1] != "0" else "1")
    with refused("uscc_refused", 400) as refusal:
        bureau.registrar.register_agency("测试局", wrong)
    assert refusal.value.problem["pointer"] == "/uscc"
    assert wrong not in str(refusal.value.problem)


@pytest.mark.parametrize("setting", Setting)
def test_a_terminal_of_every_setting_can_call(bureau: Bureau, setting: Setting) -> None:
    answer = bureau.terminal(setting).visit("A1-03", bureau.phone().code())
    assert answer["form"] == "electronic"


def test_a_terminal_of_an_unknown_agency_is_refused_and_its_key_stays_free(bureau: Bureau) -> None:
    body = terminal(bureau, agency=new_id())
    with refused("not_found", 404) as refusal:
        bureau.registrar.call("POST", "/v1/terminals", body)
    assert refusal.value.problem["pointer"] == "/agency"
    bureau.registrar.call("POST", "/v1/terminals", body | {"agency": bureau.agency})


def test_a_key_is_registered_once_for_whatever_actor(bureau: Bureau) -> None:
    body = terminal(bureau)
    bureau.registrar.call("POST", "/v1/terminals", body)
    with refused("already_registered", 409):
        bureau.registrar.call("POST", "/v1/terminals", body)
    channel = {"name": "测试", "kind": "bank", "medium": "app", "key": body["key"]}
    with refused("already_registered", 409):
        bureau.registrar.call("POST", "/v1/channels", channel)


def test_of_sixteen_parallel_registrations_of_one_key_one_wins(bureau: Bureau, settings: Settings) -> None:
    body = terminal(bureau, name=f"窗口{new_id().hex}")
    bureau.registrar.open()
    found = outcomes([lambda: bureau.registrar.call("POST", "/v1/terminals", body)] * 16)
    assert found == {"ok": 1, "already_registered": 15}
    assert len(rows(settings, "SELECT FROM terminal WHERE name = $1", body["name"])) == 1


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "EC", "crv": "P-384", "x": "A" * 64, "y": "A" * 64},
        {"kty": "OKP", "crv": "Ed25519", "x": "!"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "全", "y": "角"},
    ],
)
def test_a_key_of_another_kind_or_off_its_curve_is_refused(bureau: Bureau, key: dict[str, str]) -> None:
    with refused("public_key_refused", 400) as refusal:
        bureau.registrar.call("POST", "/v1/terminals", terminal(bureau, key=key))
    assert refusal.value.problem["pointer"] == "/key"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 65),
        ("name", "窗口\x00"),
        ("name", "窗口\n"),
        ("site", "\ud7ff\x7f"),
        ("region", "640100\n"),
        ("region", "64010"),
        ("region", "６４０１００"),
        ("setting", "office"),
        ("agency", "not-a-uuid"),
        ("colour", "red"),
    ],
)
def test_a_field_that_is_not_as_documented_is_named(bureau: Bureau, field: str, value: str) -> None:
    with refused("invalid_request", 400) as refusal:
        bureau.registrar.call("POST", "/v1/terminals", terminal(bureau, **{field: value}))
    assert refusal.value.problem["pointer"] == f"/{field}"


@pytest.mark.parametrize("kind", ChannelKind)
def test_a_channel_of_every_kind_issues_e_cards(bureau: Bureau, kind: ChannelKind) -> None:
    channel = bureau.registrar.register_channel("测试渠道", kind)
    phone = bureau.phone(channel=channel)
    assert phone.issued["action_type"] == "001"


@pytest.mark.parametrize("medium", Medium)
def test_a_channel_may_be_of_every_medium(bureau: Bureau, medium: Medium, settings: Settings) -> None:
    channel = bureau.registrar.register_channel("测试渠道", "social", medium=medium)
    [row] = rows(settings, "SELECT medium, tier, parent FROM channel WHERE actor = $1", channel.actor)
    assert tuple(row) == (medium, 1, None)


def test_a_second_tier_channel_stands_under_a_first_tier_one(bureau: Bureau, settings: Settings) -> None:
    second = bureau.registrar.register_channel("二级渠道", "bank", parent=bureau.channel.actor)
    [row] = rows(settings, "SELECT tier, parent FROM channel WHERE actor = $1", second.actor)
    assert tuple(row) == (2, bureau.channel.actor)
    assert bureau.phone(channel=second).issued["action_type"] == "001"
    for parent in (second.actor, bureau.terminal().actor, new_id()):
        with refused("not_found", 404) as refusal:
            bureau.registrar.register_channel("三级渠道", "bank", parent=parent)
        assert refusal.value.problem["pointer"] == "/parent"


def test_nothing_is_placed_under_a_revoked_channel(bureau: Bureau) -> None:
    parent = bureau.registrar.register_channel("停用渠道", "bank")
    bureau.security.revoke(parent.actor)
    with refused("not_found", 404):
        bureau.registrar.register_channel("二级渠道", "bank", parent=parent.actor)


def test_an_operator_may_do_what_the_role_says_and_no_more(bureau: Bureau) -> None:
    clerk = bureau.security.register_operator("测试员", "registrar")
    clerk.register_agency("新机构", new_uscc())
    with refused("wrong_role", 403) as refusal:
        clerk.register_operator("自己人", "security")
    assert refusal.value.problem["required"] == "security"


def test_an_ed25519_key_is_as_good(bureau: Bureau) -> None:
    signer = new_signer(Suite.EDDSA)
    answer = bureau.registrar.call("POST", "/v1/terminals", terminal(bureau, key=jwk(signer)))
    assert answer.status_code == 201


def test_every_registration_is_in_the_audit_log_without_a_name(bureau: Bureau, settings: Settings) -> None:
    clerk = bureau.security.register_operator("只此一名", "registrar")
    clerk.register_terminal(clerk.register_agency("只此一家", new_uscc()), "kiosk", site="只此一处")
    found = rows(
        settings,
        "SELECT kind, outcome, detail::text AS detail FROM audit_event WHERE actor = $1 ORDER BY n",
        clerk.actor,
    )
    assert [(row["kind"], row["outcome"]) for row in found] == [("agency_registered", "ok"), ("key_registered", "ok")]
    assert not any("只此" in row["detail"] for row in found)


def test_what_is_revoked_is_found_no_more(bureau: Bureau, settings: Settings) -> None:
    actor = bureau.registrar.register_terminal(bureau.agency, "till").actor
    bureau.security.revoke(actor)
    with refused("not_found", 404):
        bureau.security.revoke(actor)
    with refused("not_found", 404):
        bureau.security.revoke(new_id())
    sql = "SELECT kind, detail->>'actor' FROM audit_event WHERE actor = $1 AND kind = 'key_revoked' ORDER BY n"
    assert tuple(rows(settings, sql, bureau.security.actor)[-1]) == ("key_revoked", str(actor))


def test_a_holders_phone_is_not_revoked_by_this_door(bureau: Bureau) -> None:
    phone = bureau.phone()
    with refused("not_found", 404):
        bureau.security.revoke(phone.actor)
    phone.code()
