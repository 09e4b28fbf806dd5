"""The keys of tokens at every stage of their lives, seen by a client that fetches them seldom."""

import re
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from ecard.keyring.model import LEAD, LIFE, Purpose
from ecard.settings import Settings
from tests.auth.acts import parts, told
from tests.auth.party import Party, fapi
from tests.bureau import Bureau, ecard, new_database, rows, soon
from tests.conftest import first_operators, serving

LONGEST_TOKEN = 300


@pytest.fixture(scope="module")
def own(settings: Settings) -> Settings:
    """A database of its own: its keys are rotated and revoked."""
    return new_database(settings)


@pytest.fixture(scope="module")
def bureau(own: Settings) -> Iterator[Bureau]:
    with serving(own) as url:
        made = Bureau(url, first_operators(own))
        yield made
        made.http.close()


class Verifier:
    """A client's copy of the published keys, fetched when it says so and at no other time."""

    def __init__(self, bureau: Bureau) -> None:
        self._bureau = bureau
        self.fetch()

    def fetch(self) -> None:
        answer = self._bureau.http.get("/oauth/jwks")
        assert answer.status_code == 200
        self.keys = {key["kid"]: key for key in answer.json()["keys"]}
        assert self.keys

    def accepts(self, token: str) -> bool:
        """Say whether a token's signature is that of a key known here, as any library decides."""
        key = self.keys.get(jwt.get_unverified_header(token)["kid"])
        if key is None:
            return False
        jwt.decode(token, jwt.PyJWK(key), algorithms=["ES256"], options={"verify_aud": False})
        return True


@pytest.fixture
def party(bureau: Bureau) -> Party:
    return fapi(bureau)


def kid(token: str) -> str:
    return str(parts(token)[0]["kid"])


