"""Codes over the API: shown, pre-fetched and drawn, and the 19 digits beside them."""

import io
import re
import time
from functools import partial

import pytest
from PIL import Image

from ecard.catalogue.load import load
from ecard.catalogue.model import Form
from ecard.client import Phone
from ecard.ids import new_id
from ecard.numbers import luhn
from ecard.settings import Settings
from qr import base45
from tests.bureau import PASSWORD, Bureau, code_of_step, outcomes, refused, rows, send
from tests.qr.test_render import decoded, rasterised


def draw(phone: Phone, accept: str, count: int = 1) -> tuple[str, bytes]:
    """Return what is drawn for `accept`: its media type and the document."""
    body = {"scene": "identity", "count": count}
    answer = phone.call("POST", "/v1/me/codes", body, accept=accept)
    return answer.headers["content-type"].partition(";")[0], answer.content


def test_a_code_is_of_this_step_and_valid_for_sixty_seconds(bureau: Bureau) -> None:
    answer = bureau.phone().call("POST", "/v1/me/codes", {"scene": "identity"}).json()
    [shown] = answer["codes"]
    assert shown["show_from"] == answer["server_time"] // 30 * 30
    assert shown["valid_until"] - shown["show_from"] == 60
    assert answer["rotate_seconds"] == 30
    assert abs(answer["server_time"] - time.time()) < 3


def test_a_code_is_small_and_shows_nothing_of_the_holder(bureau: Bureau, settings: Settings) -> None:
    person = bureau.register()
    phone = bureau.phone(person)
    code = phone.code()
    raw = base45.decode(code.removeprefix("EC1:"))
    assert len(raw) == 93
    [device] = rows(settings, "SELECT card, seq, actor FROM device WHERE actor = $1", phone.actor)
    for fact in (person.facts["name"], person.facts["id_no"], person.facts["card_no"], person.facts["mobile"]):
        assert fact.encode() not in raw
        assert fact not in code
    for number in (device["actor"].bytes, device["card"].to_bytes(4) + device["seq"].to_bytes(4)):
        assert number not in raw


def test_two_codes_of_one_card_have_nothing_in_common_that_another_card_has_not(bureau: Bureau) -> None:
    phone = bureau.phone()
    one, two = (base45.decode(phone.code()[4:]) for _ in range(2))
    assert one[13:29] != two[13:29]
    assert not set(zip(one[13:29:2], one[14:29:2], strict=False)) & set(zip(two[13:29:2], two[14:29:2], strict=False))


def test_twenty_codes_are_fetched_ahead_for_consecutive_steps(bureau: Bureau) -> None:
    codes = bureau.phone().codes(count=20)
    assert [code["show_from"] - codes[0]["show_from"] for code in codes] == list(range(0, 600, 30))
    assert len({code["code"] for code in codes}) == len({code["number"] for code in codes}) == 20


def test_every_fetched_code_is_good_in_its_time(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    now, following = phone.codes(count=2)
    bureau.terminal().visit("A1-01", now["code"])
    bureau.terminal().visit("A1-01", following["code"])
    bureau.terminal().visit("A1-01", code_of_step(settings, phone, -1).code)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"scene": "identity", "count": 0}, "/count"),
        ({"scene": "identity", "count": 21}, "/count"),
        ({"scene": "identity", "count": "2"}, "/count"),
        ({"scene": "identity", "count": 1.5}, "/count"),
        ({"scene": "bank"}, "/scene"),
        ({"scene": 1}, "/scene"),
        ({}, "/scene"),
        ({"scene": "identity", "relative": "me"}, "/relative"),
        ({"scene": "identity", "card": 1}, "/card"),
    ],
)
def test_a_request_for_codes_that_is_not_as_documented_is_refused(
    bureau: Bureau, body: dict[str, object], pointer: str
) -> None:
    with refused("invalid_request", 400) as refusal:
        bureau.phone().call("POST", "/v1/me/codes", body)
    assert refusal.value.problem["pointer"] == pointer


@pytest.mark.parametrize("scene", ["identity", "pay", "ride", "voucher", "medical"])
def test_a_code_is_for_its_scene(bureau: Bureau, scene: str) -> None:
    items = {item.scene.name.lower(): item.code for item in load().items if item.permits(Form.ELECTRONIC)}
    assert items.keys() == {"identity", "pay", "ride", "voucher", "medical"}
    phone = bureau.phone(level=2)
    for other, item in items.items():
        found = outcomes([partial(bureau.terminal().visit, item, phone.code(scene))])
        assert (other, found) == (other, {"ok" if other == scene else "wrong_scene": 1})


@pytest.mark.parametrize(
    "accept", ["text/plain", "text/plain; charset=utf-8", "text/plain;q=0.9, application/json;q=0.1"]
)
def test_as_text_a_code_is_its_text(bureau: Bureau, accept: str) -> None:
    media_type, text = draw(bureau.phone(), accept)
    assert media_type == "text/plain"
    assert bureau.terminal().visit("A1-01", text.decode())["form"] == "electronic"


def test_as_png_a_code_is_read_back_by_a_decoder(bureau: Bureau) -> None:
    media_type, image = draw(bureau.phone(), "image/png")
    assert media_type == "image/png"
    with Image.open(io.BytesIO(image)) as picture:
        text, correction, version = decoded(picture)
        assert picture.width == (41 + 8) * 8  # with its quiet zone, 8 pixels a module
    assert (correction, version) == ("M", "6")
    assert bureau.terminal().visit("A1-01", text)["form"] == "electronic"


