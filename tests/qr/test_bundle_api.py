"""What verifiers are given: the signed bundle and the published keys."""

import time
from typing import Any

import httpx
import jwt
import msgspec
import pytest

from ecard.clock import SteppedClock
from ecard.encoding import b64url
from ecard.settings import Settings
from qr.errors import BundleRefused, BundleStale
from qr.offline import OfflineVerifier, trust_on_first_use
from tests.bureau import Bureau, new_database
from tests.conftest import serving


@pytest.fixture
def bundle(bureau: Bureau) -> str:
    return str(bureau.http.get("/v1/bundle").json()["bundle"])


def load(bundle: str, *, anchors_of: str, newest: int = 0, now: float | None = None) -> OfflineVerifier:
    return OfflineVerifier.load(
        bundle,
        anchors=trust_on_first_use(anchors_of),
        issuer="https://ecard.example",
        newest=newest,
        now=now or time.time(),
    )


def test_the_bundle_is_signed_by_a_published_key(bureau: Bureau, bundle: str) -> None:
    header = jwt.get_unverified_header(bundle)
    assert header["typ"] == "ecard-bundle+jwt"
    keys = jwt.PyJWKSet.from_dict(bureau.http.get("/.well-known/jwks.json").json())
    claims = jwt.decode(bundle, keys[header["kid"]], algorithms=["ES256"], issuer="https://ecard.example")
    assert claims["exp"] - claims["iat"] == 4 * 3600
    assert 0 <= time.time() - claims["iat"] <= 11


def test_the_bundle_names_the_keys_of_codes_the_next_one_among_them(bundle: str) -> None:
    claims = jwt.decode(bundle, options={"verify_signature": False})
    assert len(claims["codes"]) >= 2
    assert all(code.keys() == {"slot", "kid", "alg", "revoked", "jwk"} for code in claims["codes"])
    assert all(code["jwk"].keys() <= {"kty", "crv", "x", "y"} for code in claims["codes"])


def test_the_bundle_has_the_lists_of_yesterday_today_and_tomorrow(bundle: str) -> None:
    claims = jwt.decode(bundle, options={"verify_signature": False})
    today = claims["iat"] // 86400
    assert sorted(map(int, claims["status_lists"])) == [today - 1, today, today + 1]


def test_one_card_has_another_place_on_every_day(bureau: Bureau, settings: Settings) -> None:
    person = bureau.register()
    bureau.cards.set_card_status(person.facts["card_no"], "lost")
    with serving(settings) as url:
        bundle = httpx.get(f"{url}/v1/bundle").json()["bundle"]
    lists = jwt.decode(bundle, options={"verify_signature": False})["status_lists"]
    assert len(set(lists.values())) == 3


def test_a_code_is_verified_with_nothing_but_the_bundle(bureau: Bureau, bundle: str) -> None:
    gate = load(bundle, anchors_of=bundle)
    verdict = gate.verify(bureau.phone().code("ride"), time.time())
    assert (verdict.mode, verdict.scene, verdict.password_proven) == ("offline", 3, False)
    assert verdict.keys_as_of == verdict.status_as_of == gate.as_of


def test_an_older_bundle_than_the_one_seen_before_is_refused(settings: Settings, bundle: str) -> None:
    with serving(settings, clock=SteppedClock(time.time() + 15)) as url:
        newer = httpx.get(f"{url}/v1/bundle").json()["bundle"]
    newest = load(newer, anchors_of=bundle).version
    assert newest > load(bundle, anchors_of=bundle).version
    with pytest.raises(BundleRefused) as refusal:
        load(bundle, anchors_of=bundle, newest=newest)
    assert refusal.value.members == {"reason": "older", "newest": newest}
    assert load(newer, anchors_of=bundle, newest=newest).version == newest


def test_a_bundle_is_of_no_use_after_its_time(bureau: Bureau, bundle: str) -> None:
    code = bureau.phone().code()
    with pytest.raises(BundleStale):
        load(bundle, anchors_of=bundle, now=time.time() + 4 * 3600)
    gate = load(bundle, anchors_of=bundle)
    with pytest.raises(BundleStale):
        gate.verify(code, time.time() + 4 * 3600)


def test_the_bundle_of_another_platform_is_refused(settings: Settings, bundle: str) -> None:
    with serving(new_database(settings)) as url:
        foreign = httpx.get(f"{url}/v1/bundle").json()["bundle"]
    with pytest.raises(BundleRefused) as refusal:
        load(foreign, anchors_of=bundle)
    assert refusal.value.members == {"reason": "key"}


@pytest.mark.parametrize("what", ["claims", "signature", "type", "an assertion", "words", "nothing"])
def test_what_is_no_bundle_of_ours_is_refused(bureau: Bureau, bundle: str, what: str) -> None:
    header, claims, signature = bundle.split(".")
    said: dict[str, Any] = jwt.decode(bundle, options={"verify_signature": False})
    named = jwt.get_unverified_header(bundle)
    said["status_lists"] = {}
    other = {
        "claims": f"{header}.{b64url(msgspec.json.encode(said))}.{signature}",
        "signature": f"{header}.{claims}.{b64url(bytes(64))}",
        "type": f"{b64url(msgspec.json.encode({**named, 'typ': 'JWT'}))}.{claims}.{signature}",
        "an assertion": bureau.terminal().visit("A1-01", bureau.phone().code())["assertion"],
        "words": "hello",
        "nothing": "",
    }[what]
    with pytest.raises(BundleRefused):
        load(other, anchors_of=bundle)


def test_the_bundle_is_made_once_for_ten_seconds(settings: Settings) -> None:
    with serving(settings) as url, httpx.Client(base_url=url) as http:
        assert http.get("/v1/bundle").json() == http.get("/v1/bundle").json()


def test_the_published_keys_are_public_and_may_be_kept_for_five_minutes(bureau: Bureau) -> None:
    answer = bureau.http.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    keys = answer.json()["keys"]
    assert len(keys) >= 4  # assertions and anchors, each with the one that is to come
    for key in keys:
        assert key.keys() <= {"kid", "use", "alg", "kty", "crv", "x", "y"}
        assert (key["use"], key["alg"]) == ("sig", "ES256")
    assert {key["kid"].partition("-")[0] for key in keys} == {"assertion", "anchor"}
