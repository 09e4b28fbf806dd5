"""Nobody logs another's browser out: a link from elsewhere ends at most the login that it was given for."""

import time
from typing import Any, NamedTuple

import pytest

from ecard.client import Phone
from tests.auth.acts import told
from tests.auth.party import Party, Tab, new_pkce, query, standard
from tests.bureau import Bureau, new_uscc

OUT = "https://client.example/out"
SECONDS = 2.0
SESSION = "__Host-ecard_browser"


class Seated(NamedTuple):
    """A browser that stays logged in, and the tokens that came of it."""

    tab: Tab
    tokens: dict[str, Any]

    @property
    def cookie(self) -> str:
        return next((value for (name, _), value in self.tab._jar.items() if name == SESSION), "")


@pytest.fixture(scope="module")
def party(bureau: Bureau) -> Party:
    """A website that a browser may come back to."""
    return standard(bureau, post_logout_redirect_uris=[OUT])


def sit(party: Party, phone: Phone) -> Seated:
    tab, pkce = Tab(party.bureau.base_url), new_pkce()
    _, page = party.begin(pkce, tab)
    party.approve(phone, tab, page, remember=True)
    code = query(tab.get(f"{page}/done").headers["location"])["code"]
    return Seated(tab, party.redeem(code, pkce).json())


def is_seated(party: Party, tab: Tab) -> bool:
    went = query(tab.get("/oauth/authorize", **party.asked(new_pkce(), prompt="none")).headers["location"])
    return "code" in went


def dies(party: Party, tokens: dict[str, Any]) -> None:
    deadline = time.monotonic() + SECONDS
    while party.userinfo(tokens["access_token"]).status_code == 200:
        assert time.monotonic() < deadline
    assert told(party.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def lives(party: Party, seated: Seated) -> None:
    """Check that browser and tokens stand as before, also when any feed has had its time."""
    time.sleep(1)
    assert seated.cookie
    assert is_seated(party, seated.tab)
    assert party.userinfo(seated.tokens["access_token"]).status_code == 200
    assert party.active(seated.tokens["access_token"])


def test_anothers_hint_ends_its_own_grant_alone(bureau: Bureau, party: Party) -> None:
    victim = sit(party, bureau.phone())
    rogue = standard(bureau, agency=bureau.registrar.register_agency("测试医保局", new_uscc()))
    for other in (party, rogue):
        theirs = other.login(bureau.phone())
        answer = victim.tab.get("/oauth/logout", id_token_hint=theirs["id_token"])
        assert (answer.status_code, answer.headers["location"]) == (303, "/login/out")
        assert answer.headers.get_list("set-cookie") == []
        dies(other, theirs)
    lives(party, victim)


def test_ones_own_hint_ends_browser_and_tokens(bureau: Bureau, party: Party) -> None:
    mine, other = sit(party, bureau.phone()), sit(party, bureau.phone())
    answer = mine.tab.get(
        "/oauth/logout", id_token_hint=mine.tokens["id_token"], post_logout_redirect_uri=OUT, state="bye"
    )
    assert answer.headers["location"] == f"{OUT}?state=bye"
    [cookie] = answer.headers.get_list("set-cookie")
    assert cookie.startswith(f"{SESSION}=")
    assert not mine.cookie.strip('"')
    dies(party, mine.tokens)
    lives(party, other)


def test_a_holders_older_hint_ends_the_browser_that_is_the_same_holders(bureau: Bureau, party: Party) -> None:
    phone = bureau.phone()
    elsewhere, mine = party.login(phone), sit(party, phone)
    kept = dict(mine.tab._jar)
    mine.tab.get("/oauth/logout", id_token_hint=elsewhere["id_token"])
    dies(party, elsewhere)
    dies(party, mine.tokens)
    mine.tab._jar = kept  # whoever kept the cookie has nothing
    assert not is_seated(party, mine.tab)


@pytest.mark.parametrize("more", [{}, {"state": "bye"}, {"post_logout_redirect_uri": OUT}])
def test_a_bare_link_changes_nothing_and_clears_no_cookie(bureau: Bureau, party: Party, more: dict[str, str]) -> None:
    victim = sit(party, bureau.phone())
    named = {"client_id": party.client.client_id} if "post_logout_redirect_uri" in more else {}
    answer = victim.tab.get("/oauth/logout", **more, **named)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login/out")
    assert answer.headers.get_list("set-cookie") == []
    lives(party, victim)


def test_the_page_asks_and_its_form_ends_browser_and_tokens(bureau: Bureau, party: Party) -> None:
    mine = sit(party, bureau.phone())
    page = mine.tab.get("/login/out")
    assert page.status_code == 200
    assert '<form method="post"' in page.text
    assert is_seated(party, mine.tab)
    kept = dict(mine.tab._jar)
    answer = mine.tab.send("POST", "/login/out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login/out")
    mine.tab._jar = {key: value for key, value in mine.tab._jar.items() if value.strip('"')}
    assert "<form" not in mine.tab.get("/login/out").text
    dies(party, mine.tokens)
    mine.tab._jar = kept
    assert not is_seated(party, mine.tab)


def test_a_form_of_another_site_brings_no_cookie_and_ends_nothing(bureau: Bureau, party: Party) -> None:
    victim = sit(party, bureau.phone())
    assert Tab(bureau.base_url).send("POST", "/login/out").status_code == 303
    assert Tab(bureau.base_url).send("POST", "/oauth/logout").status_code == 303
    lives(party, victim)
