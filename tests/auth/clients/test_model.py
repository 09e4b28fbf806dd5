"""What may be registered of a client: addresses, ways of authentication, grant types."""

import pytest

from auth.clients.errors import GrantTypesRefused, KeysRefused, MethodRefused
from auth.clients.model import (
    AuthMethod,
    GrantType,
    Profile,
    address_allowed,
    check_grant_types,
    check_method,
    redirect_allowed,
    web_origin,
)
from auth.clients.store import keys_of, public_set
from ecard.client.actors import new_signer
from ecard.keys import Suite, to_jwk
from tests.bureau import key_set

CALLBACK = ("https://client.example/callback",)


@pytest.mark.parametrize(
    "uri",
    [
        "https://client.example/callback",
        "https://client.example:8443/callback?a=1&b=%20",
        "https://client.example",
        "https://[2001:db8::1]/callback",
        "cn.example.app:/back",
        "cn.example.app:/back/one?x=y",
    ],
)
def test_an_address_of_ones_own_may_be_registered_everywhere(uri: str) -> None:
    assert redirect_allowed(uri, sandbox=False)
    assert redirect_allowed(uri, sandbox=True)


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:5000/callback", "http://localhost/callback", "http://[::1]:5000/callback"]
)
def test_a_loopback_address_may_be_registered_in_the_sandbox_alone(uri: str) -> None:
    assert redirect_allowed(uri, sandbox=True)
    assert not redirect_allowed(uri, sandbox=False)
    assert address_allowed(uri, sandbox=True)
    assert not address_allowed(uri, sandbox=False)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://",
        "https:///callback",
        "https://:443/callback",
        "https:client.example",
        "//client.example/callback",
        "/callback",
        "http://client.example/callback",
        "http://127.0.0.1.client.example/callback",
        "http://127.0.0.1@client.example/callback",
        "http://2130706433/callback",
        "https://user@client.example/callback",
        "https://user:word@client.example/callback",
        "https://client.example/callback#part",
        "https://client.example/callback#",
        "https://client.example/call back",
        " https://client.example/callback",
        "https://client.example/callback\n",
        "https://client.example/\tcallback",
        "https://client.example\\.other.example/callback",
        "https://client.example/<x>",
        "https://测试.example/callback",
        "https://client.example:port/callback",
        "https://client.example:99999/callback",
        "https://[::1/callback",
        "javascript:alert(1)",
        "java.script:alert(1)//\n",
        "data:text/html,x",
        "file:///etc/passwd",
        "myapp:/back",
        "myapp://back",
        "cn.example.app://back/one",
        "ftp://client.example/callback",
    ],
)
def test_an_address_that_is_nobodys_or_anybodys_is_refused(uri: str) -> None:
    assert not redirect_allowed(uri, sandbox=True)
    assert not redirect_allowed(uri, sandbox=False)
    assert not address_allowed(uri, sandbox=True)


def test_we_call_no_scheme_of_an_app() -> None:
    assert address_allowed("https://client.example/jwks", sandbox=False)
    assert not address_allowed("cn.example.app:/jwks", sandbox=True)


@pytest.mark.parametrize("method", AuthMethod)
def test_the_strict_profile_takes_signed_proofs_alone(method: AuthMethod) -> None:
    check_method(Profile.STANDARD, method)
    if method is AuthMethod.PRIVATE_KEY_JWT:
        check_method(Profile.FAPI2, method)
    else:
        with pytest.raises(MethodRefused):
            check_method(Profile.FAPI2, method)


@pytest.mark.parametrize("grant", [GrantType.CLIENT, GrantType.CIBA, GrantType.VISIT])
def test_what_a_client_asks_for_in_its_own_name_needs_one_that_can_prove_it(grant: GrantType) -> None:
    check_grant_types(AuthMethod.SECRET_BASIC, [grant], [])
    with pytest.raises(GrantTypesRefused) as refusal:
        check_grant_types(AuthMethod.NONE, [GrantType.CODE, grant], CALLBACK)
    assert refusal.value.members == {"reason": "public_client"}


