"""OpenID Connect: what an authorization request may say and may not, and when the holder is asked again."""

import time

from ecard.client import Phone
from tests.auth.conformance.acts import (
    approved,
    front,
    identity,
    log_in,
    page_of,
    silently,
    stays_here,
    tokens,
    told,
)
from tests.auth.conformance.modules import module, of_each
from tests.auth.party import CALLBACK, ITEM, Party, Tab, jws, new_pkce, standard
from tests.bureau import Bureau, refused

REGISTERED = {"query": f"{CALLBACK}?site=1"}


@of_each(
    "oidcc-",
    "wrong",
    {
        "redirect-uri-query-added": f"{CALLBACK}?foo=bar",
        "redirect-uri-query-mismatch": f"{CALLBACK}?site=2",
        "ensure-registered-redirect-uri": "https://client.example/other",
    },
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(bureau: Bureau, wrong: str) -> None:
    party = standard(bureau, redirect_uris=[CALLBACK, REGISTERED["query"]])
    stays_here(front(party, Tab(bureau.base_url), new_pkce(), redirect_uri=wrong))


@module("oidcc-ensure-redirect-uri-in-authorization-request")
def test_a_client_says_where_the_browser_goes_even_if_it_has_one_address(site: Party) -> None:
    stays_here(front(site, Tab(site.bureau.base_url), new_pkce(), without="redirect_uri"))


@module("oidcc-redirect-uri-query-OK")
def test_a_registered_query_stays_in_the_address(bureau: Bureau, phone: Phone) -> None:
    party, pkce, tab = standard(bureau, redirect_uris=[REGISTERED["query"]]), new_pkce(), Tab(bureau.base_url)
    said = approved(party, phone, tab, page_of(front(party, tab, pkce, redirect_uri=REGISTERED["query"])))
    assert (said["site"], said["state"]) == ("1", "s1")
    assert tokens(party.redeem(said["code"], pkce, redirect_uri=REGISTERED["query"]))["id_token"]


@module("oidcc-redirect-uri-regfrag")
def test_an_address_with_a_fragment_is_not_registered(bureau: Bureau) -> None:
    with refused("redirect_uri_refused", 400):
        standard(bureau, redirect_uris=[f"{CALLBACK}#here"])


@module("oidcc-response-type-missing")
def test_a_request_without_response_type_is_told_back(site: Party) -> None:
    said = told(front(site, Tab(site.bureau.base_url), new_pkce(), without="response_type"))
    assert (said["error"], said["state"], said["iss"]) == ("invalid_request", "s1", site.issuer)


@of_each(
    "oidcc-",
    "added",
    {
        "ensure-request-with-unknown-parameter-succeeds": {"extra": "foobar"},
        "display-page": {"display": "page"},
        "display-popup": {"display": "popup"},
        "ui-locales": {"ui_locales": "en zh"},
        "claims-locales": {"claims_locales": "se"},
        "login-hint": {"login_hint": "somebody@client.example"},
        "ensure-request-with-valid-pkce-succeeds": {"code_challenge_method": "S256"},
    },
)
def test_a_parameter_that_changes_nothing_disturbs_nothing(site: Party, phone: Phone, added: dict[str, str]) -> None:
    assert (
        identity(site, log_in(site, phone, Tab(site.bureau.base_url), remember=False, **added)["id_token"])["nonce"]
        == "n1"
    )


@module("oidcc-ensure-request-with-acr-values-succeeds")
def test_the_strength_asked_for_is_the_one_that_the_id_token_names(site: Party, phone: Phone) -> None:
    offered = site.http.get("/.well-known/openid-configuration").json()["acr_values_supported"]
    claims = identity(site, log_in(site, phone, acr_values=" ".join(offered))["id_token"])
    assert claims["acr"] in offered


@module("oidcc-ensure-request-without-nonce-succeeds-for-code-flow")
def test_a_request_without_nonce_gets_a_token_without_one(site: Party, phone: Phone) -> None:
    pkce, tab = new_pkce(), Tab(site.bureau.base_url)
    said = approved(site, phone, tab, page_of(front(site, tab, pkce, without="nonce")))
    assert "nonce" not in identity(site, tokens(site.redeem(said["code"], pkce))["id_token"])


@module("oidcc-ensure-post-request-succeeds")
def test_an_authorization_request_may_be_posted(site: Party, phone: Phone) -> None:
    pkce, tab = new_pkce(), Tab(site.bureau.base_url)
    said = approved(site, phone, tab, page_of(front(site, tab, pkce, method="POST")))
    assert identity(site, tokens(site.redeem(said["code"], pkce))["id_token"])


@module("oidcc-alternate-happy-flow")
def test_the_order_of_parameters_and_scopes_does_not_matter(site: Party, phone: Phone) -> None:
    pkce, tab, scope = new_pkce(), Tab(site.bureau.base_url), f"ecard_item:{ITEM} openid"
    asked = site.asked(pkce, scope=scope)
    backwards = {name: asked[name] for name in reversed(asked)}
    said = approved(site, phone, tab, page_of(tab.get("/oauth/authorize", **backwards)))
    got = tokens(site.redeem(said["code"], pkce))
    assert set(got["scope"].split()) == set(scope.split())
    assert identity(site, got["id_token"])


@module("oidcc-ensure-request-object-with-redirect-uri")
def test_the_address_in_a_signed_request_counts_and_the_one_beside_it_does_not(bureau: Bureau, phone: Phone) -> None:
    other = "https://client.example/other"
    party = standard(bureau, auth_method="private_key_jwt", redirect_uris=[other, CALLBACK])
    pkce, tab, now = new_pkce(), Tab(bureau.base_url), int(time.time())
    assert party.client.signer is not None
    about = {"iss": party.client.client_id, "aud": party.issuer, "nbf": now, "exp": now + 300}
    signed = jws(party.client.signer, {"typ": "oauth-authz-req+jwt"}, {**party.asked(pkce), **about})
    answer = tab.get("/oauth/authorize", client_id=party.client.client_id, redirect_uri=other, request=signed)
    assert approved(party, phone, tab, page_of(answer))["code"]


@module("oidcc-prompt-none-not-logged-in")
def test_prompt_none_asks_nobody_and_says_that_a_login_is_needed(site: Party) -> None:
    said = told(front(site, Tab(site.bureau.base_url), new_pkce(), prompt="none"))
    assert (said["error"], said["state"]) == ("login_required", "s1")


@module("oidcc-prompt-none-logged-in")
def test_prompt_none_logs_in_whoever_the_browser_is_still_logged_in_as(site: Party, phone: Phone) -> None:
    tab = Tab(site.bureau.base_url)
    first = identity(site, log_in(site, phone, tab, remember=True)["id_token"])
    second = identity(site, silently(site, tab, prompt="none")["id_token"])
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


@module("oidcc-prompt-login")
def test_prompt_login_asks_a_holder_who_is_logged_in_again(site: Party, phone: Phone) -> None:
    tab = Tab(site.bureau.base_url)
    first = identity(site, log_in(site, phone, tab, remember=True)["id_token"])
    time.sleep(1.1)
    second = identity(site, log_in(site, phone, tab, prompt="login")["id_token"])
    assert (second["sub"], second["auth_time"] > first["auth_time"]) == (first["sub"], True)


@module("oidcc-max-age-1")
def test_a_login_older_than_max_age_is_asked_for_again(site: Party, phone: Phone) -> None:
    tab = Tab(site.bureau.base_url)
    first = identity(site, log_in(site, phone, tab, remember=True)["id_token"])
    time.sleep(2.1)
    assert told(front(site, tab, new_pkce(), prompt="none", max_age="1"))["error"] == "login_required"
    second = identity(site, log_in(site, phone, tab, max_age="1")["id_token"])
    assert second["auth_time"] > first["auth_time"] + 1


@module("oidcc-max-age-10000")
def test_a_login_younger_than_max_age_is_enough(site: Party, phone: Phone) -> None:
    tab = Tab(site.bureau.base_url)
    first = identity(site, log_in(site, phone, tab, remember=True, max_age="15000")["id_token"])
    second = identity(site, silently(site, tab, max_age="10000")["id_token"])
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


@module("oidcc-id-token-hint")
def test_a_hint_logs_in_the_holder_whom_it_names_and_nobody_else(bureau: Bureau, site: Party, phone: Phone) -> None:
    tab, other = Tab(site.bureau.base_url), bureau.phone()
    first = log_in(site, phone, tab, remember=True)["id_token"]
    second = identity(site, silently(site, tab, prompt="none", id_token_hint=first)["id_token"])
    assert second["sub"] == identity(site, first)["sub"]
    somebody = log_in(site, other)["id_token"]
    said = told(front(site, tab, new_pkce(), prompt="none", id_token_hint=somebody))
    assert said["error"] == "login_required"
    page = page_of(front(site, tab, new_pkce(), id_token_hint=somebody))
    with refused("login_unknown"):
        site.approve(phone, tab, page)
    foreign = standard(bureau)
    said = told(front(foreign, tab, new_pkce(), id_token_hint=first))
    assert said["error"] == "invalid_request"
