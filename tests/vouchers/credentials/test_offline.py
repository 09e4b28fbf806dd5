"""Certificates are verified with a bundle and nothing else, and everything that is not one is refused."""

import base64
import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecard import tokens
from ecard.errors import EcardError
from ecard.keyring.model import key_url
from ecard.keys import Suite
from ecard.tokens import TokenType
from qr.errors import BundleRefused, BundleStale
from tests.vouchers.credentials.made import ISSUED, ISSUER, NOW, Issuer, certificate
from vouchers.credentials import status
from vouchers.credentials.errors import CredentialRefused, CredentialRevoked, CredentialStatusUnknown
from vouchers.credentials.model import badge
from vouchers.credentials.offline import LONGEST, CredentialVerifier
from vouchers.credentials.status import PLACES, Revoked, encoded

OPEN_BADGE = jsonschema_rs.Draft201909Validator(
    json.loads(Path(__file__).with_name("open_badge.schema.json").read_text("utf-8"))
)
ISSUER_OF_ALL = Issuer()
VERIFIER = CredentialVerifier.load(ISSUER_OF_ALL.bundle(), anchors=ISSUER_OF_ALL.anchors, now=NOW)


def refusal(presented: str, verifier: CredentialVerifier = VERIFIER, now: float = NOW) -> tuple[str, object]:
    with pytest.raises(EcardError) as refused:
        verifier.verify(presented, now)
    return refused.value.code, refused.value.members.get("reason")


@pytest.mark.parametrize("suite", Suite)
def test_a_certificate_is_verified_and_says_what_stands_in_it(suite: Suite) -> None:
    issuer = Issuer(suite)
    verifier = CredentialVerifier.load(issuer.bundle(), anchors=issuer.anchors, now=NOW)
    verdict = verifier.verify(issuer.show(certificate()), NOW)
    assert (verdict.title, verdict.course, verdict.hours) == ("育婴员初级", "育婴员 2026 年第 3 班", "24")
    assert (verdict.institution, verdict.issued_at) == ("测试职业培训学校", int(ISSUED.timestamp()))
    assert (verdict.name, verdict.keys_as_of, verdict.status_as_of) == (None, int(NOW), int(NOW))
    assert verifier.verify(issuer.show(certificate(), name="测试员"), NOW).name == "测试员"


@pytest.mark.parametrize("name", [None, "测试员"])
@pytest.mark.parametrize("level", ["basic", "advanced"])
def test_the_payload_is_an_open_badge_as_the_specification_demands(name: str | None, level: str) -> None:
    made = badge(certificate(level=level), issuer=ISSUER, subject="urn:uuid:1", name=name)
    OPEN_BADGE.validate(made)
    assert not OPEN_BADGE.is_valid({**made, "idNumber": "x"})
    assert not OPEN_BADGE.is_valid({**made, "credentialSubject": {}})


def test_a_revoked_certificate_is_refused_and_its_neighbours_are_not() -> None:
    issuer = Issuer()
    bundle = issuer.bundle(issuer.list([8]), issuer.list([7], 1))
    verifier = CredentialVerifier.load(bundle, anchors=issuer.anchors, now=NOW)
    assert refusal(issuer.show(certificate(place=8)), verifier)[0] == CredentialRevoked.code
    for place, number in [(7, 0), (9, 0), (15, 0), (8, 1)]:
        assert verifier.verify(issuer.show(certificate(place=place, list=number)), NOW)
    assert refusal(issuer.show(certificate(place=8, list=2)), verifier)[0] == CredentialStatusUnknown.code


def test_a_certificate_whose_claims_disagree_is_refused() -> None:
    disagreements: list[dict[str, Any]] = [
        {"iss": "https://other.example"},
        {"sub": "urn:uuid:other"},
        {"jti": "urn:uuid:other"},
        {"nbf": int(ISSUED.timestamp()) + 1},
        {"type": ["VerifiableCredential"]},
        {"nbf": "soon"},
        {"credentialStatus": {"type": "None"}},
        {"credentialSubject": {}},
    ]
    for changed in disagreements:
        assert refusal(ISSUER_OF_ALL.show(certificate(), **changed)) == (CredentialRefused.code, "claims"), changed
    place = ISSUER_OF_ALL.show(certificate(place=PLACES))
    assert refusal(place) == (CredentialRefused.code, "claims")


