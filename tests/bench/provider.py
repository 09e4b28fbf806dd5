"""Load for an OpenID provider, ours or another: assertions are signed before the clock starts."""

import base64
import hashlib
import statistics
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

import httpx

from tests.bench.load import Chain, Load, drive, form, get
from tests.clients.keys import ClientKey, assertion

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ROUNDS = 3
COUNT = 3000


class Provider(NamedTuple):
    """What a load needs to know of a provider.

    Attributes:
        issuer: Its address, and the audience of assertions.
        client_id: A client with private_key_jwt and the grants that are measured.
        key: The client's key.
        token: Path of the token endpoint; so are the next ones.
        introspection: As `token`.
        jwks: As `token`.
        authorize: As `token`.
        redirect_uri: Where codes go to.
        warm: Logs in and returns a `Cookie` header of each warm session; called before each load that needs them.
        access: What a client's own token is asked for with: scope, resource.
        access_of_introspected: As `access`, of the token that is introspected.
    """

    issuer: str
    client_id: str
    key: ClientKey
    token: str
    introspection: str
    jwks: str
    authorize: str
    redirect_uri: str = ""
    warm: Callable[[], Sequence[str]] = tuple
    access: dict[str, str] = {}  # noqa: RUF012 # nobody writes to it
    access_of_introspected: dict[str, str] = {}  # noqa: RUF012 # as `access`

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 where it listens."""
        return urllib.parse.urlsplit(self.issuer).port or 80

    def authenticated(self, **fields: str) -> dict[str, str]:
        """Return the fields of a form with a fresh assertion of the client."""
        signed = assertion(self.key, self.client_id, self.issuer)
        return fields | {
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION,
            "client_assertion": signed,
        }

    def own_token(self) -> dict[str, str]:
        """Return the form that asks for a token of the client's own."""
        return self.authenticated(grant_type="client_credentials", **self.access)


def described(issuer: str, client_id: str, key: ClientKey) -> Provider:
    """Return a provider with the paths that its discovery document names."""
    document = httpx.get(f"{issuer}/.well-known/openid-configuration").raise_for_status().json()
    names = ("token_endpoint", "introspection_endpoint", "jwks_uri", "authorization_endpoint")
    return Provider(issuer, client_id, key, *(urllib.parse.urlsplit(document[name]).path for name in names))


def client_credentials(provider: Provider, count: int = COUNT) -> Load:
    """Ask for tokens of the client's own, each with a fresh assertion."""
    return drive(provider.port, [form(provider.token, provider.own_token()) for _ in range(count)])


def introspection(provider: Provider, count: int = COUNT) -> Load:
    """Introspect one access token, each time with a fresh assertion."""
    fields = provider.authenticated(grant_type="client_credentials", **provider.access_of_introspected)
    token = httpx.post(provider.issuer + provider.token, data=fields).raise_for_status().json()["access_token"]
    asked = provider.authenticated(token=token)
    answer = httpx.post(provider.issuer + provider.introspection, data=asked).raise_for_status()
    assert answer.json()["active"] is True, answer.text
    fresh = (provider.authenticated(token=token) for _ in range(count))
    return drive(provider.port, [form(provider.introspection, fields) for fields in fresh])


def jwks(provider: Provider, count: int = COUNT) -> Load:
    """Fetch the keys, ten times as often: it is that much quicker."""
    return drive(provider.port, [get(provider.jwks, {})] * count * 10)


def code(provider: Provider, count: int = COUNT) -> Load:
    """Log in where the session is warm: authorization request, code, tokens; PKCE and a fresh assertion."""
    asked = {
        "client_id": provider.client_id,
        "response_type": "code",
        "redirect_uri": provider.redirect_uri,
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "state": "s",
    }
    path = f"{provider.authorize}?{urlencode(asked)}"
    return drive(provider.port, list(_chains(provider, path, count)))


def _chains(provider: Provider, path: str, count: int) -> Iterator[Chain]:
    sessions = provider.warm()
    for n in range(count):
        fields = provider.authenticated(
            grant_type="authorization_code", redirect_uri=provider.redirect_uri, code_verifier=VERIFIER
        )
        yield Chain(get(path, {"Cookie": sessions[n % len(sessions)]}), _exchange(provider.token, fields))


def _exchange(path: str, fields: dict[str, str]) -> Callable[[bytes], bytes | None]:
    def then(answer: bytes) -> bytes | None:
        _, found, rest = answer.partition(b"code=")
        value = rest[: min(rest.find(end) for end in (b"&", b"\r") if end in rest)] if found else b""
        return form(path, fields | {"code": value.decode()}) if value else None

    return then


LOADS: dict[str, Callable[[Provider, int], Load]] = {
    "client_credentials, private_key_jwt": client_credentials,
    "introspection, private_key_jwt": introspection,
    "JWKS": jwks,
    "code and PKCE, warm session": code,
}


def measure(
    provider: Provider, names: Sequence[str] = tuple(LOADS), *, rounds: int = ROUNDS, count: int = COUNT
) -> dict[str, Load]:
    """Return the medians of `rounds` of each load with 32 connections; wrong answers are an error."""
    report = {}
    for name in names:
        runs = [LOADS[name](provider, count) for _ in range(rounds)]
        wrong = sum(run.wrong for run in runs)
        assert not wrong, f"{name}: {wrong} wrong answers"
        report[name] = Load(*(statistics.median(figures) for figures in zip(*runs, strict=True)))
    return report
