"""What no client means to send, at each endpoint: the specification's code, never a fault, and nothing echoed."""

from urllib.parse import urlencode

import httpx
import pytest

from auth.errors import BadRequest
from auth.forms import parse
from tests.auth.acts import DETAILS, told
from tests.auth.party import ASSERTION, CIBA, DEVICE, Party, Tab, fapi, new_pkce, query, standard
from tests.bureau import Bureau

MARK = "zqMarkedValue7"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ENDPOINTS = ["par", "token", "introspect", "revoke", "device", "ciba"]
PAGES = ["authorize", "logout"]


def post(party: Party, endpoint: str, body: bytes, content_type: str = FORM["Content-Type"]) -> httpx.Response:
    return party.http.post(f"/oauth/{endpoint}", content=body, headers={"Content-Type": content_type})


def assert_refused(answer: httpx.Response, status: int = 400, error: str = "invalid_request") -> None:
    assert told(answer) == (status, error), answer.text
    assert MARK not in answer.text
    assert MARK not in repr(answer.headers)
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert {"error", "error_description", "hint", "code", "request_id"} <= body.keys()
    assert body["error_description"].isascii()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("name", ["client_id", "grant_type", "scope", "an_extension"])
def test_a_parameter_given_twice_is_refused_and_named(bureau: Bureau, endpoint: str, name: str) -> None:
    party = fapi(bureau)
    body = urlencode([*party.authenticated().items(), (name, MARK), (name, MARK)])
    answer = post(party, endpoint, body.encode())
    assert_refused(answer)
    assert answer.json()["parameter"] == name


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "bad",
    [
        b"scope=%00" + MARK.encode(),
        b"scope=" + MARK.encode() + b"%0d%0aSet-Cookie:%20a=b",
        b"scope=%1b" + MARK.encode(),
        b"scope=%ff%fe" + MARK.encode(),
        b"scope=\xff" + MARK.encode(),
        b"scope=%ed%a0%80" + MARK.encode(),
        b"&".join(b"p%d=%s" % (n, MARK.encode()) for n in range(41)),
    ],
    ids=["nul", "line feeds", "escape", "not utf-8, escaped", "not utf-8", "surrogate", "forty-one parameters"],
)
def test_characters_that_no_parameter_has_are_refused(bureau: Bureau, endpoint: str, bad: bytes) -> None:
    party = fapi(bureau)
    assert_refused(post(party, endpoint, urlencode(party.authenticated()).encode() + b"&" + bad))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_body_of_a_megabyte_is_refused_before_anything_is_read(bureau: Bureau, endpoint: str) -> None:
    assert_refused(post(fapi(bureau), endpoint, b"scope=" + MARK.encode() * 75_000), 413)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_a_body_that_is_no_form_is_refused(bureau: Bureau, endpoint: str, kind: str) -> None:
    party = fapi(bureau)
    answer = post(party, endpoint, urlencode({**party.authenticated(), "scope": MARK}).encode(), kind)
    assert_refused(answer)
    assert answer.json()["parameter"] == "Content-Type"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("body", [b"", b"&&==&", b"=", b"client_id=", b"client_id=%EF%BC%91%EF%BC%92", b"client_id={}"])
