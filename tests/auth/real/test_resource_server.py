"""Another system reads our access tokens (RFC 9068) by a library of its own, oauth4webapi, and by nothing else."""

import time
from typing import Any

import msgspec
import pytest

from ecard.encoding import b64url, unb64url
from tests.auth.party import CALLBACK, Party, fapi, standard
from tests.auth.real.visitor import Visitor
from tests.bureau import Bureau
from tests.clients.keys import client_key, proof
from tests.clients.node import Failed, Script, run
from tests.clients.web import website

URL = "https://records.example/mine"


@pytest.fixture(scope="module")
def party(real: Bureau) -> Party:
    return fapi(real)


@pytest.fixture(scope="module")
def tokens(real: Bureau) -> Any:
    """What openid-client got: tokens, the claims of the ID token, and the key that they are bound to."""
    key = client_key()
    client = real.client(jwks=key.jwks)
    config = {
        "issuer": real.issuer,
        "client_id": client.client_id,
        "private_jwk": key.private_jwk,
        "redirect_uri": CALLBACK,
        "flow": "code",
    }
    with Script("openid_client.mjs", config) as script, Visitor(real.phone()) as visitor:
        script.say(visitor.log_in(script.hear()["authorize"]))
        return script.last()


@pytest.fixture(scope="module")
def bearer(real: Bureau) -> str:
    """An ordinary website's access token."""
    client, how = standard(real).client, {"method": "client_secret_post", "redirect_uri": CALLBACK}
    with (
        website(real.issuer, client.client_id, client.secret, **how) as site,
        Visitor(real.phone()) as visitor,
    ):
        site.finish(visitor.log_in(site.begin()))
        return str(site.session.token["access_token"])


def read(issuer: str, authorization: str, audience: str | None = None, **headers: str) -> Any:
    """Return the claims that the resource server reads of a request."""
    request = {"method": "GET", "url": URL, "headers": {"Authorization": authorization, **headers}}
    return run("resource_server.mjs", {"issuer": issuer, "audience": audience or issuer, "request": request})


def bound(got: Any, token: str | None = None, **changed: Any) -> dict[str, str]:
    """Return the headers of a request with a bound token and its proof."""
    token = token or got["tokens"]["access_token"]
    return {"authorization": f"DPoP {token}", "DPoP": proof(got["dpop_jwk"], "GET", URL, token, **changed)}


def test_a_bound_token_with_its_proof_names_holder_client_and_strength(real: Bureau, tokens: Any) -> None:
    claims = read(real.issuer, **bound(tokens))
    assert (claims["iss"], claims["sub"]) == (real.issuer, tokens["claims"]["sub"])
    assert claims["client_id"] == tokens["claims"]["aud"]
    assert (claims["scope"], claims["acr"], claims["amr"]) == ("openid", "l1-possession", ["pop"])
    assert claims["cnf"]["jkt"]


def test_a_bearer_token_is_read_as_well(real: Bureau, bearer: str) -> None:
    claims = read(real.issuer, f"Bearer {bearer}")
    assert claims["scope"] == "openid"
    assert "cnf" not in claims


def test_a_bound_token_is_of_no_use_as_a_bearer_token(real: Bureau, tokens: Any) -> None:
    with pytest.raises(Failed, match="no DPoP"):
        read(real.issuer, f"Bearer {tokens['tokens']['access_token']}")


def test_a_proof_by_another_key_is_refused(real: Bureau, tokens: Any) -> None:
    with pytest.raises(Failed, match="confirmation mismatch"):
        read(real.issuer, **bound({**tokens, "dpop_jwk": client_key().private_jwk}, tokens["tokens"]["access_token"]))


def test_a_proof_for_another_request_or_token_is_refused(real: Bureau, tokens: Any) -> None:
    for changed in ({"htm": "POST"}, {"htu": "https://records.example/others"}, {"ath": "A" * 43}):
        with pytest.raises(Failed, match="mismatch"):
            read(real.issuer, **bound(tokens, **changed))


def test_an_id_token_is_no_access_token(real: Bureau, tokens: Any) -> None:
    identity = tokens["tokens"]["id_token"]
    with pytest.raises(Failed, match="typ"):
        read(real.issuer, f"Bearer {identity}", audience=tokens["claims"]["aud"])
    with pytest.raises(Failed, match="typ"):
        read(real.issuer, audience=tokens["claims"]["aud"], **bound(tokens, identity))


def test_an_altered_token_is_refused(real: Bureau, bearer: str) -> None:
    header, claims, signature = bearer.split(".")
    later = b64url(msgspec.json.encode({**msgspec.json.decode(unb64url(claims)), "exp": int(time.time()) + 3600}))
    for altered in (f"{header}.{later}.{signature}", f"{header}.{claims}.{signature[:-8]}AAAAAAAA"):
        with pytest.raises(Failed, match="signature"):
            read(real.issuer, f"Bearer {altered}")


def test_a_token_of_another_audience_is_refused(real: Bureau, bearer: str, tokens: Any) -> None:
    for headers in ({"authorization": f"Bearer {bearer}"}, bound(tokens)):
        with pytest.raises(Failed, match="aud"):
            read(real.issuer, audience="https://records.example", **headers)


def test_a_token_of_another_installation_is_refused(real: Bureau, bureau: Bureau) -> None:
    answer = fapi(bureau).post("/oauth/token", {"grant_type": "client_credentials"})
    with pytest.raises(Failed, match="iss"):
        read(real.issuer, f"Bearer {answer.json()['access_token']}")
