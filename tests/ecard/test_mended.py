"""Faults that strangers found, each kept out by a promise of its own."""

import time

import pytest

from ecard.cards.sandbox import FACE_FAILED, FACE_PASSED
from ecard.client import Refused
from ecard.encoding import b64url
from ecard.ids import new_id
from ecard.keys import from_jwk
from qr.model import PASSWORD_PROVEN, RELATIVE, STEP, parse
from tests.bureau import PASSWORD, Bureau


def test_no_prefetched_code_says_password_proven_beyond_its_five_minutes(bureau: Bureau) -> None:
    phone = bureau.phone()
    phone.prove(PASSWORD)
    until = time.time() + 300
    parsed = [parse(one["code"]).body for one in phone.codes(count=20)]
    assert all(
        bool(body.flags & PASSWORD_PROVEN) == (body.step * STEP < until)
        for body in parsed
        if abs(body.step * STEP - until) > 5
    )
    assert not parsed[-1].flags & PASSWORD_PROVEN


def test_prefetched_digits_die_with_the_phone_that_was_unbound(bureau: Bureau) -> None:
    phone = bureau.phone()
    digits = phone.codes(count=2)[0]["number"]
    phone.call("POST", "/v1/me/channel/leave", {"busi_seq": phone.prove(PASSWORD)})
    with pytest.raises(Refused) as refused:
        bureau.terminal().visit("A1-01", digits)
    assert refused.value.code == "device_unbound"


def test_a_stored_answer_does_not_tell_whether_a_password_is_right(bureau: Bureau) -> None:
    phone, key = bureau.phone(), new_id().hex
    phone.call("POST", "/v1/me/verifications", {"password": PASSWORD}, key=key)
    codes = []
    for n in range(7):
        with pytest.raises(Refused) as refused:
            phone.call("POST", "/v1/me/verifications", {"password": f"20837{n}"}, key=key)
        codes.append(refused.value.code)
    assert codes == ["password_wrong"] * 5 + ["password_locked"] * 2
    with pytest.raises(Refused) as locked:
        phone.call("POST", "/v1/me/verifications", {"password": PASSWORD}, key=key)
    assert locked.value.code == "password_locked"


def test_what_the_old_password_proved_is_void_after_a_change(bureau: Bureau) -> None:
    phone = bureau.phone()
    first, second = phone.prove(PASSWORD), phone.prove(PASSWORD)
    phone.call("PUT", "/v1/me/password", {"password": "802461", "busi_seq": first})
    with pytest.raises(Refused) as refused:
        phone.call("POST", "/v1/me/payment", {"busi_seq": second})
    assert refused.value.code == "busi_seq_invalid"


@pytest.mark.parametrize("first_byte", [0, 1])
def test_a_key_of_small_order_is_no_key(first_byte: int) -> None:
    for sign in (0, 0x80):
        point = bytes((first_byte,)) + bytes(30) + bytes((sign,))
        with pytest.raises(ValueError, match="small order"):
            from_jwk({"kty": "OKP", "crv": "Ed25519", "x": b64url(point)})


def test_a_relative_is_not_looked_at_before_the_password_is_proven(bureau: Bureau) -> None:
    phone, person = bureau.phone(), bureau.register()
    facts = {key: person.facts[key] for key in ("name", "id_no", "card_no")}
    asked = {**facts, "relation": "elder", "busi_seq": new_id(), "face": FACE_FAILED}
    with pytest.raises(Refused) as refused:
        phone.call("POST", "/v1/me/relatives", asked)
    assert refused.value.code == "busi_seq_invalid"


def test_a_relatives_screen_does_not_use_up_the_holders_own_digits(bureau: Bureau) -> None:
    phone, person = bureau.phone(), bureau.register()
    own = bureau.phone(person)
    facts = {key: person.facts[key] for key in ("name", "id_no", "card_no")}
    proof = phone.prove(PASSWORD)
    added = phone.call(
        "POST", "/v1/me/relatives", {**facts, "relation": "elder", "busi_seq": proof, "face": FACE_PASSED}
    ).json()
    shown = phone.codes(relative=added["id"])[0]
    assert parse(shown["code"]).body.flags & RELATIVE
    digits = own.codes()[0]["number"]
    bureau.terminal().visit("A1-01", shown["code"])
    assert bureau.terminal().visit("A1-01", digits)["holder"]["name"] == person.facts["name"]


@pytest.mark.parametrize("name", ["%00", "a" * 5000])
def test_an_impossible_file_name_is_not_found(bureau: Bureau, name: str) -> None:
    assert bureau.http.get(f"/docs/static/{name}").status_code == 404


def test_an_absurd_accept_header_gets_json(bureau: Bureau) -> None:
    answer = bureau.phone().call("POST", "/v1/me/codes", {"scene": "identity"}, accept="text/plain;q=1e999")
    assert answer.headers["content-type"] == "application/json"
