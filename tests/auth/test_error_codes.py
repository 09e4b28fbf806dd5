"""The specification's code for each refusal: a client's library acts on it, so it must be the one that it knows."""

from urllib.parse import urlsplit

import pytest

from auth.errors import OAuthError, description
from auth.logins import opening
from ecard.errors import catalogue
from ecard.limits import Limit
from tests.auth.acts import told
from tests.auth.party import Party, Tab, fapi, new_pkce, query, standard
from tests.bureau import PASSWORD, Bureau

NONE = Limit("login_client", 0, 60)


def answered(party: Party, tab: Tab, **changed: str) -> dict[str, str]:
    """Return what the client is told by a browser that is sent back at once."""
    answer = tab.get("/oauth/authorize", **party.asked(new_pkce(), **changed))
    assert answer.status_code == 303, answer.text
    return query(answer.headers["location"])


def test_a_browser_whose_address_opens_too_many_logins_is_sent_back_to_try_later(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = standard(bureau)
    monkeypatch.setattr(opening, "BY_ADDRESS", NONE)
    said = answered(party, Tab(bureau.base_url))
    assert (said["error"], said["state"]) == ("temporarily_unavailable", "s1")


def test_a_kiosk_that_begins_too_often_is_not_told_to_poll_slower(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = fapi(bureau)
    monkeypatch.setattr(opening, "BY_CLIENT", NONE)
    answer = party.post("/oauth/device", {"scope": "openid"})
    assert told(answer) == (429, "temporarily_unavailable")
    assert (answer.json()["code"], "retry-after" in answer.headers) == ("too_many_requests", True)


def test_a_browser_that_stays_logged_in_is_denied_what_its_holder_may_not_have_any_more(bureau: Bureau) -> None:
    person, tab = bureau.register(), Tab(bureau.base_url)
    phone = bureau.phone(person)
    body = {"id_no": person.facts["id_no"], "agency": bureau.agency, "role": "clerk"}
    staff = bureau.registrar.call("POST", "/v1/staff", body).json()["id"]
    party = Party(
        bureau, bureau.client(profile="standard", auth_method="client_secret_post", items=["A1-95"]), dpop=False
    )
    details = '[{"type":"ecard_item","item":"A1-95"}]'
    begun = tab.get("/oauth/authorize", **party.asked(new_pkce(), authorization_details=details))
    page = urlsplit(begun.headers["location"]).path
    party.approve(phone, tab, page, busi_seq=phone.prove(PASSWORD), remember=True)
    assert "code" in query(tab.get(f"{page}/done").headers["location"])
    assert "code" in answered(party, tab, authorization_details=details, prompt="none")
    bureau.registrar.call("DELETE", f"/v1/staff/{staff}")
    said = answered(party, tab, authorization_details=details, prompt="none")
    assert (said["error"], said["state"]) == ("access_denied", "s1")


def test_what_a_redirect_says_is_in_the_characters_that_it_may_hold(bureau: Bureau) -> None:
    said = answered(standard(bureau), Tab(bureau.base_url), authorization_details="[]")
    assert said["error"] == "invalid_authorization_details"
    assert said["error_description"].isascii()


@pytest.mark.parametrize("error", [one for one in catalogue() if issubclass(one, OAuthError)], ids=lambda one: one.code)
def test_every_description_has_only_the_characters_of_rfc_6749(error: type[OAuthError]) -> None:
    allowed = {0x20, 0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F)}
    assert set(description(error()).encode()) <= allowed
