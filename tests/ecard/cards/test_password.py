"""The e-card password: one for all channels, locked by guessing, proven once for each step."""

from functools import partial
from hashlib import sha256

import pytest

from ecard.cards.sandbox import FACE_DOWN, FACE_FAILED, FACE_PASSED
from ecard.client import Phone
from ecard.ids import new_id
from ecard.settings import Settings
from tests.bureau import PASSWORD, Bureau, outcomes, refused, rows, send, visit_body

WRONG = "271828"
NEW = "314159"
TRIES = "SELECT password_tries FROM card c JOIN device d ON d.card = c.seq WHERE d.actor = $1"


def guess(phone: Phone, password: str) -> None:
    """Try a password, and keep what is given for it to oneself."""
    phone.call("POST", "/v1/me/verifications", {"password": password})


def lock(phone: Phone) -> None:
    for _ in range(5):
        with refused("password_wrong", 403):
            guess(phone, WRONG)
    with refused("password_locked", 403):
        guess(phone, WRONG)


def set_password(phone: Phone, password: str, **why: str) -> int:
    return phone.call("PUT", "/v1/me/password", {"password": password, **why}).status_code


def test_the_sixth_wrong_password_locks_for_a_day(bureau: Bureau) -> None:
    phone = bureau.phone()
    for left in (5, 4, 3, 2, 1):
        with refused("password_wrong", 403) as refusal:
            guess(phone, WRONG)
        assert refusal.value.problem["tries_left"] == left
    with refused("password_locked", 403) as refusal:
        guess(phone, WRONG)
    assert refusal.value.headers["retry-after"] == "86400"
    with refused("password_locked", 403) as refusal:
        guess(phone, PASSWORD)
    assert 86300 < int(refusal.value.headers["retry-after"]) <= 86400


def test_a_locked_password_is_locked_in_every_channel(bureau: Bureau) -> None:
    person = bureau.register()
    elsewhere = bureau.phone(person, channel=bureau.registrar.register_channel("另一渠道", "bank"))
    lock(bureau.phone(person))
    with refused("password_locked", 403):
        guess(elsewhere, PASSWORD)
    with refused("password_locked", 403):
        bureau.phone(person, channel=bureau.registrar.register_channel("第三渠道", "bank"))


def test_a_right_password_forgives_the_wrong_ones_before_it(bureau: Bureau) -> None:
    phone = bureau.phone()
    for _ in range(2):
        for _ in range(5):
            with refused("password_wrong"):
                guess(phone, WRONG)
        guess(phone, PASSWORD)


