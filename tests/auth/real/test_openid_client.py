"""A certified library, openid-client of npm, does every flow against the provider over HTTP."""

import time
from typing import Any

import pytest

from ecard.client import Phone
from ecard.settings import Settings
from tests.auth.party import ALL_GRANTS, CALLBACK, ITEM
from tests.auth.real.visitor import Visitor
from tests.bureau import PASSWORD, Bureau, refused, rows
from tests.clients.keys import ClientKey, client_key
from tests.clients.node import Failed, Script, run

DETAILS = [{"type": "ecard_item", "item": ITEM}]
SCRIPT = "openid_client.mjs"


class Library:
    """A registered client whose configuration the library is told."""

    def __init__(self, bureau: Bureau) -> None:
        self.key: ClientKey = client_key()
        self.issuer = bureau.issuer
        self.client_id = bureau.client(items=[ITEM], grant_types=ALL_GRANTS, jwks=self.key.jwks).client_id

    def config(self, flow: str, **more: Any) -> dict[str, Any]:
        """Return a configuration of the script."""
        return {
            "issuer": self.issuer,
            "client_id": self.client_id,
            "private_jwk": self.key.private_jwk,
            "redirect_uri": CALLBACK,
            "flow": flow,
            **more,
        }

    def run(self, flow: str, **more: Any) -> Any:
        """Return what the library has at the end of a flow that needs nobody else."""
        return run(SCRIPT, self.config(flow, **more))

    def log_in(self, phone: Phone, **more: Any) -> Any:
        """Return what the library has after a login by code."""
        with Script(SCRIPT, self.config("code", **more)) as script, Visitor(phone) as visitor:
            script.say(visitor.log_in(script.hear()["authorize"]))
            return script.last()


@pytest.fixture(scope="module")
def library(real: Bureau) -> Library:
    return Library(real)


@pytest.fixture(scope="module")
def phone(real: Bureau) -> Phone:
    return real.phone()


@pytest.fixture(scope="module")
def login(library: Library, phone: Phone) -> Any:
    """A login by code; tests that end its tokens make their own."""
    return library.log_in(phone, authorization_details=DETAILS)


@pytest.mark.parametrize("algorithm", ["oidc", "oauth2"])
def test_the_provider_is_discovered_by_either_specification(library: Library, algorithm: str) -> None:
    found = library.run("metadata", discovery=algorithm)
    assert (found["issuer"], found["token_endpoint"]) == (library.issuer, f"{library.issuer}/oauth/token")


def test_a_fapi_login_by_code_gives_an_id_token_bound_tokens_and_userinfo(login: Any, library: Library) -> None:
    assert login["claims"]["iss"] == library.issuer
    assert login["claims"]["aud"] == library.client_id
    assert login["claims"]["acr"] == "l1-possession"
    assert (login["tokens"]["token_type"], login["tokens"]["expires_in"]) == ("dpop", 300)
    assert login["userinfo"]["sub"] == login["claims"]["sub"]
    assert set(login["userinfo"]["holder"]) == {"name", "id_no"}


def test_a_login_that_names_no_item_tells_the_pseudonym_alone(library: Library, phone: Phone, login: Any) -> None:
    got = library.log_in(phone)
    assert got["userinfo"] == {"sub": login["claims"]["sub"]}


def test_a_fapi_client_that_does_not_push_its_request_is_sent_back_with_an_error(library: Library) -> None:
    with Script(SCRIPT, library.config("code", par=False)) as script:
        link = script.hear()["authorize"]
        with Visitor() as visitor:
            script.say(visitor.sent_back(link))
        with pytest.raises(Failed) as failed:
            script.hear()
    assert failed.value.error == "invalid_request"


def test_a_declined_login_is_told_to_the_client(library: Library, phone: Phone) -> None:
    with Script(SCRIPT, library.config("code")) as script, Visitor(phone) as visitor:
        visitor.open(script.hear()["authorize"])
        phone.call("POST", f"/v1/logins/{visitor.scan()['id']}/decline")
        assert visitor.status()["state"] == "declined"
        script.say(visitor.leave())
        with pytest.raises(Failed) as failed:
            script.hear()
    assert failed.value.error == "access_denied"


def test_a_code_that_comes_with_another_key_is_refused(library: Library, phone: Phone) -> None:
    with Script(SCRIPT, library.config("code")) as first, Visitor(phone) as visitor:
        back = visitor.log_in(first.hear()["authorize"])
        with Script(SCRIPT, library.config("code")) as second:
            state = second.hear()["state"]
            second.say(back.partition("&state=")[0] + f"&state={state}&iss={library.issuer}")
            with pytest.raises(Failed) as failed:
                second.hear()
    assert failed.value.error == "invalid_grant"


def test_a_refresh_token_gives_new_tokens_of_the_same_holder(library: Library, phone: Phone) -> None:
    got = library.log_in(phone)
    again = library.run("refresh", token=got["tokens"]["refresh_token"], dpop_jwk=got["dpop_jwk"])
    assert again["claims"]["sub"] == got["claims"]["sub"]
    assert again["tokens"]["access_token"] != got["tokens"]["access_token"]
    assert again["tokens"]["refresh_token"] != got["tokens"]["refresh_token"]


