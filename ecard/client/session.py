"""A session: opened under a registered key, then a MAC on every call (RFC 9421)."""

import time
from typing import Any
from uuid import UUID

import httpx
import msgspec

from ecard import signatures
from ecard.access.model import agree, new_share
from ecard.encoding import b64url, unb64url
from ecard.ids import new_id
from ecard.keys import Signer
from ecard.signatures import Call


class Refused(Exception):
    """The server's answer was a problem document (RFC 9457), here as `problem`."""

    def __init__(self, status: int, problem: dict[str, Any], headers: httpx.Headers) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('title')}")
        self.status = status
        self.problem = problem
        self.headers = headers
        self.code: str = problem.get("code", "")


class Session:
    """Signs calls for one registered key; opens its session when first needed."""

    def __init__(self, http: httpx.Client, actor: UUID | str, signer: Signer) -> None:
        self.http = http
        self.actor = UUID(str(actor))
        self.signer = signer
        self.offset = 0.0
        """Seconds that the server's clock is ahead of ours."""
        self._ticket = ""
        self._key = b""

    def open(self) -> None:
        """Agree a session key with the server; raises Refused."""
        own, share = new_share()
        body = msgspec.json.encode({"actor": self.actor, "share": b64url(share)})
        call = Call("POST", "/v1/sessions", "", body)
        headers = signatures.sign(
            call,
            keyid=str(self.actor),
            algorithm=signatures.ALGORITHM_OF[self.signer.suite],
            created=int(self.now()),
            by=self.signer.sign,
        )
        answer = opened(self.http.post(call.path, content=body, headers=_json(headers))).json()
        theirs = unb64url(answer["share"])
        self._key = agree(own, theirs, asked=share, answered=theirs, actor=self.actor.bytes)
        self._ticket = answer["session"]
        self.offset = answer["server_time"] - time.time()

    def renew(self, ticket: str) -> None:
        """Take a ticket that says more of the same session (a password just proven)."""
        self._ticket = ticket

    def now(self) -> float:
        """Return the server's time as far as we know it, Unix seconds."""
        return time.time() + self.offset

    def sign(self, call: Call) -> dict[str, str]:
        """Return the headers that sign `call` in this session."""
        if not self._ticket:
            self.open()
        return signatures.sign(
            call, keyid=self._ticket, algorithm=signatures.HMAC, created=int(self.now()), by=self._mac
        )

    def _mac(self, base: bytes) -> bytes:
        return signatures.mac(self._key, base)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: str = "",
        key: str | None = None,
        accept: str = "application/json",
    ) -> httpx.Response:
        """Return the answer of a signed call; a POST has an Idempotency-Key (`key`, or a new one). Raises Refused."""
        content = b"" if body is None else msgspec.json.encode(body)
        if method == "POST" and key is None:
            key = new_id().hex
        call = Call(method, path, query, content, key)
        headers = {**_json(self.sign(call)), "Accept": accept}
        url = f"{path}?{query}" if query else path
        return opened(self.http.request(method, url, content=content, headers=headers))


def _json(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "Content-Type": "application/json"}


def opened(response: httpx.Response) -> httpx.Response:
    """Return a good answer as it is; raises Refused for a problem."""
    if response.is_success:
        return response
    is_problem = response.headers.get("content-type", "").startswith("application/problem+json")
    raise Refused(response.status_code, response.json() if is_problem else {}, response.headers)