def test_whoever_names_no_client_is_told_invalid_client(bureau: Bureau, endpoint: str, body: bytes) -> None:
    answer = post(fapi(bureau), endpoint, body)
    assert_refused(answer, 401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_other_methods_are_refused(bureau: Bureau, endpoint: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = bureau.http.request(method, f"/oauth/{endpoint}", params={"scope": MARK})
        assert (answer.status_code, MARK in answer.text) == (405, False)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_two_ways_of_authentication_at_once_are_refused(bureau: Bureau, endpoint: str) -> None:
    party = fapi(bureau)
    assert_refused(party.http.post(f"/oauth/{endpoint}", data={**party.authenticated(), "client_secret": MARK}))
    answer = party.http.post(f"/oauth/{endpoint}", data=party.authenticated(), auth=(party.client.client_id, MARK))
    assert_refused(answer)


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !!!", "Basic " + "QQ==", "Basic /////w==", "Basic Og==", "Bearer x", "Basic " + "A" * 20_000],
)
def test_a_header_that_is_no_basic_authentication_is_told_invalid_client(bureau: Bureau, header: str) -> None:
    answer = bureau.http.post("/oauth/introspect", data={"token": MARK}, headers={"Authorization": header})
    assert_refused(answer, 401, "invalid_client")


@pytest.mark.parametrize(
    ("endpoint", "name", "value", "error"),
    [
        ("par", "max_age", "１２０", "invalid_request"),
        ("par", "max_age", "-1", "invalid_request"),
        ("par", "max_age", "9" * 400, "invalid_request"),
        ("par", "code_challenge", "Ａ" * 43, "invalid_request"),
        ("par", "state", MARK * 60, "invalid_request"),
        ("par", "nonce", MARK * 60, "invalid_request"),
        ("par", "prompt", f"none {MARK}", "invalid_request"),
        ("par", "response_mode", MARK, "invalid_request"),
        ("par", "response_type", MARK, "unsupported_response_type"),
        ("par", "scope", MARK, "invalid_scope"),
        ("par", "resource", f"https://{MARK}.example", "invalid_target"),
        ("par", "acr_values", MARK, "unmet_authentication_requirements"),
        ("par", "authorization_details", MARK, "invalid_authorization_details"),
        ("par", "authorization_details", "[" * 20_000, "invalid_authorization_details"),
        ("par", "authorization_details", '[{"a":' * 3_000, "invalid_authorization_details"),
        ("par", "authorization_details", '[{"type":"ecard_item","item":"\\u0000"}]', "invalid_authorization_details"),
        ("par", "authorization_details", '[{"type":"ecard_item","item":"\\ud800"}]', "invalid_authorization_details"),
        ("par", "authorization_details", '[{"type":"ecard_item"}]', "invalid_authorization_details"),
        ("par", "authorization_details", DETAILS[:-1] + "," + DETAILS[1:], "invalid_authorization_details"),
        ("par", "request", MARK, "invalid_request_object"),
        ("par", "request", ".".join(["e30"] * 3), "invalid_request_object"),
        ("par", "request_uri", MARK, "invalid_request"),
        ("token", "grant_type", MARK, "unsupported_grant_type"),
        ("token", "grant_type", "authorization_code", "invalid_request"),
        ("token", "grant_type", "ａuthorization_code", "unsupported_grant_type"),
        ("introspect", "token", "１" * 40, ""),
        ("revoke", "token", MARK, ""),
        ("revoke", "an_extension", MARK, "invalid_request"),
        ("device", "scope", MARK, "invalid_scope"),
        ("ciba", "scope", MARK, "invalid_request"),
        ("ciba", "login_hint", MARK, "unknown_user_id"),
        ("ciba", "id_token_hint", MARK, "unknown_user_id"),
        ("ciba", "requested_expiry", "１２０", "unknown_user_id"),
    ],
)
def test_a_value_that_does_not_fit_is_told_the_specifications_code(
    bureau: Bureau, endpoint: str, name: str, value: str, error: str
) -> None:
    party, form = fapi(bureau), {"scope": "openid"}
    if endpoint == "par":
        form = party.asked(new_pkce())
    if endpoint == "ciba" and "hint" not in name:
        form["login_hint"] = "nobody"
    answer = party.post(f"/oauth/{endpoint}", {**form, name: value})
    if error:
        assert_refused(answer, error=error)
    assert answer.status_code in {200, 400}
    assert value not in answer.text


@pytest.mark.parametrize("expiry", ["１２０", "0", "301", "-1", "1e2", "000000010999999", "0" * 8 + "19" + "9" * 20])
def test_a_request_of_the_counter_lives_five_minutes_at_most_however_it_asks(bureau: Bureau, expiry: str) -> None:
    party = fapi(bureau)
    sub = party.userinfo(party.login(bureau.phone())["access_token"]).json()["sub"]
    form = {"scope": "openid", "login_hint": sub, "requested_expiry": expiry}
    answer = party.post("/oauth/ciba", form)
    assert_refused(answer)
    assert answer.json()["parameter"] == "requested_expiry"


@pytest.mark.parametrize("message", ["a\u200bb", "x" * 33, "\u202eabc", "a\u2028b"])
def test_a_binding_message_that_does_not_show_as_it_is_is_refused(bureau: Bureau, message: str) -> None:
    form = {"scope": "openid", "login_hint": "nobody", "binding_message": message}
    answer = fapi(bureau).post("/oauth/ciba", form)
    assert (told(answer), message in answer.text) == ((400, "invalid_binding_message"), False)


@pytest.mark.parametrize("grant", ["authorization_code", "refresh_token", DEVICE, CIBA])
@pytest.mark.parametrize("value", ["", "０" * 43, "' OR 1=1 --", "../../etc/passwd", "x" * 9_000])
def test_a_code_that_nobody_issued_is_told_invalid_grant(bureau: Bureau, grant: str, value: str) -> None:
    names = ["code", "refresh_token", "device_code", "auth_req_id"]
    form = {"grant_type": grant, **dict.fromkeys(names, value)}
    form |= {"redirect_uri": "https://client.example/callback", "code_verifier": "v" * 43}
    answer = fapi(bureau).post("/oauth/token", form)
    assert_refused(answer, error="invalid_grant" if value else "invalid_request")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "bad",
    [
        f"state={MARK}&state={MARK}",
        f"state=%00{MARK}",
        f"state={MARK}%0d%0aLocation:%20//x",
        f"state=%ff{MARK}",
        "&".join(f"p{n}={MARK}" for n in range(41)),
    ],
)
def test_a_browser_that_brings_such_parameters_is_sent_nowhere(bureau: Bureau, page: str, bad: str) -> None:
    party = standard(bureau)
    good = urlencode({"client_id": party.client.client_id, "redirect_uri": "https://client.example/callback"})
    for accept, answer in (
        (kind, bureau.http.request(method, f"/oauth/{page}{where}", content=body, headers={"Accept": kind, **FORM}))
        for kind in ("text/html", "application/json")
        for method, where, body in (("GET", f"?{good}&{bad}", ""), ("POST", "", f"{good}&{bad}"))
    ):
        assert answer.status_code == 400, answer.text
        assert accept in answer.headers["Content-Type"].replace("problem+", "")
        assert "location" not in answer.headers
        assert MARK not in answer.text + repr(answer.headers)


