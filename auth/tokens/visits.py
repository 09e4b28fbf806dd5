"""A verified visit as a grant (RFC 7523 §2.1): who showed a card at the counter is logged in there.

So a physical card in a reader, a scanned code and an online login all end in the same tokens: staff log into
their business system (A1-95) with the card that they have.
"""

from typing import Any
from uuid import UUID

from auth.clients.model import Client
from auth.errors import GrantRefused
from auth.forms import need
from auth.grants import store as grants
from auth.grants.errors import NotStaff
from auth.grants.model import SHORT, STAFF_ITEM
from auth.grants.service import staff_subject, subject
from auth.replay import mark
from auth.server import Calling, Server
from auth.tokens.schemas import TokenAnswer
from auth.tokens.service import for_grant
from ecard import tokens
from ecard.db import begin
from ecard.desk import store as visits
from ecard.ids import new_id
from ecard.keyring.model import Purpose
from ecard.tokens import TokenRefused, TokenType


async def by_visit(server: Server, calling: Calling) -> TokenAnswer:
    """Exchange the identity assertion of a visit, once, for tokens of a client of the same agency.

    Raises BadRequest (no assertion), NotStaff (the item is for staff, and the holder is none of the agency), and
    GrantRefused: not our assertion, expired, for another agency, of an item that is not the client's, of a visit
    that was disputed or whose card is dead, used. Who is refused may try again: only what is granted is used up.
    """
    client, pool = calling.client, server.runtime.pool
    claims = _claims(server, client, need(calling.form, "assertion"))
    item, visit = claims["item"], UUID(claims["jti"])
    holder = await grants.visitor(pool, visit)
    if item not in client.items or holder is None or not await visits.alive(pool, visit):
        raise GrantRefused
    staff = await grants.staff_of(pool, holder, client.agency) if item == STAFF_ITEM else None
    if item == STAFF_ITEM and staff is None:
        raise NotStaff
    # Last, and before the transaction: the mark is written over a connection of its own.
    if not await server.marks.first_time(mark("visit", server.issuer, claims["jti"], claims["exp"])):
        raise GrantRefused
    sub = subject(server, client, holder) if staff is None else staff_subject(server, client, staff)
    scope = ["openid", f"ecard_item:{item}"]
    async with begin(pool) as tx:
        # Looks again whether the visit stands, and holds it: a dispute that comes now finds the grant to end.
        grant = await grants.of_visit(
            tx, new_id(), client.id, visit, staff, server.catalogue.version, scope, sub, SHORT
        )
        if grant is None:
            raise GrantRefused
        return await for_grant(server, tx, grant, client, jkt=calling.jkt, kiosk=True)


def _claims(server: Server, client: Client, assertion: str) -> dict[str, Any]:
    now = server.runtime.clock.time()
    try:
        return tokens.read(
            assertion,
            server.runtime.ring.public(Purpose.ASSERTION, now),
            typ=TokenType.ASSERTION,
            issuer=server.issuer,
            audience=str(client.agency),
            now=now,
        )
    except TokenRefused:
        raise GrantRefused from None
