"""Ten thousand holders with phones and a few terminals, straight into the tables: seeding is not what is measured."""

import os
from typing import NamedTuple
from uuid import UUID

import msgspec

from ecard import signatures
from ecard.callers import SESSION_SECONDS, AnyCaller, Holder, Terminal
from ecard.cards.model import Profile
from ecard.cards.profiles import card_no_index, id_index, seal_profile
from ecard.catalogue.model import Scene
from ecard.db import begin
from ecard.ids import new_id
from ecard.keyring.model import Purpose
from ecard.runtime import Runtime
from ecard.signatures import Call
from pay.banks.sandbox import CODE
from pay.merchants import store as merchants
from pay.merchants.schemas import MerchantRequest
from pay.merchants.service import ACCOUNT
from qr import service
from qr.model import step_at
from tests.bench.load import post
from tests.bureau import new_person, new_uscc


class Cast(NamedTuple):
    """The seeded callers."""

    holders: list[Holder]
    terminals: list[Terminal]


async def seed(runtime: Runtime, people: int, terminals: int) -> Cast:
    """Insert people with an e-card of level 2 on a phone each, and terminals of one agency."""
    pool, expires = runtime.pool, int(runtime.clock.time()) + SESSION_SECONDS
    agency, channel = new_id(), new_id()
    await pool.execute("INSERT INTO agency (id, name, uscc) VALUES ($1, '测速局', $2)", agency, new_uscc())

    async def actors(kind: str, ids: list[UUID]) -> dict[UUID, int]:
        rows = [(one, kind, os.urandom(65)) for one in ids]
        sql = "INSERT INTO actor (id, kind, suite, public) VALUES ($1, $2, 'ES256', $3)"
        await pool.executemany(sql, rows)
        return {row["id"]: row["seq"] for row in await pool.fetch("SELECT id, seq FROM actor WHERE id = any($1)", ids)}

    await actors("channel", [channel])
    await pool.execute(
        "INSERT INTO channel (actor, name, kind, medium, tier) VALUES ($1, '测速', 'hrss', 'app', 1)", channel
    )
    counters = await actors("terminal", [new_id() for _ in range(terminals)])
    await pool.executemany(
        "INSERT INTO terminal (actor, agency, name, setting, region, site) "
        "VALUES ($1, $2, '1', 'counter', '640100', '厅')",
        [(one, agency) for one in counters],
    )
    facts = [new_person().facts for _ in range(people)]
    holders = [new_id() for _ in facts]
    profiles = [Profile(**one, sex="1", birth_date="1985-01-01") for one in facts]
    rows = [
        (holder, id_index(runtime.vault, p.id_no), seal_profile(runtime.vault, p))
        for holder, p in zip(holders, profiles, strict=True)
    ]
    await pool.executemany("INSERT INTO holder (id, id_index, profile) VALUES ($1, $2, $3)", rows)
    await pool.executemany(
        "INSERT INTO card (holder, card_no_index, level, password) VALUES ($1, $2, 2, 'none')",
        [(h, card_no_index(runtime.vault, p.card_no)) for h, p in zip(holders, profiles, strict=True)],
    )
    cards = {
        r["holder"]: r["seq"] for r in await pool.fetch("SELECT holder, seq FROM card WHERE holder = any($1)", holders)
    }
    phones = await actors("holder", [new_id() for _ in holders])
    bound = list(zip(phones, holders, strict=True))
    await pool.executemany(
        "INSERT INTO device (actor, seq, card, channel, sign_no) VALUES ($1, $2, $3, $4, $5)",
        [(phone, phones[phone], cards[holder], channel, phone.hex) for phone, holder in bound],
    )
    await pool.execute("ANALYZE")
    return Cast(
        [
            Holder(actor=p, seq=phones[p], key=os.urandom(32), expires=expires, card=cards[h], channel=channel)
            for p, h in bound
        ],
        [
            Terminal(
                actor=t,
                seq=seq,
                key=os.urandom(32),
                expires=expires,
                agency=agency,
                agency_name="测速局",
                setting="counter",
                region="640100",
                site="厅",
            )
            for t, seq in counters.items()
        ],
    )


async def open_shop(runtime: Runtime, cast: Cast) -> None:
    """Make the terminals' agency a merchant, and bind the holders to the simulated bank."""
    asked = MerchantRequest(
        agency=cast.terminals[0].agency,
        name="测速景区",
        category="7991",
        bank=CODE,
        bank_account="6299990000000000012",
        items=["A2-34"],
        order_limit=1_000_000,
        small_free_limit=50_000,
    )
    async with begin(runtime.pool) as tx:
        await merchants.insert(tx, asked, runtime.vault.seal(ACCOUNT, asked.bank_account.encode()))
        await tx.execute("INSERT INTO payer (card, bank) SELECT seq, $1 FROM card", CODE)


def signed(runtime: Runtime, caller: AnyCaller, ticket: str, path: str, body: bytes, key: str | None = None) -> bytes:
    """Return the bytes of a POST signed in the caller's session."""
    headers = signatures.sign(
        Call("POST", path, "", body, key),
        keyid=ticket,
        algorithm=signatures.HMAC,
        created=int(runtime.clock.time()),
        by=lambda base: signatures.mac(caller.key, base),
    )
    return post(path, body, headers)


def code_requests(runtime: Runtime, holders: list[Holder], count: int) -> list[bytes]:
    """Return a request for `count` codes from each phone."""
    body = b'{"scene":"identity","count":%d}' % count
    return [signed(runtime, one, runtime.tickets.seal(one), "/v1/me/codes", body) for one in holders]


def visit_requests(runtime: Runtime, cast: Cast, holders: list[Holder]) -> list[bytes]:
    """Return a visit for item A1-01 with a fresh code of each holder, spread over the terminals."""
    return _shown(runtime, cast, holders, Scene.IDENTITY, "/v1/visits", {"item": "A1-01"})


def charge_requests(runtime: Runtime, cast: Cast, holders: list[Holder]) -> list[bytes]:
    """Return a charge of one yuan for item A2-34, the same way; the codes say that the password was proven."""
    asked = {"item": "A2-34", "amount": 100, "subject": "门票"}
    return _shown(runtime, cast, holders, Scene.PAY, "/v1/charges", asked)


def _shown(
    runtime: Runtime, cast: Cast, holders: list[Holder], scene: Scene, path: str, asked: dict[str, object]
) -> list[bytes]:
    now = runtime.clock.time()
    key, step = runtime.ring.signing(Purpose.CODE, now), step_at(now)
    tickets = [runtime.tickets.seal(one) for one in cast.terminals]
    requests = []
    for n, holder in enumerate(holders):
        showing = service.Showing(holder.card, holder.seq, now + 600)
        [code] = service.make(runtime, key, showing, scene, step, 1)
        numbered = {"out_trade_no": new_id().hex} if scene is Scene.PAY else {}
        body = msgspec.json.encode({**asked, **numbered, "evidence": {"kind": "code", "code": code.code}})
        at = n % len(tickets)
        requests.append(signed(runtime, cast.terminals[at], tickets[at], path, body, key=new_id().hex))
    return requests
