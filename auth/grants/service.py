"""Giving a grant, listing what a holder allowed, withdrawing it."""

from uuid import UUID

from auth.clients.model import Client
from auth.grants import store
from auth.grants.errors import NotStaff
from auth.grants.model import LONG, PLAIN_ITEM, SHORT, STAFF_ITEM, Grant, Place, Proven, Wanted
from auth.grants.schemas import ConsentView
from auth.grants.store import Code
from auth.server import Server
from ecard.audit import store as audit
from ecard.callers import Holder
from ecard.catalogue.model import Field, Form
from ecard.db import Db, begin
from ecard.desk.errors import CardSuspended, LevelTooLow
from ecard.desk.model import Evidence, acr, check
from ecard.desk.service import pseudonym
from ecard.encoding import b64url
from ecard.errors import NotFound
from ecard.ids import new_id


async def give(
    db: Db,
    server: Server,
    client: Client,
    wanted: Wanted,
    proven: Proven,
    place: Place,
    *,
    lasting: bool,
    agreed: bool = True,
    code: Code | None = None,
) -> Grant:
    """Record that the holder lets `client` have what it `wanted`, and return the grant.

    An online login is evidence as a scanned code is: the catalogue decides by the same rules whether it
    is enough, and it leaves a visit that the holder can see and dispute. `lasting` grants have refresh
    tokens; `agreed` says that the holder consented now, not before; a `code` goes out with the grant.
    Raises what `desk.model.check` does, LevelTooLow, NotStaff, CardSuspended (also when it died this moment).
    """
    item = server.catalogue.get(wanted.item or PLAIN_ITEM)
    grant = new_id()
    evidence = Evidence(
        kind="login",
        form=Form.ELECTRONIC,
        card=proven.card,
        device=None,
        once=grant.bytes,
        shadow=None,
        scene=None,
        strength=proven.strength,
        amr=proven.amr,
    )
    if wanted.item is not None:
        check(item, evidence, place.setting)
    if proven.level < wanted.level:
        raise LevelTooLow(required=wanted.level)
    staff = None
    if wanted.item == STAFF_ITEM:
        staff = await store.staff_of(db, proven.holder, client.agency)
        if staff is None:
            raise NotStaff
    made = await store.give(
        db,
        store.Given(
            consent=new_id() if agreed else None,
            holder=proven.holder,
            client=client.id,
            item=item.code,
            catalogue=server.catalogue.version,
            fields=wanted.fields,
            sector=client.sector,
            sub=subject(server, client, proven.holder) if staff is None else staff_subject(server, client, staff),
            visit=new_id(),
            terminal=place.terminal or client.id,
            agency=client.agency,
            evidence=evidence.kind,
            strength=proven.strength.value,
            amr=list(proven.amr),
            card=proven.card,
            level=proven.level,
            device=proven.device,
            place=place.site,
            detail={"client": str(client.id), "grant": str(grant)},
            grant=grant,
            staff=staff,
            browser=proven.browser,
            scope=wanted.scope,
            acr=acr(Form.ELECTRONIC, proven.level, proven.strength),
            auth_time=store.when(proven.auth_time),
            seconds=LONG if lasting else SHORT,
        ),
        code,
    )
    if made is None:
        raise CardSuspended
    return made


def subject(server: Server, client: Client, holder: UUID) -> str:
    """Return the holder's pairwise `sub` in the client's sector; an agency's own sector is that of its terminals."""
    if client.sector == str(client.agency):
        return pseudonym(server.runtime, client.agency, holder)
    message = client.sector.encode() + b"\0" + holder.bytes
    return b64url(server.runtime.vault.mac("pairwise sub of a sector", message)[:18])


def staff_subject(server: Server, client: Client, staff: UUID) -> str:
    """Return a member of staff's `sub`: another than the citizen's, so that neither tells of the other."""
    return b64url(server.runtime.vault.mac("staff sub", client.agency.bytes + staff.bytes)[:18])


async def is_hinted(db: Db, client: Client, hint: str | None, holder: UUID) -> bool:
    """Return whether `holder` is whom the client's hint names: nobody else gets tokens then (OpenID Core §3.1.2.2)."""
    return hint is None or await store.whose(db, client.sector, hint) == holder


async def mine(db: Db, server: Server, holder: Holder) -> list[ConsentView]:
    """Return what the holder allowed and to whom, youngest first."""
    return [
        ConsentView(
            id=row["id"],
            client=row["client"],
            agency=row["agency"],
            item=row["item"],
            title=server.catalogue.get(row["item"]).title,
            fields=[Field(field) for field in row["fields"]],
            given_at=row["given_at"].isoformat(),
            used_at=row["used_at"].isoformat() if row["used_at"] else None,
            current=row["catalogue"] == server.catalogue.version,
        )
        for row in await store.of_holder(db, holder.card)
    ]


async def withdraw(server: Server, holder: Holder, consent: UUID) -> None:
    """Withdraw a consent 撤回授权: every token of that client and item dies with it. Raises NotFound."""
    async with begin(server.runtime.pool) as tx:
        row = await store.withdraw(tx, consent, holder.card)
        if row is None:
            raise NotFound
        await audit.insert(
            tx,
            kind="consent_withdrawn",
            outcome="ok",
            actor=holder.actor,
            card=holder.card,
            item=row["item"],
            detail={"client": str(row["client"])},
        )
