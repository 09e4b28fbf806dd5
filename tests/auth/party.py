"""A relying party driven by hand: every request of a flow can be sent, altered, repeated or left out."""

import secrets
import time
from hashlib import sha256
from http.cookies import SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec

from ecard.client import Phone
from ecard.client.actors import new_signer
from ecard.encoding import b64url
from ecard.keys import Signer, to_jwk
from tests.bureau import Bureau, RegisteredClient, soon

CALLBACK = "https://client.example/callback"
ITEM = "A1-94"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"
VISIT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ALL_GRANTS = ("authorization_code", "refresh_token", "client_credentials", DEVICE, CIBA, VISIT)


def jws(signer: Signer, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Return a compact JWS; an `alg` in the header is taken as it is, right or wrong."""
    full = {"alg": signer.suite.value, **header}
    signed = f"{b64url(msgspec.json.encode(full))}.{b64url(msgspec.json.encode(claims))}"
    return f"{signed}.{b64url(signer.sign(signed.encode()))}"


class Pkce(NamedTuple):
    """A verifier and its challenge (RFC 7636)."""

    verifier: str
    challenge: str


def new_pkce() -> Pkce:
    """Return a new pair."""
    verifier = b64url(secrets.token_bytes(32))
    return Pkce(verifier, b64url(sha256(verifier.encode()).digest()))


class Tab:
    """A browser's tab: keeps cookies by their paths, follows nothing by itself.

    The server's issuer is https while a test speaks http to it, so `Secure` is looked at and not obeyed.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._jar: dict[tuple[str, str], str] = {}

    def send(self, method: str, path: str, **query: str) -> httpx.Response:
        """Return the answer of a path; what is posted stands in the body."""
        sent = "; ".join(f"{name}={value}" for (name, of), value in self._jar.items() if path.startswith(of))
        with httpx.Client(base_url=self._base_url, timeout=30) as http:
            headers = {"Cookie": sent, "Accept": "text/html"}
            where: dict[str, Any] = {"data" if method == "POST" else "params": query or None}
            answer = http.request(method, path, headers=headers, **where)
        for line in answer.headers.get_list("set-cookie"):
            cookie = SimpleCookie(line)
            for name, morsel in cookie.items():
                assert (morsel["httponly"], morsel["secure"], morsel["samesite"]) == (True, True, "lax")
                self._jar[name, morsel["path"]] = morsel.value
        return answer

    def get(self, path: str, **query: str) -> httpx.Response:
        """Return the answer of a path to a GET."""
        return self.send("GET", path, **query)

    def status(self, page: str) -> dict[str, Any]:
        """Return what a login page is told."""
        answer = self.get(f"{page}/status")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def query(url: str) -> dict[str, str]:
    """Return the query of a URL, each name once."""
    found = parse_qs(urlsplit(url).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


class Party:
    """A relying party: its registration, its DPoP key, and each request that it makes."""

    def __init__(self, bureau: Bureau, client: RegisteredClient, *, dpop: bool = True) -> None:
        self.bureau = bureau
        self.client = client
        self.http = bureau.http
        self.issuer = bureau.issuer
        self.dpop: Signer | None = new_signer() if dpop else None
        self._nonce = ""

    def assertion(self, **changed: Any) -> str:
        """Return a fresh client assertion; `changed` replaces claims, None leaves one out."""
        assert self.client.signer is not None
        now = int(time.time())
        claims = {
            "iss": self.client.client_id,
            "sub": self.client.client_id,
            "aud": self.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_hex(16),
            **changed,
        }
        return jws(self.client.signer, {}, {name: value for name, value in claims.items() if value is not None})

    def authenticated(self) -> dict[str, str]:
        """Return the parameters by which the client proves who it is, in a body."""
        if self.client.signer is not None:
            return {"client_assertion_type": ASSERTION, "client_assertion": self.assertion()}
        if self.client.secret is not None:
            return {"client_id": self.client.client_id, "client_secret": self.client.secret}
        return {"client_id": self.client.client_id}

    def proof(
        self,
        path: str,
        *,
        method: str = "POST",
        token: str | None = None,
        signer: Signer | None = None,
        header: dict[str, Any] | None = None,
        **changed: Any,
    ) -> str:
        """Return a DPoP proof; `changed` replaces claims, None leaves one out."""
        signer = signer or self.dpop
        assert signer is not None
        claims: dict[str, Any] = {
            "htm": method,
            "htu": self.issuer + path,
            "iat": int(time.time()),
            "jti": secrets.token_hex(16),
            "nonce": self._nonce,
        }
        if token is not None:
            claims["ath"] = b64url(sha256(token.encode()).digest())
        claims |= changed
        named = {"typ": "dpop+jwt", "jwk": to_jwk(signer.suite, signer.public), **(header or {})}
        return jws(signer, named, {name: value for name, value in claims.items() if value is not None})

    def post(
        self, path: str, form: dict[str, str], *, key: Signer | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Return the answer of an OAuth endpoint, the client's proofs added unless given; asks for a nonce once."""
        for _ in range(2):
            sent = dict(headers or {})
            if (key or self.dpop) is not None and "DPoP" not in sent:
                sent["DPoP"] = self.proof(path, signer=key)
            body = {**self.authenticated(), **form}
            answer = self.http.post(path, data=body, headers=sent)
            if answer.status_code != 400 or answer.json().get("error") != "use_dpop_nonce":
                return answer
            self._nonce = answer.headers["DPoP-Nonce"]
        return answer

    def asked(self, pkce: Pkce, **changed: str) -> dict[str, str]:
        """Return the parameters of an authorization request."""
        return {
            "client_id": self.client.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "authorization_details": f'[{{"type":"ecard_item","item":"{ITEM}"}}]',
            "code_challenge": pkce.challenge,
            "code_challenge_method": "S256",
            "state": "s1",
            "nonce": "n1",
            **changed,
        }

    def push(self, pkce: Pkce, **changed: str) -> str:
        """Return the `request_uri` of a pushed request."""
        answer = self.post("/oauth/par", self.asked(pkce, **changed))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["request_uri"])

    def begin(self, pkce: Pkce, tab: Tab | None = None, **changed: str) -> tuple[Tab, str]:
        """Return a tab on the login page, and the page's path."""
        tab = tab or Tab(self.bureau.base_url)
        answer = tab.get("/oauth/authorize", client_id=self.client.client_id, request_uri=self.push(pkce, **changed))
        assert answer.status_code == 303, answer.text
        return tab, urlsplit(answer.headers["location"]).path

    def approve(self, phone: Phone, tab: Tab, page: str, **more: Any) -> None:
        """Let the holder scan, match the number, and confirm."""
        login = phone.call("POST", "/v1/logins/scan", {"qr": tab.status(page)["qr"]}).json()["id"]
        number = tab.status(page)["number"]
        phone.call("POST", f"/v1/logins/{login}/confirm", {"number": number, **more})

    def code(self, phone: Phone, pkce: Pkce, tab: Tab | None = None, **changed: str) -> str:
        """Return an authorization code that `phone` approved."""
        tab, page = self.begin(pkce, tab, **changed)
        self.approve(phone, tab, page)
        done = tab.get(f"{page}/done")
        assert done.status_code == 303, done.text
        answer = query(done.headers["location"])
        assert answer["iss"] == self.issuer
        return answer["code"]

    def redeem(self, code: str, pkce: Pkce, **changed: str) -> httpx.Response:
        """Return the token endpoint's answer to a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": pkce.verifier,
            **changed,
        }
        return self.post("/oauth/token", form)

    def login(self, phone: Phone, **changed: str) -> dict[str, Any]:
        """Return the tokens of a whole login."""
        pkce = new_pkce()
        answer = self.redeem(self.code(phone, pkce, None, **changed), pkce)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def refresh(self, token: str, **changed: Any) -> httpx.Response:
        """Return the answer to a refresh token."""
        return self.post("/oauth/token", {"grant_type": "refresh_token", "refresh_token": token}, **changed)

    def userinfo(self, token: str) -> httpx.Response:
        """Return what userinfo answers to an access token."""
        for _ in range(2):
            sent = {"Authorization": f"{'DPoP' if self.dpop else 'Bearer'} {token}"}
            if self.dpop is not None:
                sent["DPoP"] = self.proof("/oauth/userinfo", method="GET", token=token)
            answer = self.http.get("/oauth/userinfo", headers=sent)
            if answer.status_code != 401 or answer.json().get("error") != "use_dpop_nonce":
                return answer
            self._nonce = answer.headers["DPoP-Nonce"]
        return answer

    def active(self, token: str) -> bool:
        """Return whether introspection says that a token stands."""
        answer = self.post("/oauth/introspect", {"token": token})
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["active"])

    def ended(self, token: str) -> bool:
        """Return whether introspection says, within the seconds that word of an end may take, that a token is over."""
        return soon(lambda: not self.active(token))


def fapi(bureau: Bureau, **more: Any) -> Party:
    """Return a FAPI 2.0 client of every grant type."""
    return Party(bureau, bureau.client(items=[ITEM, "A1-95", "A2-01"], grant_types=ALL_GRANTS, **more))


def standard(bureau: Bureau, *, auth_method: str = "client_secret_post", dpop: bool = False, **more: Any) -> Party:
    """Return an ordinary OpenID Connect client."""
    grants = ("authorization_code", "refresh_token")
    client = bureau.client(profile="standard", auth_method=auth_method, items=[ITEM], **{"grant_types": grants, **more})
    return Party(bureau, client, dpop=dpop)
