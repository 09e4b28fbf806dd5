"""A browser is sent to a registered address, to the character, or nowhere; and carries nothing that it should not."""

from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from auth.secrets import hashed
from ecard.settings import Settings
from tests.auth.acts import parts, told
from tests.auth.party import CALLBACK, Party, Tab, fapi, new_pkce, query, standard
from tests.bureau import Bureau, rows

OUT = "https://client.example/out"
ALTERED = [
    "",
    "https://client.example",
    "https://client.example/",
    "https://client.example/callback/",
    "https://client.example/callback?",
    "https://client.example/callback?x=1",
    "https://client.example/callback#",
    "https://client.example/callback#x",
    "https://client.example/Callback",
    "https://client.example/callback/../callback",
    "https://client.example/%63allback",
    "https://client.example//callback",
    "https://client.example:443/callback",
    "https://Client.example/callback",
    "https://client.example./callback",
    "https://client.example@evil.example/callback",
    "https://evil.example/https://client.example/callback",
    "https://client.example.evil.example/callback",
    "https://sub.client.example/callback",
    "http://client.example/callback",
    "//client.example/callback",
    "/callback",
    "https:client.example/callback",
    "https:\\\\client.example\\callback",
    "javascript:alert(1)",
    "data:text/html,x",
    " https://client.example/callback",
    "https://client.example/callback ",
    "https://client.example/callback,https://evil.example",
]


def authorize(bureau: Bureau, **asked: str) -> httpx.Response:
    return Tab(bureau.base_url).get("/oauth/authorize", **asked)


def assert_goes_nowhere(answer: httpx.Response, code: str, status: int = 400) -> None:
    assert answer.status_code == status
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert code in answer.text
    assert "evil" not in answer.text
    assert "http-equiv" not in answer.text


@pytest.mark.parametrize("uri", ALTERED)
def test_an_address_that_is_not_registered_to_the_character_is_never_gone_to(bureau: Bureau, uri: str) -> None:
    party, strict = standard(bureau), fapi(bureau)
    assert_goes_nowhere(authorize(bureau, **party.asked(new_pkce(), redirect_uri=uri)), "oauth_redirect_uri")
    # Also where something else is wrong, about which the client would be told.
    wrong = party.asked(new_pkce(), redirect_uri=uri, scope="nonsense", prompt="none")
    assert_goes_nowhere(authorize(bureau, **wrong), "oauth_redirect_uri")
    answer = strict.post("/oauth/par", strict.asked(new_pkce(), redirect_uri=uri))
    assert (answer.status_code, answer.json()["code"]) == (400, "oauth_redirect_uri")


@pytest.mark.parametrize("client_id", ["", "x", "00000000-0000-0000-0000-000000000000", "' OR 1=1"])
def test_for_a_client_that_is_none_a_browser_is_sent_nowhere(bureau: Bureau, client_id: str) -> None:
    asked = standard(bureau).asked(new_pkce(), client_id=client_id)
    assert_goes_nowhere(authorize(bureau, **asked), "oauth_invalid_client", 401)


def test_for_a_disabled_client_a_browser_is_sent_nowhere(bureau: Bureau) -> None:
    party = standard(bureau)
    bureau.registrar.call("DELETE", f"/v1/clients/{party.client.client_id}")
    assert_goes_nowhere(authorize(bureau, **party.asked(new_pkce())), "oauth_invalid_client", 401)


def test_a_request_uri_that_is_anothers_used_old_or_elsewhere_is_never_followed(
    bureau: Bureau, settings: Settings
) -> None:
    party, other = fapi(bureau), fapi(bureau)
    mine, used, old = (party.push(new_pkce()) for _ in range(3))
    assert authorize(bureau, client_id=party.client.client_id, request_uri=used).status_code == 303
    sql = "UPDATE pushed_request SET expires_at = now() WHERE handle = $1"
    rows(settings, sql, hashed(old.rpartition(":")[2]))
    for client, uri in (
        (other, mine),
        (party, used),
        (party, old),
        (party, mine + "x"),
        (party, mine.rpartition(":")[2]),
        (party, "https://evil.example/request.jwt"),
        (party, "urn:ietf:params:oauth:request_uri:"),
    ):
        # The address beside it is a registered one, and still no reason to go there.
        asked = {"client_id": client.client.client_id, "request_uri": uri, "redirect_uri": CALLBACK}
        assert_goes_nowhere(authorize(bureau, **asked), "oauth_invalid_request_uri")
    assert authorize(bureau, client_id=party.client.client_id, request_uri=mine).status_code == 303


