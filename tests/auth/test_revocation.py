"""Whatever ends a grant ends its tokens everywhere within two seconds, in every process, and nothing besides."""

import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from ecard.client import Phone
from ecard.settings import Settings
from tests.auth.acts import begin_device, confirm, poll, told
from tests.auth.party import Party, Tab, fapi, new_pkce, query, standard
from tests.bureau import PASSWORD, Bureau, refused
from tests.conftest import serving

SECONDS = 2.0
OTHER_ITEM = '[{"type":"ecard_item","item":"A2-01"}]'


@pytest.fixture(scope="module")
def second(settings: Settings) -> Iterator[httpx.Client]:
    """A second server on the same stores: it was told nothing by the first."""
    with serving(settings) as url, httpx.Client(base_url=url, timeout=30) as http:
        yield http


class Victim:
    """A holder who logged in at a client, and the client's tokens."""

    def __init__(self, bureau: Bureau) -> None:
        self.bureau = bureau
        self.person = bureau.register()
        self.phone = bureau.phone(self.person)
        self.party = fapi(bureau, post_logout_redirect_uris=["https://client.example/out"])
        self.tokens = self.party.login(self.phone)
        self.friend = Party(bureau, bureau.client(), dpop=False)

    @property
    def access(self) -> str:
        return str(self.tokens["access_token"])

    def at(self, http: httpx.Client) -> "Victim":
        """Return the same, with all of its calls going to another server."""
        other = object.__new__(Victim)
        other.__dict__ |= self.__dict__
        for name in ("party", "friend"):
            mine = getattr(self, name)
            moved = Party(self.bureau, mine.client, dpop=False)
            moved.dpop, moved.http = mine.dpop, http
            setattr(other, name, moved)
        return other

    def stands(self) -> bool:
        """Say whether the access token is taken anywhere."""
        return self.friend.active(self.access) or self.party.userinfo(self.access).status_code == 200


def withdraw(victim: Victim) -> None:
    for grant in victim.phone.call("GET", "/v1/me/grants").json():
        victim.phone.call("DELETE", f"/v1/me/grants/{grant['id']}")


def report_lost(victim: Victim) -> None:
    victim.phone.report_lost()


def operator_locks(victim: Victim) -> None:
    victim.bureau.cards.set_card_status(victim.person.facts["card_no"], "locked")


def unbind(victim: Victim) -> None:
    victim.phone.call("POST", "/v1/me/channel/leave", {"busi_seq": victim.phone.prove(PASSWORD)})


def dispute(victim: Victim) -> None:
    victim.phone.call("POST", f"/v1/me/uses/{victim.phone.uses()[0]['id']}/dispute")


def disable_client(victim: Victim) -> None:
    victim.bureau.registrar.call("DELETE", f"/v1/clients/{victim.party.client.client_id}")


def revoke_refresh(victim: Victim) -> None:
    assert victim.party.post("/oauth/revoke", {"token": victim.tokens["refresh_token"]}).status_code == 200


def log_out(victim: Victim) -> None:
    answer = victim.bureau.http.get("/oauth/logout", params={"id_token_hint": victim.tokens["id_token"]})
    assert answer.status_code == 303


ENDS = [withdraw, report_lost, operator_locks, unbind, dispute, disable_client, revoke_refresh, log_out]


@pytest.mark.parametrize("end", ENDS)
def test_all_tokens_die_in_every_process_within_two_seconds(
    bureau: Bureau, second: httpx.Client, end: Callable[[Victim], None]
) -> None:
    victim = Victim(bureau)
    places = [victim, victim.at(second)]
    assert all(place.friend.active(victim.access) for place in places)
    assert all(place.party.userinfo(victim.access).status_code == 200 for place in places)
    end(victim)
    ended = time.monotonic()
    while any(place.stands() for place in places):
        assert time.monotonic() - ended < SECONDS
    for place in places:
        assert told(place.party.userinfo(victim.access)) == (401, "invalid_token")
        # A disabled client may still be let in for a second, and finds all that it was granted ended.
        errors = {(400, "invalid_grant"), *([(401, "invalid_client")] if end is disable_client else [])}
        assert told(place.party.refresh(victim.tokens["refresh_token"])) in errors


def test_an_access_token_revoked_dies_alone(bureau: Bureau, second: httpx.Client) -> None:
    victim = Victim(bureau)
    assert victim.party.post("/oauth/revoke", {"token": victim.access}).status_code == 200
    ended = time.monotonic()
    places = [victim, victim.at(second)]
    while any(place.stands() for place in places):
        assert time.monotonic() - ended < SECONDS
    fresh = victim.party.refresh(victim.tokens["refresh_token"]).json()
    assert victim.party.userinfo(fresh["access_token"]).status_code == 200


