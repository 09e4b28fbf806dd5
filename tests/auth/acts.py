"""What several security tests do to a provider: many at once, a device that polls, a forged signature."""

import json
import threading
import time
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import msgspec

from ecard.client import Phone
from ecard.encoding import b64url
from ecard.keys import Signer
from tests.auth.party import ASSERTION, DEVICE, ITEM, Party, new_pkce

DETAILS = f'[{{"type":"ecard_item","item":"{ITEM}"}}]'


def at_once(acts: Iterable[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Return the answers to `acts`, each done in a thread, all let go together."""
    acts = list(acts)
    gate, found = threading.Barrier(len(acts)), list[httpx.Response]()

    def run(act: Callable[[], httpx.Response]) -> None:
        gate.wait()
        found.append(act())

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(acts)
    return found


def told(answer: httpx.Response) -> tuple[int, str]:
    """Return an answer's status and the specification's code in it, "" where there is none."""
    return answer.status_code, answer.json().get("error", "") if answer.status_code >= 400 else ""


def tally(answers: Iterable[httpx.Response]) -> Counter[tuple[int, str]]:
    """Count answers by status and code."""
    return Counter(map(told, answers))


def prepared(party: Party, path: str, form: dict[str, str]) -> Callable[[], httpx.Response]:
    """Return a call of an OAuth endpoint whose proofs are signed already; the party must know a nonce."""
    headers = {} if party.dpop is None else {"DPoP": party.proof(path)}
    body = {**party.authenticated(), **form}
    return lambda: party.http.post(path, data=body, headers=headers)


def redemption(code: str, verifier: str) -> dict[str, str]:
    """Return the form that redeems an authorization code."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "https://client.example/callback",
        "code_verifier": verifier,
    }


def introspect(party: Party, assertion: str, **form: str) -> httpx.Response:
    """Return what introspection answers to a client assertion."""
    form = {"token": "t", "client_assertion_type": ASSERTION, "client_assertion": assertion, **form}
    return party.http.post("/oauth/introspect", data=form)


def begin_device(party: Party, *, key: Signer | None = None) -> dict[str, Any]:
    """Return the answer to a device that asks for a login."""
    answer = party.post("/oauth/device", {"scope": "openid", "authorization_details": DETAILS}, key=key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def poll(party: Party, device_code: str, *, key: Signer | None = None) -> httpx.Response:
    """Return the answer to a device's poll."""
    return party.post("/oauth/token", {"grant_type": DEVICE, "device_code": device_code}, key=key)


def confirm(phone: Phone, qr: str) -> None:
    """Let a holder scan a device's QR and confirm."""
    login = phone.call("POST", "/v1/logins/scan", {"qr": qr}).json()["id"]
    phone.call("POST", f"/v1/logins/{login}/confirm", {})


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a compact JWS, unverified."""
    header, claims = (json.loads(urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    return header, claims


def signed_with(by: Callable[[bytes], bytes], header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Return a compact JWS of any header and claims, signed by whatever `by` does."""
    text = f"{b64url(msgspec.json.encode(header))}.{b64url(msgspec.json.encode(claims))}"
    return f"{text}.{b64url(by(text.encode()))}"


def request_object(party: Party, **changed: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a request object (RFC 9101) of the party; `changed` replaces claims."""
    now = int(time.time())
    name = party.client.client_id
    times = {"iss": name, "aud": party.issuer, "nbf": now, "exp": now + 60, "iat": now}
    return {"alg": "ES256", "typ": "oauth-authz-req+jwt"}, {**party.asked(new_pkce()), **times, **changed}


class Heard:
    """An HTTP server of ours on a free port of this machine: what it was asked, and what it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.statuses: list[int] = []
        """What it answers to the next requests, 200 when none is left."""
        heard = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                heard.requests.append((self.path, body))
                self.send_response(heard.statuses.pop(0) if heard.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - the library's name

            def log_message(self, *_: Any) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def hearing() -> Iterator[Heard]:
    """Yield a server that hears what it is told."""
    heard = Heard()
    try:
        yield heard
    finally:
        heard.close()
