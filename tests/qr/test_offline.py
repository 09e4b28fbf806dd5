"""A terminal with no network: what it accepts, what it refuses, and how it dates what it knows."""

import json
from typing import Any

import pytest

from ecard import tokens
from ecard.desk.errors import CardSuspended, Replayed
from ecard.encoding import b64url, unb64url
from ecard.errors import EcardError
from ecard.keys import Signer, Suite, generate, to_jwk
from ecard.tokens import PublicKey, TokenType
from qr import model
from qr.errors import (
    BundleRefused,
    BundleStale,
    CodeExpired,
    CodeForged,
    CodeKeyRevoked,
    CodeKeyUnknown,
    CodeRefused,
)
from qr.offline import OfflineVerifier, trust_on_first_use
from qr.status import compress
from tests.qr.test_verify import NOW, P256_ORDER, SLOT, STEP, Issuer

ISSUED = int(NOW) - 600
LIFE = 4 * 3600
DAY = int(NOW) // 86400
DEAD_PLACE = 77
ISSUER = "https://ecard.example"


class Platform:
    """Publishes bundles about an issuer's codes."""

    def __init__(self, suite: Suite = Suite.ES256, device: Suite = Suite.ES256) -> None:
        self.codes = Issuer(suite, device)
        self.anchor: Signer = generate(suite)[0]
        self.anchors = {"anchor-1": PublicKey(suite, self.anchor.public)}

    def claims(self, **changed: object) -> dict[str, Any]:
        signer = self.codes.signer
        return {
            "iss": ISSUER,
            "iat": ISSUED,
            "exp": ISSUED + LIFE,
            "version": 5000,
            "status_bits": 16,
            "status_lists": {str(day): compress([DEAD_PLACE], 16) for day in (DAY - 1, DAY, DAY + 1)},
            "codes": [
                {"slot": SLOT, "kid": "code-1", "alg": signer.suite.value, "revoked": False}
                | {"jwk": to_jwk(signer.suite, signer.public)}
            ],
            "anchors": [{"kid": "anchor-1", **to_jwk(self.anchor.suite, self.anchor.public)}],
            **changed,
        }

    def bundle(self, typ: TokenType = TokenType.BUNDLE, **changed: object) -> str:
        return tokens.mint(self.anchor, "anchor-1", typ, self.claims(**changed))

    def load(self, bundle: str | None = None, *, newest: int = 0, now: float = NOW) -> OfflineVerifier:
        return OfflineVerifier.load(
            bundle or self.bundle(), anchors=self.anchors, issuer=ISSUER, newest=newest, now=now
        )

    def ticket(self, **changed: int) -> str:
        return model.text(self.codes.ticket(**changed))


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize("device", Suite)
def test_a_code_of_either_kind_and_suite_is_accepted_with_no_network(suite: Suite, device: Suite) -> None:
    platform = Platform(suite, device)
    verifier = platform.load()
    assert verifier.verify(platform.ticket(), NOW).scene == 1
    assert verifier.verify(model.text(platform.codes.chain()), NOW).scene == 1


def test_a_verdict_says_its_mode_and_how_old_its_knowledge_is(platform: Platform) -> None:
    raw = platform.codes.ticket(flags=model.PASSWORD_PROVEN)
    verdict = platform.load().verify(model.text(raw), NOW)
    assert verdict._asdict() == {
        "mode": "offline",
        "scene": 1,
        "password_proven": True,
        "keys_as_of": ISSUED,
        "status_as_of": ISSUED,
        "once": raw[13:29].hex(),
        "fare": model.FareClass.FULL,
        "relative": False,
    }


@pytest.mark.parametrize(("fare", "said"), [(1, 1), (2, 2), (3, 0), (7, 0)])
def test_a_fare_class_is_read_from_a_ride_code_only_and_an_unknown_one_is_full(
    platform: Platform, fare: int, said: int
) -> None:
    verifier = platform.load()
    assert verifier.verify(platform.ticket(scene=3, flags=fare << 2), NOW).fare == said
    assert verifier.verify(platform.ticket(scene=1, flags=fare << 2), NOW).fare == model.FareClass.FULL