def test_a_certificate_of_the_future_or_past_its_end_is_refused() -> None:
    assert refusal(ISSUER_OF_ALL.show(certificate()), now=NOW - 2 * 86400) == (CredentialRefused.code, "early")
    assert refusal(ISSUER_OF_ALL.show(certificate(), exp=int(NOW))) == (CredentialRefused.code, "late")


def test_no_other_key_and_no_other_kind_of_token_makes_a_certificate() -> None:
    shown = ISSUER_OF_ALL.show(certificate())
    head, payload, signature = shown.split(".")
    other = Issuer().show(certificate())
    assert refusal(other) == (CredentialRefused.code, "signature")
    assert refusal(f"{head}.{other.split('.')[1]}.{signature}") == (CredentialRefused.code, "signature")
    assert refusal(ISSUER_OF_ALL.list()) == (CredentialRefused.code, "type")
    assert refusal(ISSUER_OF_ALL.bundle()) == (CredentialRefused.code, "type")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    assert refusal(f"{unsigned}.{payload}.") == (CredentialRefused.code, "key")
    claims = badge(certificate(), issuer=ISSUER, subject="urn:uuid:1", name=None)
    by_the_anchor = tokens.mint(ISSUER_OF_ALL.anchor, "anchor-1", TokenType.ID, claims)
    assert refusal(by_the_anchor) == (CredentialRefused.code, "key")
    assert refusal("x" * (LONGEST + 1)) == (CredentialRefused.code, "malformed")


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: raw.decode("latin1")))
@settings(max_examples=200)
def test_whatever_is_presented_is_refused_by_name(text: str) -> None:
    with pytest.raises(CredentialRefused):
        VERIFIER.verify(text, NOW)


def test_a_bundle_is_only_believed_for_a_day_and_from_an_anchor() -> None:
    issuer = Issuer()
    with pytest.raises(BundleStale):
        CredentialVerifier.load(issuer.bundle(), anchors=issuer.anchors, now=NOW + status.LIFE)
    verifier = CredentialVerifier.load(issuer.bundle(), anchors=issuer.anchors, now=NOW)
    with pytest.raises(BundleStale):
        verifier.verify(issuer.show(certificate()), NOW + status.LIFE)
    forged = Issuer()
    for bundle, reason in (
        (forged.bundle(), "signature"),
        (issuer.bundle(typ=TokenType.BUNDLE), "type"),
        (issuer.bundle(forged.list()), "signature"),
        (issuer.bundle(issuer.show(certificate())), "type"),
        (issuer.bundle(issuer.list(now=NOW - 2 * status.LIFE)), "expired"),
        (issuer.bundle(keys=[{"kid": "k1"}]), "claims"),
        (issuer.bundle(keys="none"), "claims"),
        ("", "malformed"),
        ("a.b.c", "malformed"),
    ):
        with pytest.raises(BundleRefused) as refused:
            CredentialVerifier.load(bundle, anchors=issuer.anchors, now=NOW)
        assert refused.value.members["reason"] == reason, reason


@given(st.sets(st.integers(0, PLACES - 1), max_size=20))
@settings(max_examples=50)
def test_a_list_says_of_each_place_what_was_put_on_it(places: set[int]) -> None:
    text = encoded(places)
    held = Revoked(text)
    asked = places | {0, 7, 8, PLACES - 1}
    assert {place for place in asked if held.at(place)} == places
    # By the specification's own words, with another decoder: the first index is the left-most bit.
    bits = gzip.decompress(base64.urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4)))
    written = f"{int.from_bytes(bits):0{PLACES}b}"
    assert all((written[place] == "1") == (place in places) for place in asked)


def test_a_list_of_another_size_or_form_is_refused() -> None:
    def text(raw: bytes) -> str:
        return "u" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    for bad in (
        encoded([])[1:],
        text(gzip.compress(bytes(PLACES // 8 - 1))),
        text(gzip.compress(bytes(PLACES // 8 + 1))),
        text(gzip.compress(bytes(1 << 22))),
        text(zlib.compress(bytes(PLACES // 8))),
        text(gzip.compress(bytes(PLACES // 8))[:-1]),
        "u=",
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - any text of it
            Revoked(bad)


def test_a_name_is_the_address_of_its_key() -> None:
    header = tokens.unverified(ISSUER_OF_ALL.show(certificate()))[0]
    assert header == {"alg": "ES256", "kid": key_url(ISSUER, "k1"), "typ": "JWT"}
