"""One status for both forms of the card: who may move it where, and how fast everybody knows."""

import time

import httpx
import pytest

from ecard.cards.model import Status
from ecard.client import Phone
from ecard.desk.errors import CardSuspended
from ecard.ids import new_id
from ecard.settings import Settings
from qr.offline import OfflineVerifier, trust_on_first_use
from tests.bureau import PASSWORD, Bureau, new_person, refused, rows, send, within
from tests.conftest import serving

ALLOWED = {
    "active": {"lost_temporary", "lost", "locked", "cancelled"},
    "lost_temporary": {"active", "lost", "cancelled"},
    "lost": {"active", "cancelled"},
    "locked": {"active", "cancelled"},
    "cancelled": set[str](),
}
PAIRS = [(source.value, target.value) for source in Status for target in Status]


def status_of(phone: Phone) -> str:
    return str(phone.call("GET", "/v1/me/card").json()["status"])


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_an_operator_moves_a_card_where_the_table_allows_and_nowhere_else(
    bureau: Bureau, settings: Settings, source: str, target: str
) -> None:
    card_no = bureau.register().facts["card_no"]
    if source != "active":
        bureau.cards.set_card_status(card_no, source)
    if target in ALLOWED[source]:
        bureau.cards.set_card_status(card_no, target)
    else:
        with refused("card_status_conflict", 409) as refusal:
            bureau.cards.set_card_status(card_no, target)
        assert (refusal.value.problem["current"], refusal.value.problem["wanted"]) == (source, target)
    [card] = rows(settings, "SELECT seq, status FROM card ORDER BY seq DESC LIMIT 1")
    assert card["status"] == (target if target in ALLOWED[source] else source)
    sql = "SELECT detail->>'from', detail->>'to' FROM audit_event WHERE kind = 'card_status' AND card = $1 ORDER BY n"
    moves = [tuple(row) for row in rows(settings, sql, card["seq"])]
    asked = [("active", source)] if source != "active" else []
    assert moves == asked + ([(source, target)] if target in ALLOWED[source] else [])


def test_a_card_that_nobody_has_is_not_found(bureau: Bureau) -> None:
    card_no = new_person().facts["card_no"]
    with refused("not_found", 404) as refusal:
        bureau.cards.set_card_status(card_no, "lost")
    assert refusal.value.problem["pointer"] == "/card_no"
    assert card_no not in str(refusal.value.problem)


@pytest.mark.parametrize("status", ["lost_temporary", "lost", "locked", "cancelled"])
def test_a_dead_card_is_seen_by_the_very_next_visit_and_by_issuing_within_two_seconds(
    bureau: Bureau, status: str
) -> None:
    person = bureau.register()
    phone = bureau.phone(person)
    code, number = (phone.codes()[0][form] for form in ("code", "number"))
    bureau.cards.set_card_status(person.facts["card_no"], status)
    for shown in (code, number):
        with refused("card_suspended", 409):
            bureau.terminal().visit("A1-01", shown)
    within(2, phone.code, "card_suspended")
    with refused("card_suspended", 409):
        phone.call("POST", "/v1/me/code-certificates", {"hours": 1})
    assert status_of(phone) == status


@pytest.mark.parametrize("status", ["lost_temporary", "lost", "locked"])
def test_unlocking_revives_both_forms(bureau: Bureau, status: str) -> None:
    person = bureau.register()
    phone = bureau.phone(person)
    shown = phone.code()
    bureau.cards.set_card_status(person.facts["card_no"], status)
    within(2, phone.code, "card_suspended")
    bureau.cards.set_card_status(person.facts["card_no"], "active")
    # The code shown before is alive with its card, and has not been used up by its refusals.
    bureau.terminal().visit("A1-01", shown)
    body = b'{"scene":"identity"}'
    deadline = time.monotonic() + 2
    while (answer := send(phone, "POST", "/v1/me/codes", body)).json().get("code") == "card_suspended":
        assert time.monotonic() < deadline
    assert bureau.terminal().visit("A1-02", answer.json()["codes"][0]["code"])["form"] == "electronic"


