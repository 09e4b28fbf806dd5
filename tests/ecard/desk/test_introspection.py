"""A second look at an assertion (RFC 7662): it stands while it lives, is not disputed, and the card is alive."""

import time

import jwt
import msgspec
import pytest

from ecard.encoding import b64url
from ecard.settings import Settings
from tests.bureau import PASSWORD, Bureau, refused
from tests.ecard.desk.test_visit import Stepped, stepped

__all__ = ["stepped"]


def test_a_fresh_assertion_is_active_with_its_claims(bureau: Bureau) -> None:
    assertion = bureau.terminal().visit("A1-01", bureau.phone().code())["assertion"]
    looked = bureau.terminal().introspect(assertion)
    assert looked == {"active": True, "claims": jwt.decode(assertion, options={"verify_signature": False})}


def test_another_terminal_of_the_agency_may_look(bureau: Bureau) -> None:
    assertion = bureau.terminal().visit("A1-01", bureau.phone().code())["assertion"]
    assert bureau.terminal("kiosk").introspect(assertion)["active"]


def test_another_agency_learns_nothing(bureau: Bureau) -> None:
    assertion = bureau.terminal().visit("A1-01", bureau.phone().code())["assertion"]
    with refused("assertion_refused", 422) as refusal:
        bureau.counter_of_another_agency().introspect(assertion)
    assert refusal.value.problem["reason"] == "claims"


def test_a_lost_card_takes_its_assertions_with_it_until_it_is_found(bureau: Bureau) -> None:
    phone = bureau.phone()
    assertion = bureau.terminal().visit("A1-01", phone.code())["assertion"]
    phone.report_lost()
    assert bureau.terminal().introspect(assertion) == {"active": False}
    phone.report_found(PASSWORD)
    assert bureau.terminal().introspect(assertion)["active"]


def test_an_assertion_is_active_for_a_minute(stepped: Stepped) -> None:
    assertion = stepped.counter.visit("A1-01", stepped.phone.code())["assertion"]
    # The assertion is dated by the database, whose clock is the machine's.
    ends = jwt.decode(assertion, options={"verify_signature": False})["exp"]
    stepped.advance(ends - 0.5 - stepped.clock.time())
    assert stepped.counter.introspect(assertion)["active"]
    stepped.advance(0.5)
    assert stepped.counter.introspect(assertion) == {"active": False}


def parts(assertion: str) -> tuple[str, str, str]:
    header, claims, signature = assertion.split(".")
    return header, claims, signature


@pytest.mark.parametrize("what", ["signature", "claims", "alg none", "type", "kid", "crit", "bundle", "words", "empty"])
def test_what_is_no_assertion_of_ours_is_refused(bureau: Bureau, settings: Settings, what: str) -> None:
    header, claims, signature = parts(bureau.terminal().visit("A1-01", bureau.phone().code())["assertion"])
    named = jwt.get_unverified_header(f"{header}.{claims}.{signature}")

    def headed(**changed: object) -> str:
        return f"{b64url(msgspec.json.encode({**named, **changed}))}.{claims}.{signature}"

    forged = {**jwt.decode(f"{header}.{claims}.{signature}", options={"verify_signature": False})}
    forged["exp"] = int(time.time()) + 10**6
    token = {
        "signature": f"{header}.{claims}.{b64url(bytes(64))}",
        "claims": f"{header}.{b64url(msgspec.json.encode(forged))}.{signature}",
        "alg none": f"{b64url(msgspec.json.encode({**named, 'alg': 'none'}))}.{claims}.",
        "type": headed(typ="JWT"),
        "kid": headed(kid="../../etc/passwd"),
        "crit": headed(crit=["exp"]),
        "bundle": bureau.http.get("/v1/bundle").json()["bundle"][:8192],
        "words": "hello",
        "empty": "",
    }[what]
    assert settings.issuer == forged["iss"]
    with refused("assertion_refused", 422):
        bureau.terminal().introspect(token)


def test_a_token_longer_than_any_of_ours_is_a_bad_request(bureau: Bureau) -> None:
    with refused("invalid_request", 400) as refusal:
        bureau.terminal().introspect("x" * 8193)
    assert refusal.value.problem["pointer"] == "/token"