def test_nobody_revokes_another_clients_tokens(bureau: Bureau) -> None:
    victim = Victim(bureau)
    for token in (victim.access, victim.tokens["refresh_token"], victim.tokens["id_token"]):
        assert fapi(bureau).post("/oauth/revoke", {"token": token}).status_code == 200
        assert victim.party.post("/oauth/revoke", {"token": victim.tokens["id_token"]}).status_code == 200
    time.sleep(1)
    assert victim.party.userinfo(victim.access).status_code == 200
    assert victim.party.refresh(victim.tokens["refresh_token"]).status_code == 200


def test_a_consent_withdrawn_ends_the_tokens_of_that_item_alone(bureau: Bureau) -> None:
    victim = Victim(bureau)
    other = victim.party.login(victim.phone, authorization_details=OTHER_ITEM)
    elsewhere = fapi(bureau)
    theirs = elsewhere.login(victim.phone)
    mine = [one for one in victim.phone.call("GET", "/v1/me/grants").json() if one["item"] == "A1-94"]
    assert len(mine) == 2  # this client's and the other's
    consent = mine[1]["id"]
    with refused("not_found", 404):
        bureau.phone().call("DELETE", f"/v1/me/grants/{consent}")
    victim.phone.call("DELETE", f"/v1/me/grants/{consent}")
    ended = time.monotonic()
    while victim.stands():
        assert time.monotonic() - ended < SECONDS
    for party, tokens in ((victim.party, other), (elsewhere, theirs)):
        assert party.userinfo(tokens["access_token"]).status_code == 200
        assert party.refresh(tokens["refresh_token"]).status_code == 200
    left = [(one["item"], one["id"]) for one in victim.phone.call("GET", "/v1/me/grants").json()]
    assert sorted(item for item, _ in left) == ["A1-94", "A2-01"]
    assert consent not in {one for _, one in left}
    with refused("not_found", 404):
        victim.phone.call("DELETE", f"/v1/me/grants/{consent}")


@pytest.mark.parametrize("end", [withdraw, report_lost, unbind, dispute, disable_client])
def test_what_was_confirmed_and_not_fetched_yet_is_never_given_out(
    bureau: Bureau, end: Callable[[Victim], None]
) -> None:
    victim, pkce = Victim(bureau), new_pkce()
    party, phone = victim.party, victim.phone
    begun = begin_device(party)
    confirm(phone, begun["qr"])
    if end is dispute:
        dispute(victim)
    tab, page = party.begin(new_pkce())
    party.approve(phone, tab, page)
    if end is dispute:
        dispute(victim)
    code = party.code(phone, pkce)
    end(victim)
    if end is disable_client:
        time.sleep(2)  # within two seconds
    wanted = (401, "invalid_client") if end is disable_client else (400, "invalid_grant")
    assert told(party.redeem(code, pkce)) == wanted
    assert told(poll(party, begun["device_code"])) == wanted
    went = query(tab.get(f"{page}/done").headers["location"])
    assert went["error"] == "access_denied"


def test_a_card_found_again_revives_no_token(bureau: Bureau) -> None:
    victim = Victim(bureau)
    victim.phone.report_lost()
    victim.phone.report_found(PASSWORD)
    time.sleep(1)
    assert not victim.stands()
    assert told(victim.party.refresh(victim.tokens["refresh_token"])) == (400, "invalid_grant")
    assert victim.party.userinfo(victim.party.login(victim.phone)["access_token"]).status_code == 200


def silently(party: Party, tab: Tab) -> dict[str, str]:
    """Return what a browser brings back that may not ask its holder."""
    answer = tab.get("/oauth/authorize", **party.asked(new_pkce(), prompt="none"))
    assert urlsplit(answer.headers["location"]).netloc == "client.example"
    return query(answer.headers["location"])


def lost(phone: Phone, party: Party, tab: Tab) -> None:
    del party, tab
    phone.report_lost()


def left(phone: Phone, party: Party, tab: Tab) -> None:
    del party, tab
    phone.call("POST", "/v1/me/channel/leave", {"busi_seq": phone.prove(PASSWORD)})


def logged_out(phone: Phone, party: Party, tab: Tab) -> None:
    pkce = new_pkce()
    tokens = party.redeem(party.code(phone, pkce), pkce).json()
    assert tab.get("/oauth/logout", id_token_hint=tokens["id_token"]).status_code == 303


@pytest.mark.parametrize("end", [lost, left, logged_out])
def test_a_browser_that_stayed_logged_in_is_so_no_more(
    bureau: Bureau, end: Callable[[Phone, Party, Tab], None]
) -> None:
    party, phone, pkce = standard(bureau), bureau.phone(), new_pkce()
    tab = Tab(bureau.base_url)
    asked = party.asked(pkce)
    page = urlsplit(tab.get("/oauth/authorize", **asked).headers["location"]).path
    party.approve(phone, tab, page, remember=True)
    assert "code" in query(tab.get(f"{page}/done").headers["location"])
    assert "code" in silently(party, tab)
    end(phone, party, tab)
    assert silently(party, tab)["error"] == "login_required"
    assert silently(party, Tab(bureau.base_url))["error"] == "login_required"