def test_what_a_pushed_request_says_cannot_be_changed_by_the_browser(bureau: Bureau) -> None:
    party, phone = fapi(bureau), bureau.phone()
    asked = party.push(new_pkce())
    tab = Tab(bureau.base_url)
    changed = {"redirect_uri": "https://evil.example/", "state": "evil", "scope": "ecard_item:A2-01"}
    answer = tab.get("/oauth/authorize", client_id=party.client.client_id, request_uri=asked, **changed)
    page = urlsplit(answer.headers["location"]).path
    party.approve(phone, tab, page)
    location = tab.get(f"{page}/done").headers["location"]
    assert location.startswith(f"{CALLBACK}?")
    assert query(location)["state"] == "s1"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"prompt": "none"}, "login_required"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"authorization_details": "x"}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type":"ecard_item","item":"A1-95"}]'}, "invalid_authorization_details"),
        ({"acr_values": "l9-magic"}, "unmet_authentication_requirements"),
        ({"resource": "https://evil.example"}, "invalid_target"),
    ],
)
def test_an_error_goes_back_with_state_and_issuer_and_nothing_else_of_the_request(
    bureau: Bureau, changed: dict[str, str], error: str
) -> None:
    party, pkce = standard(bureau), new_pkce()
    state = "a b&c=d#e%20测"
    answer = authorize(bureau, **party.asked(pkce, state=state, **changed))
    location = answer.headers["location"]
    went = query(location)
    assert location.startswith(f"{CALLBACK}?")
    assert (went["error"], went["state"], went["iss"]) == (error, state, bureau.issuer)
    assert set(went) == {"error", "error_description", "state", "iss"}
    assert not {pkce.challenge, pkce.verifier, str(party.client.secret)} & set(location.split("&"))
    assert pkce.challenge not in location
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_a_code_goes_back_with_state_and_issuer_beside_what_the_address_has(bureau: Bureau) -> None:
    uri = "https://client.example/callback?tenant=7"
    party, pkce, tab = fapi(bureau, redirect_uris=[uri]), new_pkce(), Tab(bureau.base_url)
    tab, page = party.begin(pkce, tab, redirect_uri=uri)
    party.approve(bureau.phone(), tab, page)
    answer = tab.get(f"{page}/done")
    went = query(answer.headers["location"])
    assert set(went) == {"tenant", "code", "state", "iss"}
    assert (went["tenant"], went["state"], went["iss"]) == ("7", "s1", bureau.issuer)
    assert answer.headers["Cache-Control"] == "no-store"
    assert party.redeem(went["code"], pkce, redirect_uri=uri).status_code == 200


def test_without_a_state_none_is_made_up(bureau: Bureau) -> None:
    party = standard(bureau)
    asked = party.asked(new_pkce(), prompt="none")
    del asked["state"]
    assert "state" not in query(authorize(bureau, **asked).headers["location"])


def log_out(bureau: Bureau, **asked: str) -> httpx.Response:
    return bureau.http.get("/oauth/logout", params=asked, headers={"Accept": "text/html"})


@pytest.mark.parametrize("uri", [CALLBACK, *(uri.replace("/callback", "/out") for uri in ALTERED if uri)])
def test_a_logout_leads_to_an_address_registered_for_it_or_nowhere(bureau: Bureau, uri: str) -> None:
    party = fapi(bureau, post_logout_redirect_uris=[OUT])
    tokens = party.login(bureau.phone()) if uri == CALLBACK else {"id_token": "x"}
    for who in ({"client_id": party.client.client_id}, {"id_token_hint": tokens["id_token"]}, {}):
        answer = log_out(bureau, post_logout_redirect_uri=uri, **who)
        assert answer.status_code == 401
        assert "location" not in answer.headers


def test_a_logout_leads_back_with_its_state(bureau: Bureau) -> None:
    with_query = f"{OUT}?tenant=7"
    party = fapi(bureau, post_logout_redirect_uris=[OUT, with_query])
    hint = party.login(bureau.phone())["id_token"]
    answer = log_out(bureau, id_token_hint=hint, post_logout_redirect_uri=OUT, state="a b&c")
    assert answer.headers["location"] == f"{OUT}?{urlencode({'state': 'a b&c'})}"
    answer = log_out(bureau, id_token_hint=hint, post_logout_redirect_uri=with_query, state="s")
    assert query(answer.headers["location"]) == {"tenant": "7", "state": "s"}
    assert log_out(bureau, id_token_hint=hint).headers["location"] == "/login/out"


def test_a_logout_in_the_name_of_another_client_is_refused_and_ends_nothing(bureau: Bureau) -> None:
    party, other = fapi(bureau), fapi(bureau, post_logout_redirect_uris=[OUT])
    tokens = party.login(bureau.phone())
    answer = log_out(
        bureau, id_token_hint=tokens["id_token"], client_id=other.client.client_id, post_logout_redirect_uri=OUT
    )
    assert answer.status_code in {400, 401}
    assert "location" not in answer.headers
    assert party.refresh(tokens["refresh_token"]).status_code == 200


def test_another_site_logs_nobody_out_without_an_id_token(bureau: Bureau) -> None:
    party = fapi(bureau)
    tokens = party.login(bureau.phone())
    forged = ".".join([tokens["id_token"].rpartition(".")[0], "AAAA"])
    sid = parts(tokens["id_token"])[1]["sid"]
    for hint in ({}, {"id_token_hint": forged}, {"id_token_hint": tokens["access_token"]}, {"sid": sid}):
        log_out(bureau, client_id=party.client.client_id, **hint)
    assert party.userinfo(tokens["access_token"]).status_code == 200
    assert told(Party(bureau, party.client).userinfo(tokens["access_token"]))[0] == 401