def test_what_concerns_a_good_address_is_told_there_without_an_echo(bureau: Bureau) -> None:
    party = standard(bureau)
    asked = party.asked(new_pkce(), max_age=MARK)
    answer = Tab(bureau.base_url).get("/oauth/authorize", **asked)
    told_back = query(answer.headers["location"])
    assert (told_back["error"], told_back["state"]) == ("invalid_request", "s1")
    assert MARK not in answer.headers["location"] + answer.text


@pytest.mark.parametrize("text", ["a=1&a=2", "a=%00", "a=%0a", "a=%ff", "&".join(f"p{n}=1" for n in range(41))])
def test_a_form_is_read_strictly(text: str) -> None:
    with pytest.raises(BadRequest):
        parse(text)


def test_a_parameter_sent_empty_counts_as_not_sent() -> None:
    assert parse("a=&b=1&c") == {"b": "1"}


@pytest.mark.parametrize("kind", [None, "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
def test_an_assertion_without_its_right_type_is_refused(bureau: Bureau, kind: str | None) -> None:
    party = fapi(bureau)
    form = {"token": MARK, "client_assertion": party.assertion(), "client_assertion_type": kind or ""}
    assert_refused(party.http.post("/oauth/introspect", data=form))
    assert party.http.post("/oauth/introspect", data={**form, "client_assertion_type": ASSERTION}).status_code == 200
