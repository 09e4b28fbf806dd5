"""A verified visit as a grant (RFC 7523 §2.1): who showed a card at the counter is logged in there.

So a physical card in a reader, a scanned code and an online login all end in the same tokens: staff log into
their business system (A1-95) with the card that they have.
"""

from uuid import UUID

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
from ecard.ids import new_id
from ecard.keyring.model import Purpose
from ecard.tokens import TokenRefused, TokenType


async def by_visit(server: Server, calling: Calling) -> TokenAnswer:
    """Exchange the identity assertion of a visit, once, for tokens of a client of the same agency.

    Raises GrantRefused: not our assertion, for another agency, of an item that is not the client's, used, disputed.
    """
    client, runtime = calling.client, server.runtime
    now = runtime.clock.time()
    try:
        claims = tokens.read(
            need(calling.form, "assertion"),
            runtime.ring.public(Purpose.ASSERTION, now),
            typ=TokenType.ASSERTION,
            issuer=server.issuer,
            audience=str(client.agency),
            now=now,
        )
    except TokenRefused:
        raise GrantRefused from None
    item, visit = claims["item"], UUID(claims["jti"])
    if item not in client.items or not await server.marks.first_time(
        mark("visit", server.issuer, claims["jti"], claims["exp"])
    ):
        raise GrantRefused
    async with begin(runtime.pool) as tx:
        holder = await grants.visitor(tx, visit)
        if holder is None:
            raise GrantRefused
        staff = await grants.staff_of(tx, holder, client.agency) if item == STAFF_ITEM else None
        if item == STAFF_ITEM and staff is None:
            raise NotStaff
        sub = subject(server, client, holder) if staff is None else staff_subject(server, client, staff)
        scope = ["openid", f"ecard_item:{item}"]
        grant = await grants.of_visit(
            tx, new_id(), client.id, visit, staff, server.catalogue.version, scope, sub, SHORT
        )
        if grant is None:
            raise GrantRefused
        return await for_grant(server, tx, grant, client, jkt=calling.jkt, kiosk=True)
