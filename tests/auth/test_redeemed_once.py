"""Whatever is redeemed once, redeemed by fifty at once: one wins, and what it won stands."""

from urllib.parse import urlsplit

import pytest

from ecard.settings import Settings
from tests.auth.acts import at_once, begin_device, confirm, poll, prepared, redemption, tally
from tests.auth.party import DEVICE, Party, Tab, fapi, new_pkce, query, standard
from tests.bureau import Bureau, rows

MANY = 50


def assert_stands(party: Party, access_token: str) -> None:
    assert party.active(access_token)
    assert party.userinfo(access_token).status_code == 200


def rotations(settings: Settings, party: Party) -> tuple[int, int]:
    """Return how many refresh tokens the client's grants have, and how many of them were used."""
    sql = "SELECT count(*) AS made, count(used_at) AS used FROM refresh_token WHERE client = $1::uuid"
    row = rows(settings, sql, party.client.client_id)[0]
    return row["made"], row["used"]


def test_of_fifty_redemptions_of_a_code_one_wins_and_its_tokens_stand(bureau: Bureau, settings: Settings) -> None:
    party, pkce = fapi(bureau), new_pkce()
    form = redemption(party.code(bureau.phone(), pkce), pkce.verifier)
    answers = at_once([prepared(party, "/oauth/token", form) for _ in range(MANY)])
    assert tally(answers) == {(200, ""): 1, (400, "invalid_grant"): MANY - 1}
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    assert_stands(party, won["access_token"])
    assert rotations(settings, party) == (1, 0)
    assert party.refresh(won["refresh_token"]).status_code == 200


def test_of_fifty_polls_for_a_confirmed_device_login_one_wins_and_its_tokens_stand(
    bureau: Bureau, settings: Settings
) -> None:
    party = fapi(bureau)
    begun = begin_device(party)
    confirm(bureau.phone(), begun["qr"])
    form = {"grant_type": DEVICE, "device_code": begun["device_code"]}
    answers = at_once([prepared(party, "/oauth/token", form) for _ in range(MANY)])
    assert tally(answers) == {(200, ""): 1, (400, "invalid_grant"): MANY - 1}
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    assert_stands(party, won["access_token"])
    assert rotations(settings, party) == (1, 0)
    assert poll(party, begun["device_code"]).json()["error"] == "invalid_grant"
    assert_stands(party, won["access_token"])


def test_of_fifty_browsers_with_one_request_uri_one_comes_to_a_login_page_and_its_login_ends_well(
    bureau: Bureau,
) -> None:
    party, pkce = fapi(bureau), new_pkce()
    pushed = party.push(pkce)
    tabs = [Tab(bureau.base_url) for _ in range(MANY)]
    won: list[tuple[Tab, str]] = []

    def come(tab: Tab) -> object:
        answer = tab.get("/oauth/authorize", client_id=party.client.client_id, request_uri=pushed)
        if answer.status_code == 303:
            won.append((tab, urlsplit(answer.headers["location"]).path))
        return answer

    answers = at_once([lambda tab=tab: come(tab) for tab in tabs])  # type: ignore[misc] # bound at once
    assert sorted(answer.status_code for answer in answers) == [303] + [400] * (MANY - 1)
    assert all("oauth_invalid_request_uri" in answer.text for answer in answers if answer.status_code == 400)
    tab, page = won[0]
    party.approve(bureau.phone(), tab, page)
    code = query(tab.get(f"{page}/done").headers["location"])["code"]
    assert_stands(party, party.redeem(code, pkce).json()["access_token"])


@pytest.mark.parametrize("kind", ["fapi2", "public"])
def test_fifty_uses_of_a_refresh_token_get_the_very_bytes_of_one_rotation(
    bureau: Bureau, settings: Settings, kind: str
) -> None:
    party = fapi(bureau) if kind == "fapi2" else standard(bureau, auth_method="none", dpop=True)
    first = party.login(bureau.phone())
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    answers = at_once([prepared(party, "/oauth/token", form) for _ in range(MANY)])
    assert tally(answers) == {(200, ""): MANY}
    assert len({answer.content for answer in answers}) == 1
    assert rotations(settings, party) == (2, 1)
    won = answers[0].json()
    assert won["refresh_token"] != first["refresh_token"]
    assert party.userinfo(won["access_token"]).status_code == 200
    assert party.refresh(won["refresh_token"]).status_code == 200


def test_of_fifty_returns_of_a_confirmed_page_one_carries_a_code(bureau: Bureau) -> None:
    party, pkce = fapi(bureau), new_pkce()
    tab, page = party.begin(pkce)
    party.approve(bureau.phone(), tab, page)
    answers = at_once([lambda: tab.get(f"{page}/done")] * MANY)
    went = [query(answer.headers["location"]) for answer in answers]
    codes = [one["code"] for one in went if "code" in one]
    assert len(codes) == 1
    assert [one["error"] for one in went if "code" not in one] == ["access_denied"] * (MANY - 1)
    assert_stands(party, party.redeem(codes[0], pkce).json()["access_token"])
