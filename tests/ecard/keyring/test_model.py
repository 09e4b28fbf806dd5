"""What a signing key may do at a given time."""

import pytest

from ecard.keyring.model import LEAD, LIFE, SLOTS, Key, Keyring, NoKey, Purpose
from ecard.keys import Suite, generate, verifier
from ecard.tokens import PublicKey

NOW = 1_794_000_000.0
SIGNER, _ = generate(Suite.ES256)
VERIFIER = verifier(Suite.ES256, SIGNER.public)


def a_key(
    kid: str = "a",
    *,
    purpose: Purpose = Purpose.CODE,
    slot: int = 0,
    use_from: float | None = NOW - 100,
    verify_until: float | None = None,
    revoked_at: float | None = None,
) -> Key:
    return Key(
        kid=kid,
        purpose=purpose,
        slot=slot,
        suite=Suite.ES256,
        public=SIGNER.public,
        signer=SIGNER,
        verifier=VERIFIER,
        created_at=NOW - 1000,
        use_from=use_from,
        verify_until=verify_until,
        revoked_at=revoked_at,
    )


@pytest.mark.parametrize(
    ("key", "state", "verifies"),
    [
        (a_key(use_from=None), "standby", True),
        (a_key(use_from=NOW + 1), "next", True),
        (a_key(use_from=NOW), "current", True),
        (a_key(use_from=NOW - 1), "current", True),
        (a_key(verify_until=NOW + 1), "verifying", True),
        (a_key(verify_until=NOW + 0.001), "verifying", True),
        (a_key(verify_until=NOW), "expired", False),
        (a_key(verify_until=NOW - 1), "expired", False),
        (a_key(revoked_at=NOW - 1), "revoked", False),
        (a_key(revoked_at=NOW + 1), "revoked", False),  # the database's clock may be ahead: at once, all the same
        (a_key(use_from=None, revoked_at=NOW), "revoked", False),
        (a_key(use_from=NOW + 1, revoked_at=NOW), "revoked", False),
        (a_key(verify_until=NOW + 1, revoked_at=NOW), "revoked", False),
    ],
)
def test_a_key_has_one_state_at_a_time(key: Key, state: str, *, verifies: bool) -> None:
    assert key.state(NOW) == state
    assert key.verifies(NOW) is verifies


def test_the_latest_key_in_use_signs() -> None:
    keys = [a_key("old", use_from=NOW - 200), a_key("new", use_from=NOW - 100), a_key("older", use_from=NOW - 300)]
    for order in (keys, keys[::-1]):
        assert Keyring(order).signing(Purpose.CODE, NOW).kid == "new"


def test_a_key_signs_from_its_first_use_on_and_its_forerunner_until_then() -> None:
    forerunner = a_key("old", use_from=NOW - 200, verify_until=NOW + 10 + LIFE[Purpose.CODE])
    ring = Keyring([forerunner, a_key("new", use_from=NOW + 10)])
    assert ring.signing(Purpose.CODE, NOW + 9.999).kid == "old"
    assert ring.signing(Purpose.CODE, NOW + 10).kid == "new"


@pytest.mark.parametrize(
    "key",
    [
        a_key(use_from=None),
        a_key(use_from=NOW + 0.001),
        a_key(revoked_at=NOW - 1),
        a_key(verify_until=NOW),
        a_key(purpose=Purpose.ASSERTION),
        a_key(purpose=Purpose.ANCHOR),
    ],
    ids=["standby", "next", "revoked", "expired", "for assertions", "for bundles"],
)
def test_no_other_key_signs_a_code(key: Key) -> None:
    with pytest.raises(NoKey) as refused:
        Keyring([key]).signing(Purpose.CODE, NOW)
    assert refused.value.status == 503
    assert Keyring([key, a_key("good")]).signing(Purpose.CODE, NOW).kid == "good"


def test_a_waiting_key_that_a_hurried_rotation_overtook_does_not_take_over() -> None:
    # "next" was promoted with a lead; then the keys were rotated at once, which retired it before its first use.
    overtaken = a_key("next", use_from=NOW - 1, verify_until=NOW + LIFE[Purpose.CODE] - 50)
    hurried = a_key("hurried", use_from=NOW - 50)
    for order in ([overtaken, hurried], [hurried, overtaken]):
        assert Keyring(order).signing(Purpose.CODE, NOW).kid == "hurried"


def test_an_empty_ring_signs_nothing() -> None:
    for purpose in Purpose:
        with pytest.raises(NoKey):
            Keyring().signing(purpose, NOW)


def test_what_verifiers_should_know_is_published_and_nothing_else() -> None:
    ring = Keyring(
        [
            a_key("standby", use_from=None),
            a_key("next", use_from=NOW + 1),
            a_key("current"),
            a_key("verifying", verify_until=NOW + 1),
            a_key("expired", verify_until=NOW),
            a_key("revoked", revoked_at=NOW),
            a_key("other", purpose=Purpose.ANCHOR),
        ]
    )
    assert [key.kid for key in ring.published(Purpose.CODE, NOW)] == ["standby", "next", "current", "verifying"]
    public = PublicKey(Suite.ES256, SIGNER.public)
    assert ring.public(Purpose.ANCHOR, NOW) == {"other": public}
    assert set(ring.public(Purpose.CODE, NOW)) == {"standby", "next", "current", "verifying"}


def test_a_ring_is_replaced_as_a_whole() -> None:
    ring = Keyring([a_key("a", slot=1)], as_of=1.0)
    ring.replace([a_key("b", slot=2)], as_of=2.0)
    assert set(ring.keys) == {"b"}
    assert set(ring.codes) == {2}
    assert ring.as_of == 2.0


def test_a_slot_names_the_youngest_key_for_codes_that_has_it() -> None:
    ring = Keyring(
        [
            a_key("first", slot=7, verify_until=NOW - 1),
            a_key("anchor", purpose=Purpose.ANCHOR, slot=7),
            a_key("again", slot=7),
            a_key("assertion", purpose=Purpose.ASSERTION, slot=7),
        ]
    )
    assert {slot: key.kid for slot, key in ring.codes.items()} == {7: "again"}


def test_a_retired_key_verifies_longer_than_anything_it_signed_lives() -> None:
    assert LIFE[Purpose.CODE] > 24 * 3600 + 60 + 30  # a certificate of 24 hours, a code of 60 s, and the skew
    assert LIFE[Purpose.ASSERTION] > 60 + 30
    assert LIFE[Purpose.ANCHOR] > 5 * 365 * 86400
    assert LEAD >= 2 * 12 * 3600
    assert SLOTS == 256