def test_the_right_one_at_the_sixth_try_still_counts(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    for _ in range(5):
        with refused("password_wrong"):
            guess(phone, WRONG)
    guess(phone, PASSWORD)
    assert rows(settings, TRIES, phone.actor)[0]["password_tries"] == 0


def test_of_thirty_two_parallel_wrong_guesses_exactly_six_are_looked_at(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    phone.open()
    found = outcomes([lambda: guess(phone, WRONG)] * 32)
    assert found == {"password_wrong": 5, "password_locked": 27}
    assert rows(settings, TRIES, phone.actor)[0]["password_tries"] == 6
    sql = """SELECT detail->>'tries' AS tries FROM audit_event a JOIN device d ON d.card = a.card
             WHERE d.actor = $1 AND kind = 'password' AND outcome = 'password_wrong'"""
    assert sorted(row["tries"] for row in rows(settings, sql, phone.actor)) == ["1", "2", "3", "4", "5", "6"]
    with refused("password_locked"):
        guess(phone, PASSWORD)


def test_a_lock_ends_after_its_day_and_counting_starts_again(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    lock(phone)
    passed = """UPDATE card SET password_locked_until = now() - interval '1 second',
                password_tries_since = now() - interval '20 hours'
                WHERE seq = (SELECT card FROM device WHERE actor = $1)"""
    rows(settings, passed, phone.actor)
    with refused("password_wrong") as refusal:
        guess(phone, WRONG)
    assert refusal.value.problem["tries_left"] == 5
    guess(phone, PASSWORD)


def test_wrong_ones_older_than_a_day_do_not_count(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    for _ in range(5):
        with refused("password_wrong"):
            guess(phone, WRONG)
    older = """UPDATE card SET password_tries_since = now() - interval '24 hours 1 second'
               WHERE seq = (SELECT card FROM device WHERE actor = $1)"""
    rows(settings, older, phone.actor)
    with refused("password_wrong") as refusal:
        guess(phone, WRONG)
    assert refusal.value.problem["tries_left"] == 5


def test_a_face_check_resets_and_unlocks(bureau: Bureau) -> None:
    phone = bureau.phone()
    lock(phone)
    with refused("face_mismatch", 422):
        set_password(phone, NEW, face=FACE_FAILED)
    with refused("check_unavailable", 503):
        set_password(phone, NEW, face=FACE_DOWN)
    with refused("password_locked"):
        guess(phone, NEW)
    assert set_password(phone, NEW, face=FACE_PASSED) == 204
    with refused("password_wrong") as refusal:
        guess(phone, PASSWORD)
    assert refusal.value.problem["tries_left"] == 5
    guess(phone, NEW)


def test_a_change_takes_effect_in_every_channel(bureau: Bureau) -> None:
    person = bureau.register()
    elsewhere = bureau.phone(person, channel=bureau.registrar.register_channel("另一渠道", "bank"))
    phone = bureau.phone(person)
    assert set_password(phone, NEW, busi_seq=phone.prove(PASSWORD)) == 204
    with refused("password_wrong"):
        guess(elsewhere, PASSWORD)
    guess(elsewhere, NEW)
    with refused("password_wrong"):
        bureau.phone(person)


def test_without_the_old_password_or_a_face_nothing_changes(bureau: Bureau) -> None:
    phone = bureau.phone()
    with refused("face_required", 400):
        set_password(phone, NEW)
    with refused("busi_seq_invalid", 403):
        set_password(phone, NEW, busi_seq=str(new_id()))
    # A face beside it does not make a wrong proof right.
    with refused("busi_seq_invalid", 403):
        set_password(phone, NEW, busi_seq=str(new_id()), face=FACE_PASSED)
    guess(phone, PASSWORD)


SIMPLE = ["000000", "111111", "123456", "654321", "012345", "987654"]
NOT_DIGITS = ["19374a", "１９３７４６", "١٩٣٧٤٦", " 93746", "-93746", "1937.6"]


@pytest.mark.parametrize("password", [*SIMPLE, *NOT_DIGITS])
def test_a_password_that_is_too_simple_or_no_six_digits_is_never_set(bureau: Bureau, password: str) -> None:
    person = bureau.register()
    with refused("password_not_allowed", 400) as refusal:
        bureau.phone(person, password=password)
    assert password not in str(refusal.value.problem)
    phone = bureau.phone(person)
    busi_seq = phone.prove(PASSWORD)
    with refused("password_not_allowed", 400):
        set_password(phone, password, busi_seq=busi_seq)
    # The refusal did not use the proof up.
    assert set_password(phone, NEW, busi_seq=busi_seq) == 204


@pytest.mark.parametrize("password", ["", "19374", "1937466"])
def test_a_password_of_another_length_is_no_valid_request(bureau: Bureau, password: str) -> None:
    with refused("invalid_request", 400) as refusal:
        guess(bureau.phone(), password)
    assert refusal.value.problem["pointer"] == "/password"


def test_a_proof_of_the_password_is_good_for_one_step(bureau: Bureau) -> None:
    phone = bureau.phone()
    busi_seq = phone.prove(PASSWORD)
    phone.call("POST", "/v1/me/payment", {"busi_seq": busi_seq})
    with refused("busi_seq_invalid", 403):
        set_password(phone, NEW, busi_seq=busi_seq)


def test_of_thirty_two_parallel_uses_of_one_proof_one_wins(bureau: Bureau) -> None:
    phone = bureau.phone()
    busi_seq = phone.prove(PASSWORD)
    found = outcomes([lambda: phone.call("POST", "/v1/me/payment", {"busi_seq": busi_seq})] * 32)
    assert found == {"ok": 1, "busi_seq_invalid": 31}


def test_a_proof_is_of_no_use_on_another_phone_of_the_same_card(bureau: Bureau) -> None:
    person = bureau.register()
    elsewhere = bureau.phone(person, channel=bureau.registrar.register_channel("另一渠道", "bank"))
    phone = bureau.phone(person)
    busi_seq = phone.prove(PASSWORD)
    with refused("busi_seq_invalid", 403):
        elsewhere.call("POST", "/v1/me/payment", {"busi_seq": busi_seq})
    phone.call("POST", "/v1/me/payment", {"busi_seq": busi_seq})


def test_a_proof_lasts_five_minutes(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    for age, code in ((299, None), (301, "busi_seq_invalid")):
        busi_seq = phone.prove(PASSWORD)
        older = "UPDATE verification SET at = at - make_interval(secs => $1) WHERE busi_seq = $2::text::uuid"
        rows(settings, older, age, busi_seq)
        found = outcomes([partial(phone.call, "POST", "/v1/me/payment", {"busi_seq": busi_seq})])
        assert found == {code or "ok": 1}


def test_a_code_says_that_the_password_was_proven_only_after_it_was(bureau: Bureau) -> None:
    phone = bureau.phone()
    with refused("evidence_too_weak", 422) as refusal:
        bureau.terminal().visit("A1-22", phone.code())
    assert refusal.value.problem["required"] == "knowledge"
    phone.prove(PASSWORD)
    answer = bureau.terminal().visit("A1-22", phone.code())
    assert (answer["acr"], answer["amr"]) == ("l1-knowledge", ["pop", "pin"])


def test_a_proof_on_one_phone_says_nothing_for_another(bureau: Bureau) -> None:
    person = bureau.register()
    elsewhere = bureau.phone(person, channel=bureau.registrar.register_channel("另一渠道", "bank"))
    bureau.phone(person).prove(PASSWORD)
    answer = send(bureau.terminal(), "POST", "/v1/visits", visit_body("A1-22", elsewhere.code()), key=new_id().hex)
    assert answer.json()["code"] == "evidence_too_weak"


def test_a_retried_proof_is_the_same_proof(bureau: Bureau) -> None:
    phone = bureau.phone()
    first, second = (
        phone.call("POST", "/v1/me/verifications", {"password": PASSWORD}, key="one-proof") for _ in range(2)
    )
    assert first.json()["action_type"] == "009"
    assert first.content == second.content
    assert second.headers["idempotency-replayed"] == "true"


def test_the_database_alone_does_not_betray_the_password(bureau: Bureau, settings: Settings) -> None:
    """Six digits are soon guessed from any digest that has no secret in it, wherever it is kept."""
    phone = bureau.phone()
    phone.prove(PASSWORD)
    [kept] = rows(settings, "SELECT body_mac, response FROM idempotency WHERE actor = $1", phone.actor)
    # Six digits are soon guessed from any digest that has no secret in it, wherever it is kept.
    guesses = {sha256(b'{"password":"%06d"}' % n).digest() for n in range(193700, 193800)}
    assert kept["body_mac"] not in guesses
    assert PASSWORD.encode() not in kept["response"]


def test_a_set_password_is_in_the_audit_log_by_its_way_only(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    set_password(phone, NEW, busi_seq=phone.prove(PASSWORD))
    set_password(phone, PASSWORD, face=FACE_PASSED)
    sql = "SELECT detail::text AS detail FROM audit_event WHERE actor = $1 AND kind = 'password_set' ORDER BY n"
    assert [row["detail"] for row in rows(settings, sql, phone.actor)] == ['{"by": "password"}', '{"by": "face"}']