def test_the_next_bundle_has_the_loss_and_the_one_after_has_it_no_more(bureau: Bureau, settings: Settings) -> None:
    person = bureau.register()
    phone = bureau.phone(person)
    shown = phone.code()

    def offline() -> OfflineVerifier:
        # A server that has made no bundle yet makes one now, and not within its ten seconds.
        with serving(settings) as url, httpx.Client(base_url=url) as http:
            bundle = http.get("/v1/bundle").json()["bundle"]
        anchors = trust_on_first_use(bundle)
        return OfflineVerifier.load(bundle, anchors=anchors, issuer=settings.issuer, newest=0, now=time.time())

    bureau.cards.set_card_status(person.facts["card_no"], "lost")
    with pytest.raises(CardSuspended) as refusal:
        offline().verify(shown, time.time())
    assert abs(float(str(refusal.value.members["status_as_of"])) - time.time()) < 5
    bureau.cards.set_card_status(person.facts["card_no"], "active")
    verdict = offline().verify(shown, time.time())
    assert (verdict.mode, verdict.scene) == ("offline", 1)
    assert abs(verdict.status_as_of - time.time()) < 5


def test_a_holder_reports_a_loss_without_a_password_and_takes_it_back_with_it(bureau: Bureau) -> None:
    phone = bureau.phone()
    phone.report_lost()
    assert status_of(phone) == "lost_temporary"
    for busi_seq in (None, str(new_id())):
        with refused("busi_seq_invalid", 403):
            phone.call("PUT", "/v1/me/card/status", {"status": "active", "busi_seq": busi_seq})
    phone.report_found(PASSWORD)
    assert status_of(phone) == "active"


def test_a_holder_reports_from_any_of_the_channels(bureau: Bureau) -> None:
    person = bureau.register()
    elsewhere = bureau.phone(person, channel=bureau.registrar.register_channel("另一渠道", "bank"))
    phone = bureau.phone(person)
    shown = phone.code()
    elsewhere.report_lost()
    with refused("card_suspended"):
        bureau.terminal().visit("A1-01", shown)


@pytest.mark.parametrize("status", ["lost", "locked", "cancelled"])
def test_what_an_operator_did_a_holder_does_not_undo(bureau: Bureau, status: str, settings: Settings) -> None:
    person = bureau.register()
    phone = bureau.phone(person)
    busi_seq = phone.prove(PASSWORD)
    bureau.cards.set_card_status(person.facts["card_no"], status)
    with refused("card_status_conflict", 409):
        phone.call("PUT", "/v1/me/card/status", {"status": "active", "busi_seq": busi_seq})
    with refused("card_status_conflict", 409):
        phone.report_lost()
    assert status_of(phone) == status
    sql = "SELECT used_at FROM verification WHERE busi_seq = $1::text::uuid"
    assert rows(settings, sql, busi_seq)[0]["used_at"] is None


def test_a_loss_reported_twice_is_a_conflict(bureau: Bureau) -> None:
    phone = bureau.phone()
    phone.report_lost()
    with refused("card_status_conflict", 409) as refusal:
        phone.report_lost()
    assert refusal.value.problem["current"] == "lost_temporary"


@pytest.mark.parametrize("status", ["lost", "locked", "cancelled", "found"])
def test_a_holder_may_ask_for_no_other_status(bureau: Bureau, status: str) -> None:
    phone = bureau.phone()
    with refused("invalid_request", 400) as refusal:
        phone.call("PUT", "/v1/me/card/status", {"status": status})
    assert refusal.value.problem["pointer"] == "/status"
    assert status_of(phone) == "active"


def test_payment_is_not_opened_on_a_lost_card(bureau: Bureau) -> None:
    person = bureau.register()
    phone = bureau.phone(person)
    busi_seq = phone.prove(PASSWORD)
    bureau.cards.set_card_status(person.facts["card_no"], "lost")
    with refused("card_suspended", 409):
        phone.call("POST", "/v1/me/payment", {"busi_seq": busi_seq})
