"""Logging out: a client sends the browser here (OpenID Connect RP-Initiated Logout), or the holder comes alone.

A link from another site must log nobody out: the browser's session ends for an ID token of its own holder,
and otherwise when the holder says so on our page, by a form that no other site can send with the cookie.
"""

from typing import NamedTuple
from uuid import UUID

from auth import forms
from auth.errors import ClientRefused
from auth.forms import Form
from auth.grants import store as grants
from auth.logins import sessions
from auth.requests.objects import id_token
from auth.secrets import hashed
from auth.server import Server
from ecard.db import begin

PAGE = "/login/out"


class Left(NamedTuple):
    """Where the browser goes, and whether its session has ended."""

    location: str
    ended: bool


async def leave(server: Server, form: Form, session: str | None) -> Left:
    """End what an ID token names, and the browser's session if it is the same holder's.

    Without a token of ours a browser that is logged in is asked first (§2). Raises ClientRefused for a token that
    is not ours or another client's, and for an address that is not registered.
    """
    claims = id_token(server, form["id_token_hint"]) if "id_token_hint" in form else None
    named = form.get("client_id")
    # A hint that is not ours, or another client's: nobody is sent anywhere for it (§2, §4).
    if (claims is None and "id_token_hint" in form) or (claims is not None and named not in {None, claims["aud"]}):
        raise ClientRefused
    client = await server.directory.find(str(claims["aud"]) if claims else named or "")
    wanted = form.get("post_logout_redirect_uri")
    if wanted is not None and (client is None or wanted not in client.post_logout_redirect_uris):
        raise ClientRefused
    if claims is None and session:
        return Left(PAGE, ended=False)
    ended = False
    if claims is not None:
        async with begin(server.runtime.pool) as tx:
            if session:
                ended = await sessions.end_of_holder(tx, hashed(session), UUID(claims["sid"]))
            await grants.end(tx, UUID(claims["sid"]), "logout")
    said = {"state": form["state"]} if "state" in form else {}
    return Left(forms.with_query(wanted, said) if wanted else PAGE, ended)


async def leave_here(server: Server, session: str | None) -> None:
    """End this browser's session and what came of it: its holder said so on our page."""
    if session:
        async with begin(server.runtime.pool) as tx:
            await sessions.end(tx, hashed(session))
