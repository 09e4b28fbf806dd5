"""`python -m tests.bench.peer [COUNT]`: what another provider does on this machine, as a figure beside ours."""

import contextlib
import sys
from collections.abc import Iterator

import httpx
from rich.console import Console
from rich.table import Table

from tests.bench.load import Load
from tests.bench.provider import CHALLENGE, COUNT, Provider, described, measure
from tests.clients.keys import client_key
from tests.clients.node import Script

CLIENT = "bench"
CALLBACK = "https://client.example/callback"
RESOURCE = "https://resource.example"
SESSIONS = 32


@contextlib.contextmanager
def peer(sessions: int = SESSIONS) -> Iterator[Provider]:
    """Run oidc-provider with its store in memory, one process; yield it with warm sessions."""
    key = client_key()
    client = {
        "client_id": CLIENT,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": key.jwks,
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "client_credentials"],
    }
    with Script("peer.mjs", {"clients": [client]}) as script:
        found = described(f"http://127.0.0.1:{script.hear()['port']}", CLIENT, key)
        yield found._replace(
            redirect_uri=CALLBACK,
            # Not once for all: its store forgets all but the last thousand things.
            warm=lambda: [warm(found) for _ in range(sessions)],
            access={"resource": RESOURCE, "scope": "read"},
            # It introspects tokens of its own store only, so not a JWT.
            access_of_introspected={},
        )


def warm(provider: Provider) -> str:
    """Log in once, as a browser does; return the cookies of the session."""
    asked = {
        "client_id": provider.client_id,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    with httpx.Client(base_url=provider.issuer) as browser:
        answer = browser.get(provider.authorize, params=asked)
        while not answer.headers["location"].startswith(CALLBACK):
            answer = browser.get(answer.headers["location"])
        return "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar if one.path == "/")


def table(report: dict[str, Load]) -> Table:
    """Return the figures as a table."""
    lines = Table("oidc-provider, store in memory, one process", "requests/s", "p50, ms", "p99, ms")
    for name, load in report.items():
        lines.add_row(name, f"{load.rate:,.0f}", f"{load.p50:.1f}", f"{load.p99:.1f}")
    return lines


def main() -> None:
    """Measure the peer and print its figures."""
    count = int(sys.argv[1]) if sys.argv[1:] else COUNT
    with peer() as provider:
        Console(width=110).print(table(measure(provider, count=count)))


if __name__ == "__main__":
    main()