def test_a_code_without_the_password_does_not_say_that_it_was_proven(platform: Platform) -> None:
    assert not platform.load().verify(platform.ticket(flags=0b1111_1110), NOW).password_proven


def refusal_of(platform: Platform, bundle: str, *, newest: int = 0, now: float = NOW) -> dict[str, object]:
    with pytest.raises(BundleRefused) as refused:
        platform.load(bundle, newest=newest, now=now)
    return refused.value.members


def test_a_bundle_older_than_one_seen_before_is_refused(platform: Platform) -> None:
    older = platform.bundle(version=4999)
    assert refusal_of(platform, older, newest=5000) == {"reason": "older", "newest": 5000}
    assert platform.load(platform.bundle(version=5000), newest=5000).version == 5000
    assert platform.load(platform.bundle(version=5001), newest=5000).version == 5001


def test_a_bundle_of_an_unknown_anchor_is_refused(platform: Platform) -> None:
    stranger = Platform()
    assert refusal_of(platform, stranger.bundle()) == {"reason": "signature"}
    renamed = tokens.mint(stranger.anchor, "anchor-2", TokenType.BUNDLE, stranger.claims())
    assert refusal_of(platform, renamed) == {"reason": "key"}


def test_a_bundle_is_stale_from_its_end_on(platform: Platform) -> None:
    end = ISSUED + LIFE
    verifier = platform.load(now=end - 0.01)
    for now in (end, end + 1, end + 10**8):
        with pytest.raises(BundleStale):
            platform.load(now=now)
        with pytest.raises(BundleStale):
            verifier.verify(platform.ticket(step=int(now) // 30), now)
    with pytest.raises(CodeExpired):
        verifier.verify(platform.ticket(), end - 0.01)


def test_a_bundle_from_the_future_is_refused_beyond_the_skew(platform: Platform) -> None:
    assert platform.load(now=ISSUED - 30).as_of == ISSUED
    with pytest.raises(BundleStale):
        platform.load(now=ISSUED - 31)


def test_a_bundle_tampered_with_anywhere_is_refused(platform: Platform) -> None:
    parts = platform.bundle().split(".")
    for index, part in enumerate(parts):
        raw = unb64url(part)
        for place in range(0, len(raw), max(1, len(raw) // 40)):
            changed = raw[:place] + bytes((raw[place] ^ 1,)) + raw[place + 1 :]
            bundle = ".".join([*parts[:index], b64url(changed), *parts[index + 1 :]])
            with pytest.raises(BundleRefused):
                platform.load(bundle)


def test_a_bundle_with_other_claims_under_its_old_signature_is_refused(platform: Platform) -> None:
    header, _, signature = platform.bundle().split(".")
    claims = b64url(json.dumps(platform.claims(version=9999)).encode())
    assert refusal_of(platform, f"{header}.{claims}.{signature}") == {"reason": "signature"}


@pytest.mark.parametrize("typ", [typ for typ in TokenType if typ is not TokenType.BUNDLE])
def test_another_token_of_the_same_anchor_is_no_bundle(platform: Platform, typ: TokenType) -> None:
    assert refusal_of(platform, platform.bundle(typ)) == {"reason": "type"}


def test_a_bundle_of_another_installation_is_refused(platform: Platform) -> None:
    assert refusal_of(platform, platform.bundle(iss="https://elsewhere.example")) == {"reason": "claims"}


@pytest.mark.parametrize("issuer", [ISSUER, None])
@pytest.mark.parametrize("garbage", ["", "x", "a.b.c", "EC1:AAA", "\0", "{}", "e30.e30.AAAA", "e30.W10.AAAA"])
def test_what_is_no_bundle_is_refused(platform: Platform, garbage: str, issuer: str | None) -> None:
    with pytest.raises(BundleRefused):
        OfflineVerifier.load(garbage, anchors=platform.anchors, issuer=issuer, newest=0, now=NOW)


def test_a_terminal_that_names_no_issuer_still_wants_a_known_anchor(platform: Platform) -> None:
    loaded = OfflineVerifier.load(platform.bundle(), anchors=platform.anchors, issuer=None, newest=0, now=NOW)
    assert loaded.verify(platform.ticket(), NOW).mode == "offline"
    with pytest.raises(BundleRefused):
        OfflineVerifier.load(Platform().bundle(), anchors=platform.anchors, issuer=None, newest=0, now=NOW)
    without = platform.claims()
    del without["iss"]
    bundle = tokens.mint(platform.anchor, "anchor-1", TokenType.BUNDLE, without)
    with pytest.raises(BundleRefused):
        OfflineVerifier.load(bundle, anchors=platform.anchors, issuer=None, newest=0, now=NOW)


def test_a_dead_card_is_refused_with_the_date_of_the_list(platform: Platform) -> None:
    verifier = platform.load()
    for raw in (platform.codes.ticket(place=DEAD_PLACE), platform.codes.chain(platform.codes.certificate(place=77))):
        with pytest.raises(CardSuspended) as refused:
            verifier.verify(model.text(raw), NOW)
        assert refused.value.members == {"status_as_of": ISSUED}
    assert verifier.seen == {}
    assert verifier.verify(platform.ticket(place=DEAD_PLACE + 1), NOW).mode == "offline"


def test_a_place_outside_the_list_is_refused(platform: Platform) -> None:
    for place in (2**16, 2**32 - 1):
        with pytest.raises(CardSuspended):
            platform.load().verify(platform.ticket(place=place), NOW)


def test_a_day_that_the_bundle_lacks_is_refused(platform: Platform) -> None:
    lists = {str(day): compress([], 16) for day in (DAY - 1, DAY + 1)}
    verifier = platform.load(platform.bundle(status_lists=lists))
    with pytest.raises(CardSuspended):
        verifier.verify(platform.ticket(), NOW)


def test_a_chain_is_looked_up_on_the_day_of_its_certificate(platform: Platform) -> None:
    yesterday = STEP - 86400 // 30 + 10
    lists = {str(DAY - 1): compress([DEAD_PLACE], 16), str(DAY): compress([], 16)}
    verifier = platform.load(platform.bundle(status_lists=lists))
    alive, dead = (platform.codes.certificate(first=yesterday, place=place) for place in (5, DEAD_PLACE))
    assert verifier.verify(model.text(platform.codes.chain(alive)), NOW).mode == "offline"
    with pytest.raises(CardSuspended):
        verifier.verify(model.text(platform.codes.chain(dead)), NOW)


def test_a_revoked_key_and_an_unknown_slot_are_told_apart(platform: Platform) -> None:
    [code] = platform.claims()["codes"]
    revoked = platform.load(platform.bundle(codes=[code | {"revoked": True}]))
    with pytest.raises(CodeKeyRevoked):
        revoked.verify(platform.ticket(), NOW)
    elsewhere = platform.load(platform.bundle(codes=[code | {"slot": SLOT + 1}]))
    with pytest.raises(CodeKeyUnknown):
        elsewhere.verify(platform.ticket(), NOW)
    nobody = platform.load(platform.bundle(codes=[]))
    with pytest.raises(CodeKeyUnknown):
        nobody.verify(platform.ticket(), NOW)


def test_a_forged_code_is_refused_and_leaves_no_trace(platform: Platform) -> None:
    verifier = platform.load()
    with pytest.raises(CodeForged):
        verifier.verify(model.text(Issuer().ticket()), NOW)
    for scanned in ("", "EC1:", "https://example.com", "130000000000000000"):
        with pytest.raises(CodeRefused):
            verifier.verify(scanned, NOW)
    assert verifier.seen == {}


def test_a_second_scan_is_refused_also_under_the_other_ecdsa_signature(platform: Platform) -> None:
    verifier = platform.load()
    raw = platform.codes.ticket()
    verifier.verify(model.text(raw), NOW)
    other = raw[:-32] + (P256_ORDER - int.from_bytes(raw[-32:])).to_bytes(32)
    for again in (raw, other):
        with pytest.raises(Replayed):
            verifier.verify(model.text(again), NOW + 1)


def test_each_code_of_a_chain_is_good_for_one_scan(platform: Platform) -> None:
    verifier = platform.load()
    certificate = platform.codes.certificate()
    first, second = (model.text(platform.codes.chain(certificate, nonce=nonce)) for nonce in (1, 2))
    verifier.verify(first, NOW)
    verifier.verify(second, NOW)
    for code in (first, second):
        with pytest.raises(Replayed):
            verifier.verify(code, NOW)


def outcome(verifier: OfflineVerifier, scanned: str, now: float) -> str:
    try:
        return verifier.verify(scanned, now).mode
    except EcardError as refused:
        return refused.code


def test_a_code_is_never_forgotten_while_it_lives(platform: Platform) -> None:
    verifier = platform.load()
    start = STEP * 30
    code = platform.ticket()
    answers = [outcome(verifier, code, start - 30)]
    for second in range(-29, 240):
        if second % 10 == 0:  # others come and go, and each may make the verifier tidy up
            assert outcome(verifier, platform.ticket(step=(start + second) // 30), start + second) == "offline"
        answers.append(outcome(verifier, code, start + second))
    assert answers == ["offline"] + ["code_replayed"] * 119 + ["code_expired"] * 150


def test_a_gate_that_runs_for_hours_remembers_minutes_only(platform: Platform) -> None:
    verifier = platform.load()
    most = 0
    for minute in range(200):
        now = NOW + 60 * minute
        verifier.verify(platform.ticket(step=int(now) // 30), now)
        most = max(most, len(verifier.seen))
    assert most <= 6


def test_what_was_seen_before_can_be_carried_into_the_next_bundle(platform: Platform) -> None:
    before, code = platform.load(), platform.ticket()
    before.verify(code, NOW)
    after = platform.load(platform.bundle(version=5001))
    after.seen = before.seen
    with pytest.raises(Replayed):
        after.verify(code, NOW)


def test_the_next_anchor_is_trusted_through_the_last_bundle(platform: Platform) -> None:
    follower = Platform()
    coming = {"kid": "anchor-2", **to_jwk(follower.anchor.suite, follower.anchor.public)}
    verifier = platform.load(platform.bundle(anchors=[*platform.claims()["anchors"], coming]))
    following = tokens.mint(follower.anchor, "anchor-2", TokenType.BUNDLE, platform.claims(version=5001))
    loaded = OfflineVerifier.load(
        following, anchors=verifier.anchors(), issuer=ISSUER, newest=verifier.version, now=NOW
    )
    assert loaded.version == 5001


def test_a_first_bundle_names_its_own_anchors(platform: Platform) -> None:
    assert trust_on_first_use(platform.bundle()) == platform.anchors


@pytest.mark.parametrize(
    "anchors",
    [
        None,
        5,
        "x",
        [5],
        ["x"],
        [{}],
        [{"kid": "a"}],
        [{"kid": "a", "kty": "RSA"}],
        [{"kid": "a", "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}],
        [{"kid": ["a"], "kty": "OKP", "crv": "Ed25519", "x": b64url(bytes(32))}],
    ],
)
def test_a_first_bundle_without_proper_anchors_is_refused(platform: Platform, anchors: object) -> None:
    with pytest.raises(BundleRefused):
        trust_on_first_use(platform.bundle(anchors=anchors))


@pytest.mark.parametrize("garbage", ["", "x", "a.b.c", "e30.e30.AAAA", "e30.W10.AAAA", "\0", "é.é.é"])
def test_garbage_is_no_first_bundle(garbage: str) -> None:
    with pytest.raises(BundleRefused) as refused:
        trust_on_first_use(garbage)
    assert refused.value.members == {"reason": "malformed"}