def own_token(party: Party) -> str:
    """Return a token of the client itself."""
    answer = party.post("/oauth/token", {"grant_type": "client_credentials"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def change(own: Settings, *arguments: str) -> None:
    answer = ecard(own, "keys", *arguments)
    assert answer.exit_code == 0, answer.output


def states(own: Settings) -> dict[str, Any]:
    sql = "SELECT kid, use_from, verify_until, revoked_at FROM signing_key WHERE purpose = 'token'"
    return {row["kid"]: row for row in rows(own, sql)}


def test_the_next_key_is_published_before_its_use_and_the_set_may_be_cached(bureau: Bureau, own: Settings) -> None:
    answer = bureau.http.get("/oauth/jwks")
    found = re.search(r"max-age=(\d+)", answer.headers["Cache-Control"])
    assert found
    max_age = int(found[1])
    assert 0 < 2 * max_age <= LEAD
    assert LIFE[Purpose.TOKEN] >= LONGEST_TOKEN + 2 * max_age
    published = {key["kid"] for key in answer.json()["keys"]}
    assert published == set(states(own))
    assert [row["use_from"] is None for row in states(own).values()].count(True) == 1
    assert all(set(key) == {"kid", "use", "alg", "kty", "crv", "x", "y"} for key in answer.json()["keys"])


def test_a_client_that_fetched_before_a_rotation_verifies_what_is_signed_after_it(
    bureau: Bureau, own: Settings, party: Party
) -> None:
    verifier, phone = Verifier(bureau), bureau.phone()
    before = party.login(phone)
    change(own, "rotate", "token", "--lead-hours", "0")
    assert soon(lambda: kid(own_token(party)) != kid(before["access_token"]))
    after = party.login(phone)
    for tokens in (before, after):
        assert verifier.accepts(tokens["access_token"])
        assert verifier.accepts(tokens["id_token"])
        assert party.active(tokens["access_token"])
        assert party.userinfo(tokens["access_token"]).status_code == 200
    assert party.refresh(before["refresh_token"]).status_code == 200
    verifier.fetch()
    assert verifier.accepts(before["access_token"])


def test_a_rotation_with_the_usual_lead_signs_with_the_old_key_until_all_know_the_new_one(
    bureau: Bureau, own: Settings, party: Party
) -> None:
    old = own_token(party)
    change(own, "rotate", "token")
    waiting = [row for row in states(own).values() if row["use_from"] is not None]
    assert max(row["use_from"].timestamp() for row in waiting) > time.time() + LEAD - 3600
    time.sleep(1)
    assert kid(own_token(party)) == kid(old)
    assert len(Verifier(bureau).keys) == len([row for row in states(own).values() if row["revoked_at"] is None])
    change(own, "rotate", "token", "--lead-hours", "0")
    assert soon(lambda: kid(own_token(party)) != kid(old))
    assert party.active(old)


def test_each_of_many_rotations_is_verified_with_the_keys_fetched_before_it(
    bureau: Bureau, own: Settings, party: Party
) -> None:
    for _ in range(4):
        verifier, last = Verifier(bureau), own_token(party)
        change(own, "rotate", "token", "--lead-hours", "0")
        assert soon(lambda last=last: kid(own_token(party)) != kid(last))  # type: ignore[misc] # bound at once
        assert verifier.accepts(own_token(party))
        assert party.active(last)


def test_a_key_whose_time_is_over_is_published_no_more_and_what_it_signed_is_refused(
    bureau: Bureau, own: Settings, party: Party
) -> None:
    old = party.login(bureau.phone())["access_token"]
    change(own, "rotate", "token", "--lead-hours", "0")
    assert soon(lambda: kid(own_token(party)) != kid(old))
    assert kid(old) in Verifier(bureau).keys
    assert party.active(old)
    rows(own, "UPDATE signing_key SET verify_until = now() WHERE kid = $1", kid(old))
    assert party.ended(old)
    assert kid(old) not in Verifier(bureau).keys
    assert told(party.userinfo(old)) == (401, "invalid_token")


def test_what_a_revoked_key_signed_is_refused_within_two_seconds_and_the_next_key_is_known_already(
    bureau: Bureau, own: Settings, party: Party
) -> None:
    verifier = Verifier(bureau)
    tokens = party.login(bureau.phone())
    stolen = tokens["access_token"]
    change(own, "revoke", kid(stolen))
    assert party.ended(stolen)
    assert told(party.userinfo(stolen)) == (401, "invalid_token")
    assert kid(stolen) not in Verifier(bureau).keys
    fresh = party.refresh(tokens["refresh_token"]).json()["access_token"]
    assert kid(fresh) != kid(stolen)
    assert verifier.accepts(fresh)
    assert party.active(fresh)
    hint = party.http.get("/oauth/logout", params={"id_token_hint": tokens["id_token"]})
    assert hint.status_code == 401
    assert party.active(fresh), "an ID token of a revoked key still ended a session"


def test_however_many_keys_are_revoked_the_set_is_never_empty_and_something_signs(
    bureau: Bureau, own: Settings, party: Party
) -> None:
    for _ in range(3):
        for name, row in states(own).items():
            if row["revoked_at"] is None and row["verify_until"] is None:
                change(own, "revoke", name)
                assert len(Verifier(bureau).keys) >= 1
        living = {name for name, row in states(own).items() if row["revoked_at"] is None}
        assert soon(lambda living=living: set(Verifier(bureau).keys) <= living)  # type: ignore[misc] # bound at once
        assert Verifier(bureau).accepts(own_token(party))


def test_a_revoked_key_never_comes_back(bureau: Bureau, own: Settings) -> None:
    dead = {name for name, row in states(own).items() if row["revoked_at"] is not None}
    assert dead
    change(own, "rotate", "token", "--lead-hours", "0")
    with serving(own) as url:
        again = Bureau(url, first_operators(own))
        assert not dead & set(Verifier(again).keys)
        again.http.close()
    assert not dead & set(Verifier(bureau).keys)
    assert ecard(own, "keys", "revoke", min(dead)).exit_code != 0


def test_other_purposes_keys_are_not_published_as_keys_of_tokens(bureau: Bureau, own: Settings) -> None:
    others = {row["kid"] for row in rows(own, "SELECT kid FROM signing_key WHERE purpose <> 'token'")}
    assert others
    assert not others & set(Verifier(bureau).keys)
