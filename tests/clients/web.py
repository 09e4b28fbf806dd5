"""An ordinary website's login: Authlib on its server, with a secret or a key, and the ID token checked by joserfc."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet


class Website:
    """A site that is a client of a provider (profile "standard": PKCE, no PAR, bearer tokens).

    Args:
        issuer: The provider.
        client_id: The client.
        secret: The client's secret, or its private JWK.
        method: How the client is authenticated: client_secret_basic, client_secret_post, private_key_jwt.
        redirect_uri: Where the browser comes back.
        scope: What is asked for.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        secret: str | Mapping[str, Any],
        *,
        method: str,
        redirect_uri: str,
        scope: str = "openid",
    ) -> None:
        self.metadata = httpx.get(f"{issuer}/.well-known/openid-configuration").raise_for_status().json()
        self.session = OAuth2Session(
            client_id,
            secret if isinstance(secret, str) else ECKey.import_key(dict(secret)),
            token_endpoint_auth_method=method,
            redirect_uri=redirect_uri,
            scope=scope,
            code_challenge_method="S256",
        )
        if method == "private_key_jwt":
            at = self.metadata["issuer"]
            self.session.register_client_auth_method(PrivateKeyJWT(at, alg="ES256"))
        self._verifier = generate_token(48)
        self._nonce = generate_token(20)
        self._state = ""

    def begin(self, **parameters: str) -> str:
        """Return where the site sends the browser."""
        url, self._state = self.session.create_authorization_url(
            self.metadata["authorization_endpoint"], code_verifier=self._verifier, nonce=self._nonce, **parameters
        )
        return str(url)

    def finish(self, callback: str) -> dict[str, Any]:
        """Take the browser's return; return the claims of the ID token, and those of userinfo under "userinfo"."""
        token = self.session.fetch_token(
            self.metadata["token_endpoint"],
            authorization_response=callback,
            code_verifier=self._verifier,
            state=self._state,
        )
        keys = KeySet.import_key_set(httpx.get(self.metadata["jwks_uri"]).raise_for_status().json())
        claims = jwt.decode(token["id_token"], keys, algorithms=["ES256"]).claims
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.metadata["issuer"]},
            aud={"essential": True, "value": self.session.client_id},
            nonce={"essential": True, "value": self._nonce},
            exp={"essential": True},
        ).validate(claims)
        told = self.session.get(self.metadata["userinfo_endpoint"])
        told.raise_for_status()
        return {**claims, "userinfo": told.json()}


@contextmanager
def website(*arguments: Any, **named: Any) -> Iterator[Website]:
    """Run a site; arguments are those of `Website`."""
    site = Website(*arguments, **named)
    try:
        yield site
    finally:
        site.session.close()
