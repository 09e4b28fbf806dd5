"""A login that was confirmed waits a minute for whoever asked; an expired page can go back, or begin again once."""

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ecard.settings import Settings
from tests.auth.acts import begin_device, confirm, poll, told
from tests.auth.party import CIBA, Party, Tab, fapi, new_pkce, query, standard
from tests.bureau import Bureau, rows

OVER = "UPDATE login SET ends_at = clock_timestamp() - make_interval(secs => $2) WHERE client = $1::text::uuid"
EXPIRED = "UPDATE consent_grant SET expires_at = clock_timestamp() - interval '1 second' WHERE client = $1::text::uuid"
MINUTE = 60


class Browser(Tab):
    """A tab that forgets a cookie when its Max-Age is over, by a clock of its own."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        self.now = 0
        self._until: dict[tuple[str, str], int] = {}

    def send(self, method: str, path: str, **query: str) -> httpx.Response:
        for key in [key for key, until in self._until.items() if until <= self.now]:
            self._jar.pop(key, None)
        answer = super().send(method, path, **query)
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self._until[name, morsel["path"]] = self.now + int(morsel["max-age"])
        return answer


def ended(settings: Settings, party: Party, seconds: float) -> None:
    """Let the client's logins have ended `seconds` ago."""
    rows(settings, OVER, party.client.client_id, float(seconds))


def by_device(bureau: Bureau, party: Party) -> Any:
    begun = begin_device(party)
    confirm(bureau.phone(), begun["qr"])
    return lambda: poll(party, begun["device_code"])


def by_message(bureau: Bureau, party: Party) -> Any:
    phone = bureau.phone()
    sub = party.userinfo(party.login(phone)["access_token"]).json()["sub"]
    asked = party.post("/oauth/ciba", {"scope": "openid", "login_hint": sub}).json()["auth_req_id"]
    [waiting] = phone.call("GET", "/v1/me/logins").json()
    phone.call("POST", f"/v1/logins/{waiting['id']}/confirm", {})
    return lambda: party.post("/oauth/token", {"grant_type": CIBA, "auth_req_id": asked})


@pytest.mark.parametrize("confirmed", [by_device, by_message])
def test_a_confirmed_login_is_given_for_a_minute_after_its_end_and_expired_then(
    bureau: Bureau, settings: Settings, confirmed: Any
) -> None:
    party = fapi(bureau)
    fetch = confirmed(bureau, party)
    ended(settings, party, MINUTE - 20)
    tokens = fetch()
    assert tokens.status_code == 200, tokens.text
    assert party.active(tokens.json()["access_token"])
    party = fapi(bureau)
    fetch = confirmed(bureau, party)
    ended(settings, party, MINUTE + 1)
    assert told(fetch()) == (400, "expired_token")


def test_a_confirmed_page_goes_back_with_a_code_for_a_minute_and_denied_then(
    bureau: Bureau, settings: Settings
) -> None:
    party = standard(bureau)
    for late, wanted in ((MINUTE - 20, "code"), (MINUTE + 1, "error")):
        tab, page = party.begin(new_pkce())
        party.approve(bureau.phone(), tab, page)
        ended(settings, party, late)
        went = query(tab.get(f"{page}/done").headers["location"])
        assert wanted in went
        assert went.get("error", "access_denied") == "access_denied"


def test_an_expired_grant_gives_no_userinfo_no_code_and_no_tokens(bureau: Bureau, settings: Settings) -> None:
    party, pkce = fapi(bureau), new_pkce()
    phone = bureau.phone()
    tokens, code = party.login(phone), party.code(phone, pkce)
    fetch = by_device(bureau, party)
    tab, page = party.begin(new_pkce())
    party.approve(phone, tab, page)
    rows(settings, EXPIRED, party.client.client_id)
    assert told(party.userinfo(tokens["access_token"])) == (401, "invalid_token")
    assert told(party.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert told(party.redeem(code, pkce)) == (400, "invalid_grant")
    assert told(fetch()) == (400, "invalid_grant")
    assert query(tab.get(f"{page}/done").headers["location"])["error"] == "access_denied"


def waits(bureau: Bureau, party: Party) -> tuple[Browser, str]:
    """Return a browser on a login page that nobody scans."""
    tab = Browser(bureau.base_url)
    return tab, party.begin(new_pkce(), tab)[1]


def passes(settings: Settings, party: Party, tab: Browser, since: int) -> None:
    """Let the page have expired `since` seconds ago, for the server and for the browser."""
    ended(settings, party, since)
    tab.now += 300 + since


def test_an_expired_page_says_so_and_goes_back_without_consent(bureau: Bureau, settings: Settings) -> None:
    party = standard(bureau)
    tab, page = waits(bureau, party)
    passes(settings, party, tab, 600)
    assert tab.get(page).status_code == 200
    assert tab.status(page)["state"] == "expired"
    went = query(tab.get(f"{page}/done").headers["location"])
    assert (went["error"], went["state"]) == ("access_denied", "s1")


def test_an_expired_page_begins_again_once_with_the_same_request(bureau: Bureau, settings: Settings) -> None:
    party, phone, pkce = standard(bureau), bureau.phone(), new_pkce()
    tab = Browser(bureau.base_url)
    _, page = party.begin(pkce, tab, state="s7")
    passes(settings, party, tab, 600)
    again = tab.get(f"{page}/again")
    assert again.status_code == 303
    anew = urlsplit(again.headers["location"]).path
    assert anew != page
    assert [tab.get(f"{page}/again").status_code for _ in range(3)] == [404] * 3
    party.approve(phone, tab, anew)
    went = query(tab.get(f"{anew}/done").headers["location"])
    assert went["state"] == "s7"
    assert party.redeem(went["code"], pkce).status_code == 200
    assert query(tab.get(f"{page}/done").headers["location"])["error"] == "access_denied"


@pytest.mark.parametrize("since", [-60, 15 * MINUTE + 5])
def test_a_page_begins_again_neither_before_its_end_nor_a_quarter_of_an_hour_after(
    bureau: Bureau, settings: Settings, since: int
) -> None:
    party = standard(bureau)
    tab, page = party.begin(new_pkce())
    ended(settings, party, since)
    assert tab.get(f"{page}/again").status_code == 404
    assert tab.get(page).status_code == 200


def test_a_page_that_was_decided_does_not_begin_again(bureau: Bureau, settings: Settings) -> None:
    party = standard(bureau)
    tab, page = party.begin(new_pkce())
    party.approve(bureau.phone(), tab, page)
    ended(settings, party, 2 * MINUTE)
    assert tab.get(f"{page}/again").status_code == 404
    tab, page = party.begin(new_pkce())
    assert tab.send("POST", f"{page}/cancel").status_code == 303
    ended(settings, party, 2 * MINUTE)
    assert tab.get(f"{page}/again").status_code == 404


def test_nobody_else_begins_an_expired_page_again(bureau: Bureau, settings: Settings) -> None:
    party = standard(bureau)
    tab, page = party.begin(new_pkce())
    ended(settings, party, MINUTE)
    other, _ = party.begin(new_pkce())
    assert other.get(f"{page}/again").status_code == 404
    assert tab.get(f"{page}/again").status_code == 303