def test_a_public_client_may_log_holders_in() -> None:
    check_grant_types(AuthMethod.NONE, [GrantType.CODE, GrantType.REFRESH, GrantType.DEVICE], CALLBACK)


def test_refreshing_stands_beside_what_is_refreshed() -> None:
    check_grant_types(AuthMethod.NONE, [GrantType.REFRESH, GrantType.DEVICE], [])
    with pytest.raises(GrantTypesRefused) as refusal:
        check_grant_types(AuthMethod.PRIVATE_KEY_JWT, [GrantType.REFRESH, GrantType.REFRESH], CALLBACK)
    assert refusal.value.members == {"reason": "refresh_alone"}


def test_a_code_needs_somewhere_to_go() -> None:
    with pytest.raises(GrantTypesRefused) as refusal:
        check_grant_types(AuthMethod.PRIVATE_KEY_JWT, [GrantType.CODE], [])
    assert refusal.value.members == {"reason": "redirect_uri_missing"}


def test_of_a_set_of_keys_what_is_used_is_kept() -> None:
    [jwk] = key_set(new_signer())["keys"]
    other = to_jwk(Suite.EDDSA, new_signer(Suite.EDDSA).public)
    rsa = {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"}
    given = {"keys": [{**jwk, "x5c": ["…"], "use": "sig"}, other, {**jwk, "use": "enc", "kid": "enc"}, rsa, "x"]}
    assert public_set(given) == {"keys": [jwk, other]}
    assert set(keys_of(given)) == {jwk["kid"], ""}


def test_a_single_key_is_found_without_its_name() -> None:
    signer = new_signer()
    [jwk] = key_set(signer)["keys"]
    found = keys_of({"keys": [jwk]})
    assert found[""] == found[jwk["kid"]] == (signer.suite, signer.public)
    assert "" not in keys_of(key_set(signer, new_signer()))


@pytest.mark.parametrize("jwks", [None, [], "x", {}, {"keys": None}, {"keys": {}}])
def test_what_is_no_set_of_keys_is_refused(jwks: object) -> None:
    with pytest.raises(ValueError, match="not a JWK set"):
        keys_of(jwks)
    with pytest.raises(KeysRefused) as refusal:
        public_set(jwks)
    assert refusal.value.members == {"reason": "unusable"}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"x": "AA"}, "unusable"),
        ({"x": 1}, "unusable"),
        ({"x": "全"}, "unusable"),
        ({"crv": ["P-256"]}, "unusable"),
        ({"crv": "P-384"}, "unusable"),
        ({"use": "enc"}, "unusable"),
        ({"d": "AA"}, "private"),
        ({"kty": "oct", "k": "AA", "crv": "x"}, "private"),
        ({"kid": 1}, "kid"),
        ({"kid": "a\x00"}, "kid"),
        ({"kid": "a" * 129}, "kid"),
    ],
)
def test_a_set_of_keys_that_cannot_be_used_or_kept_is_refused(changed: dict[str, object], reason: str) -> None:
    [jwk] = key_set(new_signer())["keys"]
    with pytest.raises(KeysRefused) as refusal:
        public_set({"keys": [{**jwk, **changed}]})
    assert refusal.value.members == {"reason": reason}


def test_two_keys_of_one_name_are_refused() -> None:
    one, other = (key_set(new_signer())["keys"][0] for _ in range(2))
    with pytest.raises(KeysRefused) as refusal:
        public_set({"keys": [one, {**other, "kid": one["kid"]}]})
    assert refusal.value.members == {"reason": "kid"}


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://client.example/callback?a=1", "https://client.example"),
        ("HTTPS://Client.Example:443", "https://client.example"),
        ("https://client.example:80/", "https://client.example:80"),
        ("http://127.0.0.1:8080/callback", "http://127.0.0.1:8080"),
        ("http://localhost:80/", "http://localhost"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("cn.example.app:/back", None),
        ("https:///callback", None),
    ],
)
def test_an_origin_is_written_as_browsers_do(uri: str, origin: str | None) -> None:
    assert web_origin(uri) == origin
