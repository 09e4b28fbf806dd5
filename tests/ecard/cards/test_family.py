"""亲情账户: whose cards a holder may show, ten at most, and that every use says who showed it."""

from functools import partial

import jwt
import pytest

from ecard.cards.sandbox import FACE_DOWN, FACE_FAILED, FACE_PASSED
from ecard.client import Phone
from ecard.ids import new_id
from ecard.settings import Settings
from tests.bureau import PASSWORD, Bureau, Person, new_person, outcomes, refused, rows, within


def relative_body(person: Person, phone: Phone, relation: str = "elder", **changed: str) -> dict[str, str]:
    facts = {key: person.facts[key] for key in ("name", "id_no", "card_no")}
    return {**facts, "relation": relation, "face": FACE_PASSED, "busi_seq": phone.prove(PASSWORD), **changed}


def code_for(phone: Phone, relative: str) -> str:
    return str(phone.codes(relative=relative)[0]["code"])


class Family:
    """A principal's phone, and an elder who has an e-card of their own."""

    def __init__(self, bureau: Bureau) -> None:
        self.principal = bureau.register()
        self.phone = bureau.phone(self.principal)
        self.elder = bureau.register()
        self.elders_phone = bureau.phone(self.elder)
        self.relative = bureau.add_relative(self.phone, self.elder)

    def code(self) -> str:
        return code_for(self.phone, self.relative)


@pytest.fixture
def family(bureau: Bureau) -> Family:
    return Family(bureau)


def test_acting_shows_in_the_assertion(bureau: Bureau, family: Family) -> None:
    own = bureau.terminal().visit("A1-01", family.phone.code())
    elders = bureau.terminal().visit("A1-01", family.elders_phone.code())
    acted = bureau.terminal().visit("A1-01", family.code())
    claims = jwt.decode(acted["assertion"], options={"verify_signature": False})
    assert acted["sub"] == claims["sub"] == elders["sub"]
    assert acted["act"] == claims["act"] == {"sub": own["sub"], "relation": "elder"}
    assert acted["holder"]["name"] == claims["holder"]["name"] == family.elder.facts["name"]
    assert "act" not in own
    assert "act" not in jwt.decode(own["assertion"], options={"verify_signature": False})


def test_acting_shows_in_the_relatives_list_of_uses(bureau: Bureau, family: Family) -> None:
    bureau.terminal().visit("A1-01", family.code())
    bureau.terminal().visit("A1-02", family.elders_phone.code())
    uses = family.elders_phone.uses()
    assert [(use["item"], use["by_relative"]) for use in uses] == [("A1-02", False), ("A1-01", True)]


def test_acting_shows_in_the_audit_log(bureau: Bureau, family: Family, settings: Settings) -> None:
    visit = bureau.terminal().visit("A1-01", family.code())["visit"]
    sql = """SELECT a.card, (a.detail->>'acting_card')::int AS acting FROM audit_event a
             WHERE a.kind = 'visit' AND a.detail->>'visit' = $1"""
    [row] = rows(settings, sql, visit)
    cards = "SELECT card FROM device WHERE actor = $1"
    [elders] = rows(settings, cards, family.elders_phone.actor)
    [principals] = rows(settings, cards, family.phone.actor)
    assert (row["card"], row["acting"]) == (elders["card"], principals["card"])


def test_a_relatives_code_has_no_number(family: Family) -> None:
    assert "number" not in family.phone.codes(relative=family.relative)[0]
    assert "number" in family.phone.codes()[0]


def test_a_relatives_code_is_used_once(bureau: Bureau, family: Family) -> None:
    code = family.code()
    bureau.terminal().visit("A1-01", code)
    with refused("code_replayed", 409):
        bureau.terminal().visit("A1-01", code)


def test_relatives_are_listed_masked(family: Family) -> None:
    [listed] = family.phone.call("GET", "/v1/me/relatives").json()
    assert (listed["id"], listed["relation"]) == (family.relative, "elder")
    assert listed["name"] == "**" + family.elder.facts["name"][-1]
    assert listed.keys() == {"id", "relation", "name", "since"}


def test_a_removed_relatives_shown_code_is_dead(bureau: Bureau, family: Family) -> None:
    shown = family.code()
    assert family.phone.call("DELETE", f"/v1/me/relatives/{family.relative}").status_code == 204
    with refused("not_acting", 403):
        bureau.terminal().visit("A1-01", shown)
    with refused("not_found", 404) as refusal:
        family.code()
    assert refusal.value.problem["pointer"] == "/relative"
    with refused("not_found", 404):
        family.phone.call("DELETE", f"/v1/me/relatives/{family.relative}")
    bureau.terminal().visit("A1-01", family.elders_phone.code())


def test_the_relatives_loss_kills_what_the_principal_shows(bureau: Bureau, family: Family) -> None:
    shown = family.code()
    family.elders_phone.report_lost()
    with refused("card_suspended", 409):
        bureau.terminal().visit("A1-01", shown)
    within(2, family.code, "card_suspended")
    bureau.terminal().visit("A1-01", family.phone.code())


def test_the_principals_loss_kills_what_the_principal_shows(bureau: Bureau, family: Family) -> None:
    shown = family.code()
    bureau.cards.set_card_status(family.principal.facts["card_no"], "locked")
    with refused("card_suspended", 409):
        bureau.terminal().visit("A1-01", shown)
    within(2, family.code, "card_suspended")
    bureau.terminal().visit("A1-01", family.elders_phone.code())


