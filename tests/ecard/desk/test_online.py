"""A visit on the holder's own phone, which every flow goes on from as from one at a counter."""

import pytest

from ecard.cards.sandbox import FACE_PASSED
from ecard.ids import new_id
from tests.bureau import PASSWORD, Bureau, outcomes, refused


def test_an_item_done_on_the_phone_is_in_the_list_of_uses(bureau: Bureau) -> None:
    phone = bureau.phone()
    visit = phone.do("A1-03")
    [use] = phone.uses()
    assert (use["id"], use["item"], use["evidence"], use["setting"], use["form"]) == (
        visit,
        "A1-03",
        "online",
        "online",
        "electronic",
    )
    assert use["agency"]


def test_a_retry_is_one_visit_and_another_item_under_its_key_is_refused(bureau: Bureau) -> None:
    phone, key = bureau.phone(), new_id().hex
    assert len({phone.do("A1-03", key=key) for _ in range(3)}) == 1
    assert len(phone.uses()) == 1
    with refused("idempotency_key_reused"):
        phone.do("A1-10", key=key)


def test_many_at_once_under_one_key_are_one_visit(bureau: Bureau) -> None:
    phone, key = bureau.phone(), new_id().hex
    phone.open()
    assert outcomes([lambda: phone.do("A1-03", key=key)] * 8).keys() <= {"ok", "idempotency_in_flight"}
    assert len(phone.uses()) == 1


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("A1-36", "form_not_accepted"),
        ("A1-01", "wrong_place"),
        ("A9-99", "item_unknown"),
        ("A1-22", "evidence_too_weak"),
    ],
)
def test_what_the_catalogue_does_not_let_a_phone_do_is_refused_and_no_use(bureau: Bureau, item: str, code: str) -> None:
    phone = bureau.phone()
    with refused(code):
        phone.do(item)
    assert phone.uses() == []


def test_a_proven_password_or_face_is_strength_enough_and_a_proof_is_spent_once(bureau: Bureau) -> None:
    phone = bureau.phone()
    proof = phone.call("POST", "/v1/me/verifications", {"password": PASSWORD}).json()["busi_seq"]
    assert phone.do("A1-22", busi_seq=proof)
    with refused("busi_seq_invalid"):
        phone.do("A1-22", busi_seq=proof)
    assert phone.do("A1-35", face=FACE_PASSED)
    with refused("face_mismatch"):
        phone.do("A1-35", face="somebody else's")


def test_a_lost_card_does_nothing_on_the_phone(bureau: Bureau) -> None:
    phone = bureau.phone()
    phone.report_lost()
    with refused("card_suspended"):
        phone.do("A1-03")
