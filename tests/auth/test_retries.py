"""A lost answer asked for again gives the very same one; anybody else's second use ends the whole family."""

from collections.abc import Callable

import pytest

from auth.secrets import hashed
from ecard.client.actors import new_signer
from ecard.settings import Settings
from tests.auth.acts import told
from tests.auth.party import ITEM, Party, fapi, new_pkce, standard
from tests.bureau import Bureau, rows

REFUSED = (400, "invalid_grant")


def public(bureau: Bureau) -> Party:
    return standard(bureau, auth_method="none", dpop=True)


def made_older(settings: Settings, table: str, handle: str, seconds: int) -> None:
    sql = f"UPDATE {table} SET used_at = used_at - make_interval(secs => $2) WHERE handle = $1 RETURNING 1"
    assert rows(settings, sql, hashed(handle), seconds)


def family_ended(bureau: Bureau, party: Party, *answers: dict[str, str]) -> bool:
    """Say whether no token of `answers` is taken anywhere any more."""
    friend = Party(bureau, bureau.client(), dpop=False)
    for answer in answers:
        if party.userinfo(answer["access_token"]).status_code != 401 or friend.active(answer["access_token"]):
            return False
        if told(party.refresh(answer["refresh_token"])) != REFUSED:
            return False
    return True


@pytest.mark.parametrize("make", [fapi, public, standard])
def test_a_refresh_repeated_within_ten_seconds_gets_identical_bytes(
    bureau: Bureau, settings: Settings, make: Callable[[Bureau], Party]
) -> None:
    party = make(bureau)
    first = party.login(bureau.phone())
    once = party.refresh(first["refresh_token"])
    assert once.status_code == 200
    made_older(settings, "refresh_token", first["refresh_token"], 8)
    again = party.refresh(first["refresh_token"])
    assert (again.status_code, again.content) == (200, once.content)
    assert party.userinfo(once.json()["access_token"]).status_code == 200
    assert party.refresh(once.json()["refresh_token"]).status_code == 200


@pytest.mark.parametrize("make", [fapi, public, standard])
def test_a_refresh_repeated_after_ten_seconds_ends_the_family(
    bureau: Bureau, settings: Settings, make: Callable[[Bureau], Party]
) -> None:
    party = make(bureau)
    first = party.login(bureau.phone())
    second = party.refresh(first["refresh_token"]).json()
    made_older(settings, "refresh_token", first["refresh_token"], 11)
    assert told(party.refresh(first["refresh_token"])) == REFUSED
    assert family_ended(bureau, party, first, second)


@pytest.mark.parametrize("make", [fapi, public])
def test_a_used_refresh_token_with_another_key_ends_the_family(bureau: Bureau, make: Callable[[Bureau], Party]) -> None:
    party = make(bureau)
    first = party.login(bureau.phone())
    second = party.refresh(first["refresh_token"]).json()
    assert told(party.refresh(first["refresh_token"], key=new_signer())) == REFUSED
    assert family_ended(bureau, party, first, second)


def test_a_used_refresh_token_from_another_client_ends_the_family(bureau: Bureau) -> None:
    party, thief = fapi(bureau), fapi(bureau)
    first = party.login(bureau.phone())
    second = party.refresh(first["refresh_token"]).json()
    assert told(thief.refresh(first["refresh_token"])) == REFUSED
    assert family_ended(bureau, party, first, second)


def test_a_refresh_token_not_yet_used_is_worth_nothing_to_another_client_or_key_and_stays_its_owners(
    bureau: Bureau,
) -> None:
    party, thief = public(bureau), fapi(bureau)
    first = party.login(bureau.phone())
    assert told(thief.refresh(first["refresh_token"])) == REFUSED
    assert told(party.refresh(first["refresh_token"], key=new_signer())) == REFUSED
    assert party.refresh(first["refresh_token"]).status_code == 200


def test_a_code_repeated_at_once_is_refused_and_logs_nobody_out(bureau: Bureau) -> None:
    party, pkce = fapi(bureau), new_pkce()
    code = party.code(bureau.phone(), pkce)
    tokens = party.redeem(code, pkce).json()
    assert told(party.redeem(code, pkce)) == REFUSED
    assert party.userinfo(tokens["access_token"]).status_code == 200


def test_a_code_that_comes_again_late_ends_what_it_gave(bureau: Bureau, settings: Settings) -> None:
    party, pkce = fapi(bureau), new_pkce()
    code = party.code(bureau.phone(), pkce)
    tokens = party.redeem(code, pkce).json()
    made_older(settings, "authorization_code", code, 30)
    assert told(party.redeem(code, pkce)) == REFUSED
    assert family_ended(bureau, party, tokens)


@pytest.mark.parametrize("who", ["another client", "another key"])
def test_a_used_code_from_somebody_else_ends_what_it_gave(bureau: Bureau, who: str) -> None:
    party, pkce = fapi(bureau), new_pkce()
    code = party.code(bureau.phone(), pkce)
    tokens = party.redeem(code, pkce).json()
    thief = fapi(bureau) if who == "another client" else Party(bureau, party.client)
    assert told(thief.redeem(code, pkce)) == REFUSED
    assert family_ended(bureau, party, tokens)


@pytest.mark.parametrize("wrong", ["client", "key", "verifier", "redirect_uri"])
def test_a_stolen_code_uses_nothing_up_while_something_of_it_is_wrong(bureau: Bureau, wrong: str) -> None:
    other = "https://client.example/other"
    party, pkce = fapi(bureau, redirect_uris=["https://client.example/callback", other]), new_pkce()
    code = party.code(bureau.phone(), pkce)
    match wrong:
        case "client":
            answer = fapi(bureau).redeem(code, pkce)
        case "key":
            answer = Party(bureau, party.client).redeem(code, pkce)
        case "verifier":
            answer = party.redeem(code, new_pkce())
        case _:
            answer = party.redeem(code, pkce, redirect_uri=other)
    assert told(answer) == REFUSED
    assert party.redeem(code, pkce).status_code == 200


def test_a_refresh_never_widens_the_scope(bureau: Bureau) -> None:
    party = fapi(bureau)
    first = party.login(bureau.phone())
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    assert told(party.post("/oauth/token", {**form, "scope": f"openid ecard_item:{ITEM}"})) == (400, "invalid_scope")
    assert party.refresh(first["refresh_token"]).status_code == 200