def test_as_svg_a_code_is_a_document_that_a_decoder_reads_when_drawn(bureau: Bureau) -> None:
    media_type, document = draw(bureau.phone(), "image/svg+xml")
    assert media_type == "image/svg+xml"
    text, correction, version = decoded(rasterised(document))
    assert (correction, version) == ("M", "6")
    assert bureau.terminal().visit("A1-01", text)["form"] == "electronic"


@pytest.mark.parametrize("accept", ["application/json", "*/*", "", "application/*", "text/html", "x", ";;,/", "image/"])
def test_whatever_else_is_accepted_the_answer_is_json(bureau: Bureau, accept: str) -> None:
    media_type, _ = draw(bureau.phone(), accept, count=2)
    assert media_type == "application/json"


@pytest.mark.parametrize("accept", ["text/plain", "image/svg+xml", "image/png", "image/png;q=0.5"])
def test_several_codes_are_no_picture(bureau: Bureau, accept: str) -> None:
    with refused("one_code_only", 406):
        draw(bureau.phone(), accept, count=2)


def test_a_number_is_nineteen_digits_with_a_check_digit_and_no_payment_apps_prefix(bureau: Bureau) -> None:
    for code in bureau.phone().codes(count=20):
        assert re.fullmatch("9[0-9]{18}", code["number"])
        assert luhn.is_valid(code["number"])
        assert int(code["number"][:2]) not in {*range(10, 16), *range(25, 31), 62}


def test_a_number_is_good_once_and_proves_what_it_can(bureau: Bureau) -> None:
    number = bureau.phone(level=2).codes()[0]["number"]
    answer = bureau.terminal().visit("A1-01", number)
    assert (answer["acr"], answer["amr"]) == ("l2-possession", ["otp"])
    with refused("code_replayed", 409):
        bureau.terminal("kiosk").visit("A1-01", number)


def test_code_and_number_of_one_screen_are_one_use(bureau: Bureau) -> None:
    for first, second in (("code", "number"), ("number", "code")):
        shown = bureau.phone().codes()[0]
        bureau.terminal().visit("A1-01", shown[first])
        with refused("code_replayed", 409):
            bureau.terminal().visit("A1-01", shown[second])


def test_code_and_number_of_one_screen_at_once_are_one_use(bureau: Bureau) -> None:
    for _ in range(8):
        shown = bureau.phone().codes()[0]
        found = outcomes(
            [
                lambda form=form, shown=shown: bureau.terminal().visit("A1-01", shown[form])  # type: ignore[misc]
                for form in ("code", "number")
            ]
        )
        assert found == {"ok": 1, "code_replayed": 1}


def test_many_codes_of_one_step_are_each_good_once(bureau: Bureau) -> None:
    phone = bureau.phone()
    for _ in range(3):
        bureau.terminal().visit("A1-01", phone.code())


def test_a_screen_refreshed_within_its_step_shows_the_same_digits_under_another_code(
    bureau: Bureau, settings: Settings
) -> None:
    phone = bureau.phone()
    one, two = (code_of_step(settings, phone, 1) for _ in range(2))
    if one.show_from != two.show_from:  # the step has just turned
        one = code_of_step(settings, phone, 1)
    assert one.number == two.number
    assert one.code != two.code


def test_twenty_wrong_numbers_shut_a_terminals_mouth_and_no_other(bureau: Bureau) -> None:
    guesser = bureau.registrar.register_terminal(bureau.agency, "kiosk")
    wrong = [f"9{n:017d}" for n in range(20)]
    for digits in wrong:
        with refused("number_unknown", 422):
            guesser.visit("A1-01", digits + luhn.check_digit(digits))
    shown = bureau.phone().codes()[0]
    with refused("too_many_requests", 429) as refusal:
        guesser.visit("A1-01", shown["number"])
    assert 0 < int(refusal.value.headers["retry-after"]) <= 600
    # A signed code is no guess; and another terminal is not to blame.
    guesser.visit("A1-02", bureau.phone().code())
    bureau.terminal().visit("A1-01", shown["number"])


def test_right_numbers_are_not_limited(bureau: Bureau) -> None:
    till = bureau.registrar.register_terminal(bureau.agency, "till")
    phones = [bureau.phone() for _ in range(3)]
    for phone in phones * 7:
        found = outcomes([partial(till.visit, "A1-01", phone.codes()[0]["number"])])
        assert found in ({"ok": 1}, {"code_replayed": 1})


def test_a_certificate_is_refused_for_hours_that_are_not_offered(bureau: Bureau) -> None:
    for hours in (0, 25, -1):
        with refused("invalid_request", 400) as refusal:
            bureau.phone().call("POST", "/v1/me/code-certificates", {"hours": hours})
        assert refusal.value.problem["pointer"] == "/hours"


def test_the_password_flag_is_not_the_phones_to_set(bureau: Bureau) -> None:
    phone = bureau.phone()
    answer = send(phone, "POST", "/v1/me/codes", b'{"scene":"identity","flags":1}')
    assert (answer.status_code, answer.json()["pointer"]) == (400, "/flags")
    phone.prove(PASSWORD)
    assert base45.decode(phone.code()[4:])[3] == 1


def test_an_unknown_relative_is_not_found(bureau: Bureau) -> None:
    with refused("not_found", 404):
        bureau.phone().codes(relative=str(new_id()))