def test_a_replaced_phone_of_the_principal_acts_no_more(bureau: Bureau, family: Family) -> None:
    shown = family.code()
    phone = bureau.phone(family.principal)
    with refused("device_unbound", 409):
        bureau.terminal().visit("A1-01", shown)
    assert bureau.terminal().visit("A1-01", code_for(phone, family.relative))["act"]["relation"] == "elder"


def test_a_strangers_relative_is_not_found(bureau: Bureau, family: Family) -> None:
    stranger = bureau.phone()
    with refused("not_found", 404):
        code_for(stranger, family.relative)
    with refused("not_found", 404):
        stranger.call("DELETE", f"/v1/me/relatives/{family.relative}")
    with refused("not_found", 404):
        code_for(family.elders_phone, family.relative)
    family.code()


def test_the_relatives_own_level_counts(bureau: Bureau) -> None:
    phone = bureau.phone(level=2)
    child = bureau.register()
    relative = bureau.add_relative(phone, child, "child")
    # The child has a physical card only: it was never opened as an e-card.
    with refused("level_too_low", 409):
        bureau.terminal().visit("A1-01", code_for(phone, relative))
    bureau.phone(child)
    assert bureau.terminal().visit("A1-01", code_for(phone, relative))["acr"] == "l1-knowledge"


@pytest.mark.parametrize(("relation", "quota"), [("elder", 4), ("child", 3), ("spouse", 1), ("other", 2)])
def test_of_parallel_additions_the_quota_is_kept(bureau: Bureau, settings: Settings, relation: str, quota: int) -> None:
    phone, count = bureau.phone(), 16 if relation == "elder" else quota + 3
    bodies = [relative_body(bureau.register(), phone, relation) for _ in range(count)]
    add = [partial(phone.call, "POST", "/v1/me/relatives", body) for body in bodies]
    assert outcomes(add) == {"ok": quota, "relative_quota": count - quota}
    assert len(phone.call("GET", "/v1/me/relatives").json()) == quota
    sql = "SELECT count(*) FROM verification WHERE device = $1 AND used_at IS NOT NULL"
    assert rows(settings, sql, phone.actor)[0]["count"] == quota


def test_ten_fit_and_a_removed_one_makes_room(bureau: Bureau) -> None:
    phone = bureau.phone()
    quotas = {"elder": 4, "child": 3, "spouse": 1, "other": 2}
    for relation, quota in quotas.items():
        added = [bureau.add_relative(phone, bureau.register(), relation) for _ in range(quota)]
        with refused("relative_quota", 409) as refusal:
            bureau.add_relative(phone, bureau.register(), relation)
        assert (refusal.value.problem["relation"], refusal.value.problem["quota"]) == (relation, quota)
    phone.call("DELETE", f"/v1/me/relatives/{added[0]}")
    bureau.add_relative(phone, bureau.register(), "other")
    assert len(phone.call("GET", "/v1/me/relatives").json()) == 10


def test_one_is_bound_once_and_nobody_to_oneself(bureau: Bureau, family: Family) -> None:
    for person in (family.elder, family.principal):
        with refused("relative_exists", 409):
            bureau.add_relative(family.phone, person, "other")


def test_two_may_have_each_other(bureau: Bureau, family: Family) -> None:
    relative = bureau.add_relative(family.elders_phone, family.principal, "child")
    assert bureau.terminal().visit("A1-01", code_for(family.elders_phone, relative))["act"]["relation"] == "child"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": "测试某"}, "identity_mismatch"),
        ({"card_no": "T99999999"}, "identity_mismatch"),
        ({"id_no": new_person().facts["id_no"]}, "identity_mismatch"),
        ({"face": FACE_FAILED}, "face_mismatch"),
        ({"face": FACE_DOWN}, "check_unavailable"),
        ({"busi_seq": str(new_id())}, "busi_seq_invalid"),
    ],
)
def test_a_relative_must_be_who_the_holder_says_and_the_password_proven(
    bureau: Bureau, changed: dict[str, str], code: str
) -> None:
    phone = bureau.phone()
    body = relative_body(bureau.register(), phone)
    with refused(code):
        phone.call("POST", "/v1/me/relatives", {**body, **changed})
    assert phone.call("GET", "/v1/me/relatives").json() == []
    # Nothing was used up: the same proof is good for the corrected request.
    phone.call("POST", "/v1/me/relatives", body)


def test_a_relatives_card_must_be_alive(bureau: Bureau) -> None:
    phone, lost = bureau.phone(), bureau.register()
    bureau.cards.set_card_status(lost.facts["card_no"], "lost")
    with refused("card_suspended", 409):
        bureau.add_relative(phone, lost)


def test_a_holder_whose_card_is_lost_adds_nobody(bureau: Bureau) -> None:
    person = bureau.register()
    phone = bureau.phone(person)
    body = relative_body(bureau.register(), phone)
    bureau.cards.set_card_status(person.facts["card_no"], "lost")
    with refused("card_suspended", 409):
        phone.call("POST", "/v1/me/relatives", body)


def test_guesses_at_a_relatives_card_number_are_limited(bureau: Bureau) -> None:
    phone, person = bureau.phone(), bureau.register()
    body = relative_body(person, phone, card_no="T99999999")
    for _ in range(10):
        with refused("identity_mismatch"):
            phone.call("POST", "/v1/me/relatives", body)
    with refused("too_many_requests", 429):
        phone.call("POST", "/v1/me/relatives", {**body, "card_no": person.facts["card_no"]})