def test_a_device_logs_in_when_a_phone_scans_its_qr(library: Library, phone: Phone) -> None:
    with Script(SCRIPT, library.config("device", interval=1, authorization_details=DETAILS)) as script:
        started = script.hear()
        seen = phone.call("POST", "/v1/logins/scan", {"qr": started["qr"]}).json()
        assert (seen["channel"], seen["needs"]["number"]) == ("device", False)
        phone.call("POST", f"/v1/logins/{seen['id']}/confirm", {})
        got = script.last()
    assert set(got["userinfo"]["holder"]) == {"name", "id_no"}


def test_a_device_logs_in_when_its_code_is_typed_on_a_phone(library: Library, phone: Phone, login: Any) -> None:
    with Script(SCRIPT, library.config("device", interval=1)) as script:
        typed = script.hear()["user_code"].lower()
        seen = phone.call("POST", "/v1/logins/scan", {"qr": typed}).json()
        phone.call("POST", f"/v1/logins/{seen['id']}/confirm", {})
        assert script.last()["claims"]["sub"] == login["claims"]["sub"]


def test_a_device_that_polls_too_fast_is_slowed_down_and_then_answered(
    library: Library, phone: Phone, real_settings: Settings
) -> None:
    with Script(SCRIPT, library.config("device", interval=1)) as script:
        login = phone.call("POST", "/v1/logins/scan", {"qr": script.hear()["qr"]}).json()["id"]
        deadline = time.monotonic() + 15
        while rows(real_settings, "SELECT interval_s FROM login WHERE id = $1", login)[0][0] != 10:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        phone.call("POST", f"/v1/logins/{login}/confirm", {})
        # As if it had obeyed from the start: a minute has passed since the last poll that counted.
        rows(real_settings, "UPDATE login SET polled_at = polled_at - interval '1 minute' WHERE id = $1", login)
        assert script.last()["claims"]["sub"]


def test_a_device_is_told_that_the_holder_declined(library: Library, phone: Phone) -> None:
    with Script(SCRIPT, library.config("device", interval=1)) as script:
        seen = phone.call("POST", "/v1/logins/scan", {"qr": script.hear()["qr"]}).json()
        phone.call("POST", f"/v1/logins/{seen['id']}/decline")
        with pytest.raises(Failed) as failed:
            script.hear()
    assert failed.value.error == "access_denied"


def test_a_known_holders_phone_is_asked_and_confirms(library: Library, phone: Phone, login: Any) -> None:
    sub = login["claims"]["sub"]
    with Script(SCRIPT, library.config("ciba", interval=1, login_hint=sub, binding_message="3号窗口")) as script:
        assert script.hear()["auth_req_id"]
        [waiting] = phone.call("GET", "/v1/me/logins").json()
        assert (waiting["channel"], waiting["binding_message"]) == ("ciba", "3号窗口")
        phone.call("POST", f"/v1/logins/{waiting['id']}/confirm", {})
        got = script.last()
    assert got["claims"]["sub"] == got["userinfo"]["sub"] == sub
    assert phone.call("GET", "/v1/me/logins").json() == []


def test_nobodys_phone_is_asked_by_a_hint_of_nobody(library: Library) -> None:
    with pytest.raises(Failed) as failed:
        library.run("ciba", login_hint="nobody")
    assert failed.value.error == "unknown_user_id"


def test_a_token_is_active_until_it_is_revoked(library: Library, phone: Phone) -> None:
    token = library.log_in(phone)["tokens"]["access_token"]
    before = library.run("introspect", token=token)
    assert (before["active"], before["client_id"], before["token_type"]) == (True, library.client_id, "DPoP")
    assert library.run("revoke", token=token) == {"revoked": True}
    assert library.run("introspect", token=token) == {"active": False}


def test_a_revoked_refresh_token_ends_its_access_tokens(library: Library, phone: Phone) -> None:
    tokens = library.log_in(phone)["tokens"]
    library.run("revoke", token=tokens["refresh_token"])
    assert library.run("introspect", token=tokens["access_token"]) == {"active": False}
    with pytest.raises(Failed) as failed:
        library.run("refresh", token=tokens["refresh_token"])
    assert failed.value.error == "invalid_grant"


def test_a_client_gets_a_token_of_its_own(library: Library) -> None:
    got = library.run("client_credentials", scope=f"ecard_item:{ITEM}")
    assert (got["tokens"]["scope"], got["claims"]) == (f"ecard_item:{ITEM}", None)


def test_a_client_with_another_key_is_refused(library: Library) -> None:
    with pytest.raises(Failed) as failed:
        library.run("client_credentials", private_jwk=client_key().private_jwk)
    assert (failed.value.error, failed.value.status) == ("invalid_client", 401)


def test_a_step_up_is_confirmed_with_the_password_only(library: Library, real: Bureau) -> None:
    """RFC 9470: the client asks for more, and the ID token says what it got."""
    phone = real.phone()
    asked = {"parameters": {"acr_values": "l1-knowledge"}}
    with Script(SCRIPT, library.config("code", **asked)) as script, Visitor(phone) as visitor:
        visitor.open(script.hear()["authorize"])
        seen = visitor.scan()
        assert seen["needs"]["strength"] == "knowledge"
        with refused("evidence_too_weak", 422):
            visitor.confirm(seen["id"])
        assert visitor.status()["state"] == "scanned"
        visitor.confirm(seen["id"], busi_seq=phone.prove(PASSWORD))
        script.say(visitor.leave())
        claims = script.last()["claims"]
    assert (claims["acr"], claims["amr"]) == ("l1-knowledge", ["pop", "pin"])
