"""What the authorization server decides with, and how it admits a client."""

import asyncio
from typing import Any, NamedTuple

from litestar import Request

from auth import forms, proofs
from auth.clients.authentication import authenticate
from auth.clients.directory import Directory
from auth.clients.model import Client
from auth.ended import Ended
from auth.errors import BadRequest, ClientRefused, ProofRefused
from auth.forms import Form
from auth.proofs import Nonces, Proof
from auth.replay import Mark, Marks
from ecard import guards
from ecard.catalogue.model import Catalogue
from ecard.runtime import Runtime


class Server(NamedTuple):
    """The parts of the authorization server in one process."""

    runtime: Runtime
    catalogue: Catalogue
    directory: Directory
    nonces: Nonces
    ended: Ended
    marks: Marks

    @property
    def issuer(self) -> str:
        """The `iss` of all tokens, which is also the base of all URLs."""
        return self.runtime.settings.issuer


class Calling(NamedTuple):
    """A client's call: who, what it sends, and the key that it proved to hold."""

    client: Client
    form: Form
    proof: Proof | None

    @property
    def jkt(self) -> str | None:
        """The thumbprint of the proven key."""
        return self.proof.jkt if self.proof else None


async def admit(server: Server, request: Request[Any, Any, Any], *, public: bool = True) -> Calling:
    """Return the client that makes `request`, its DPoP proof read and every `jti` burnt.

    `public` says whether a client that cannot prove itself may come. Raises ClientRefused (also for an assertion
    used before), BadRequest, ProofRefused (also for a proof used before), NonceNeeded.
    """
    given, form = guards.headers(request), await forms.read(request)
    now = server.runtime.clock.time()
    client, marks = await authenticate(
        server.directory,
        form,
        given.get("authorization", ""),
        issuer=server.issuer,
        sandbox=server.runtime.settings.sandbox,
        now=now,
    )
    if client.is_public and not public:
        raise ClientRefused
    proof = read_proof(server, request, given.get("dpop"))
    # Asked apart and together: one statement still burns both, and each answer says which of them was known.
    proven, shown = await asyncio.gather(_unseen(server, *marks), _unseen(server, *([proof.mark] if proof else [])))
    if not proven:
        why = "assertion: jti"
        raise ClientRefused.because(why)
    if not shown:
        raise ProofRefused(reason="jti")
    return Calling(client, form, proof)


async def _unseen(server: Server, *marks: Mark) -> bool:
    return not marks or await server.marks.first_time(*marks)


def read_proof(
    server: Server, request: Request[Any, Any, Any], header: str | None, token: str | None = None
) -> Proof | None:
    """Return the proof in a DPoP header, None where there is none; the caller burns its mark."""
    if header is None:
        return None
    if [name.lower() for name, _ in request.scope["headers"]].count(b"dpop") > 1:
        raise BadRequest(parameter="DPoP")
    scope = request.scope
    url = server.issuer + scope["path"]
    return proofs.read(
        header, method=scope["method"], url=url, nonces=server.nonces, now=server.runtime.clock.time(), token=token
    )
