"""What the authorization server decides with, and how it admits a client."""

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
from auth.replay import Marks
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

    `public` says whether a client that cannot prove itself may come. Raises ClientRefused,
    BadRequest, ProofRefused, NonceNeeded.
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
    if proof is not None:
        marks = (*marks, proof.mark)
    if marks and not await server.marks.first_time(*marks):
        # Which of the two was seen before matters to nobody but their owner.
        raise ClientRefused if len(marks) > (proof is not None) else ProofRefused(reason="jti")
    return Calling(client, form, proof)


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
