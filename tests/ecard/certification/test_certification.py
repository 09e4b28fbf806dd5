"""Entitlement is certified by a face or a clerk, once a visit, for twelve months; and paid again once it is."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.cards.sandbox import FACE_FAILED, FACE_PASSED
from ecard.catalogue.load import load
from ecard.catalogue.model import Item, Strength
from ecard.certification.errors import CaseNeeded, FaceNeeded
from ecard.certification.model import Certified, CertifiedBy, fallback, how, standings
from ecard.client import Phone, Terminal
from ecard.client.certification import certifications, certify, certify_oneself
from ecard.ids import new_id
from ecard.settings import Settings
from tests.bureau import PASSWORD, Bureau, outcomes, refused, rows
from tests.ecard.cases.office import bank

YEAR = (365 * 86400, 366 * 86400)
CERTIFY = load().get


@pytest.fixture(scope="module")
def outlet(bureau: Bureau) -> Terminal:
    """The counter of a bank that may certify (A3-17, A3-18, A3-19)."""
    return bank(bureau, "A3-17").counter


def visited(bureau: Bureau, phone: Phone, item: str, setting: str = "counter", at: Terminal | None = None) -> str:
    """Return a visit of an item at a terminal, by a code whose password was just proven."""
    phone.prove(PASSWORD)
    return str((at or bureau.terminal(setting)).visit(item, phone.code())["visit"])


@pytest.mark.parametrize("item", ["A1-35", "A1-56"])
def test_the_face_on_the_phone_certifies_for_a_year(bureau: Bureau, item: str) -> None:
    phone = bureau.phone()
    assert certifications(phone) == {"standing": [], "history": []}
    made = certify_oneself(phone, phone.do(item, face=FACE_PASSED))
    assert made["how"] == "face"
    assert YEAR[0] <= made["valid_until"] - made["certified_at"] <= YEAR[1]
    found = certifications(phone)
    assert [(one["item"], one["state"]) for one in found["standing"]] == [(item, "valid")]
    assert [one["id"] for one in found["history"]] == [made["id"]]


def test_a_password_alone_is_no_proof_of_life_on_the_phone(bureau: Bureau) -> None:
    phone = bureau.phone()
    visit = phone.do("A1-35", busi_seq=phone.prove(PASSWORD))
    with refused("certification_face_needed", 422):
        certify_oneself(phone, visit)
    assert certifications(phone)["history"] == []


def test_a_clerk_at_a_counter_sees_the_holder_and_a_kiosk_wants_the_face(bureau: Bureau) -> None:
    phone = bureau.phone()
    assert certify(bureau.terminal(), visited(bureau, phone, "A1-35"))["how"] == "counter"
    visit = visited(bureau, phone, "A1-35", "kiosk")
    kiosk = bureau.terminal("kiosk")
    for place in (kiosk, bureau.terminal()):  # the clerk saw nobody who was at the kiosk
        with refused("certification_face_needed"):
            certify(place, visit)
    with refused("certification_face_mismatch"):
        certify(kiosk, visit, face=FACE_FAILED)
    assert certify(kiosk, visit, face=FACE_PASSED)["how"] == "face"


def test_a_banks_counter_compares_faces_and_a_mismatch_names_the_way_by_documents(
    bureau: Bureau, outlet: Terminal
) -> None:
    phone, counter = bureau.phone(), outlet
    visit = visited(bureau, phone, "A3-18", at=outlet)
    with refused("certification_face_needed"):
        certify(counter, visit)
    with refused("certification_face_mismatch", 422) as refusal:
        certify(counter, visit, face=FACE_FAILED)
    assert refusal.value.problem["fallback"] == "A3-19"
    assert certify(counter, visit, face=FACE_PASSED)["how"] == "face"
    ungranted = visited(bureau, phone, "A3-18")
    with refused("case_not_delegated", 403):
        certify(bureau.terminal(), ungranted, face=FACE_PASSED)


@pytest.mark.parametrize("item", ["A3-17", "A3-19"])
def test_what_is_reviewed_by_documents_is_certified_by_its_case_alone(
    bureau: Bureau, outlet: Terminal, item: str
) -> None:
    visit = visited(bureau, bureau.phone(), item, at=outlet)
    for face in (None, FACE_PASSED):
        with refused("certification_by_case", 422):
            certify(outlet, visit, face=face)


def test_faces_cannot_be_tried_without_end(bureau: Bureau, outlet: Terminal) -> None:
    visit = visited(bureau, bureau.phone(), "A3-18", at=outlet)
    for _ in range(5):
        with refused("certification_face_mismatch"):
            certify(outlet, visit, face=FACE_FAILED)
    with refused("too_many_requests", 429):
        certify(outlet, visit, face=FACE_PASSED)


def test_a_relative_who_came_instead_certifies_nobody_without_the_holders_face(
    bureau: Bureau, outlet: Terminal
) -> None:
    phone, elder = bureau.phone(), bureau.register()
    bureau.phone(elder)
    relative = bureau.add_relative(phone, elder)
    phone.prove(PASSWORD)
    [shown] = phone.codes(relative=relative)
    counter = outlet
    visit = str(counter.visit("A3-18", shown["code"])["visit"])
    with refused("certification_face_needed"):
        certify(counter, visit)
    assert certify(counter, visit, face=FACE_PASSED)["how"] == "face"


def test_one_visit_certifies_once_however_many_ask_at_once(bureau: Bureau) -> None:
    phone, counter = bureau.phone(), bureau.terminal()
    visit = visited(bureau, phone, "A1-35")
    found = outcomes([lambda: certify(counter, visit)] * 12)
    assert found == {"ok": 1, "certification_done": 11}
    assert len(certifications(phone)["history"]) == 1


def test_a_retry_gets_the_same_certification(bureau: Bureau, outlet: Terminal) -> None:
    counter, key = outlet, new_id().hex
    visit = visited(bureau, bureau.phone(), "A3-18", at=outlet)
    assert len({certify(counter, visit, face=FACE_PASSED, key=key)["id"] for _ in range(3)}) == 1


def test_a_visit_of_another_agency_phone_or_flow_certifies_nobody(bureau: Bureau) -> None:
    phone = bureau.phone()
    with refused("visit_unknown", 404):
        certify(bureau.counter_of_another_agency(), visited(bureau, phone, "A1-35"))
    with refused("visit_unknown", 404):
        certify_oneself(bureau.phone(), phone.do("A1-35", face=FACE_PASSED))
    with refused("wrong_flow", 422):
        certify(bureau.terminal(), visited(bureau, phone, "A1-01"))
    with refused("wrong_flow", 422):
        certify_oneself(phone, phone.do("A1-03"))


def test_a_disputed_use_certifies_nobody_any_more(bureau: Bureau) -> None:
    phone = bureau.phone()
    visit = visited(bureau, phone, "A1-35")
    certify(bureau.terminal(), visit)
    phone.call("POST", f"/v1/me/uses/{visit}/dispute")
    found = certifications(phone)
    assert (found["standing"], found["history"][0]["disputed"]) == ([], True)
    with refused("visit_over", 409):
        certify(bureau.terminal(), visit)


def test_twelve_months_after_the_last_one_it_has_lapsed(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    for _ in range(2):
        certify_oneself(phone, phone.do("A1-56", face=FACE_PASSED))
    age = """
        UPDATE certification SET at = at - interval '1 year', valid_until = valid_until - interval '1 year'
        WHERE id = $1
    """
    for one in certifications(phone)["history"]:
        rows(settings, age, one["id"])
    assert [one["state"] for one in certifications(phone)["standing"]] == ["lapsed"]
    certify_oneself(phone, phone.do("A1-56", face=FACE_PASSED))
    assert [one["state"] for one in certifications(phone)["standing"]] == ["valid"]


def test_the_way_by_documents_is_that_of_the_same_group() -> None:
    catalogue = load()
    assert {code: fallback(catalogue, catalogue.get(code)) for code in ("A1-35", "A3-18")} == {
        "A1-35": None,
        "A3-18": "A3-19",
    }


@given(
    item=st.sampled_from(["A1-35", "A1-56", "A3-17", "A3-18", "A3-19"]).map(CERTIFY),
    setting=st.sampled_from(["counter", "kiosk", "gate", "till", "online"]),
    strength=st.sampled_from(Strength),
    by_relative=st.booleans(),
    face_passed=st.booleans(),
)
def test_nobody_is_certified_whom_neither_a_face_nor_a_clerk_nor_a_case_has_seen(
    *, item: Item, setting: str, strength: Strength, by_relative: bool, face_passed: bool
) -> None:
    code = item.code
    try:
        found = how(item, setting=setting, strength=strength, by_relative=by_relative, face_passed=face_passed)
    except CaseNeeded:
        assert code in {"A3-17", "A3-19"}
    except FaceNeeded:
        assert not face_passed
        assert setting != "counter" or by_relative or code == "A3-18"
    else:
        own_face = strength is Strength.BIOMETRIC and not by_relative
        assert found is not CertifiedBy.CASE
        assert (found is CertifiedBy.FACE) == (face_passed or own_face)


_TIMES = st.datetimes(datetime.datetime(2024, 1, 1), datetime.datetime(2030, 1, 1), timezones=st.just(datetime.UTC))  # noqa: DTZ001


@given(st.lists(st.builds(Certified, st.sampled_from(["A1-35", "A3-18"]), _TIMES, st.booleans())), _TIMES)
def test_an_item_is_valid_while_one_of_its_undisputed_certifications_is(
    history: list[Certified], now: datetime.datetime
) -> None:
    found = {one.item: one.state == "valid" for one in standings(history, now)}
    assert found.keys() == {one.item for one in history if not one.disputed}
    for item, valid in found.items():
        assert valid == any(one.item == item and not one.disputed and now < one.valid_until for one in history)
