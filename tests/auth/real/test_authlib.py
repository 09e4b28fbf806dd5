"""An ordinary website, made with Authlib, logs people in with its secret."""

from contextlib import AbstractContextManager
from typing import Any

import pytest
from authlib.integrations.base_client.errors import OAuthError

from tests.auth.party import CALLBACK, ITEM, standard
from tests.auth.real.visitor import Visitor
from tests.bureau import Bureau
from tests.clients.web import Website, website

METHODS = ("client_secret_basic", "client_secret_post")


def site(real: Bureau, method: str, **more: Any) -> AbstractContextManager[Website]:
    """Return the website of a new client."""
    client = standard(real, auth_method=method).client
    assert client.secret is not None
    named = {"method": method, "redirect_uri": CALLBACK, **more}
    return website(real.issuer, client.client_id, client.secret, **named)


@pytest.mark.parametrize("method", METHODS)
def test_a_website_logs_a_holder_in_with_its_secret(real: Bureau, method: str) -> None:
    scope = f"openid ecard_item:{ITEM}"
    with site(real, method, scope=scope) as here, Visitor(real.phone()) as visitor:
        claims = here.finish(visitor.log_in(here.begin()))
    assert claims["userinfo"]["sub"] == claims["sub"]
    assert set(claims["userinfo"]["holder"]) == {"name", "id_no"}


@pytest.mark.parametrize("method", METHODS)
def test_a_website_renews_its_tokens(real: Bureau, method: str) -> None:
    with site(real, method) as here, Visitor(real.phone()) as visitor:
        claims = here.finish(visitor.log_in(here.begin()))
        before = here.session.token["access_token"]
        after = here.session.refresh_token(here.metadata["token_endpoint"])
        assert after["access_token"] != before
        told = here.session.get(here.metadata["userinfo_endpoint"])
        assert told.json() == {"sub": claims["sub"]}


@pytest.mark.parametrize("method", METHODS)
def test_a_website_with_a_wrong_secret_gets_no_tokens(real: Bureau, method: str) -> None:
    client = standard(real, auth_method=method).client
    with (
        website(real.issuer, client.client_id, "wrong", method=method, redirect_uri=CALLBACK) as here,
        Visitor(real.phone()) as visitor,
    ):
        back = visitor.log_in(here.begin())
        with pytest.raises(OAuthError, match="invalid_client"):
            here.finish(back)


def test_two_websites_know_one_holder_by_two_names(real: Bureau) -> None:
    phone, subs = real.phone(), set()
    for sector in ("one.example", "two.example"):
        client = standard(real, sector=sector).client
        with (
            website(
                real.issuer, client.client_id, client.secret, method="client_secret_post", redirect_uri=CALLBACK
            ) as here,
            Visitor(phone) as visitor,
        ):
            subs.add(here.finish(visitor.log_in(here.begin()))["sub"])
    assert len(subs) == 2
