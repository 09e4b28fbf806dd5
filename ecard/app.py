"""Composition: the only place that knows every package; nobody imports it but the command line."""

import asyncio
import contextlib
import functools
import importlib.util
import json
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar, Request, Router
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import License
from litestar.routes import HTTPRoute
from litestar.static_files import create_static_files_router

from auth import logout, sweep
from auth.clients import routes as clients
from auth.clients.directory import Directory
from auth.ended import Ended
from auth.grants import routes as grants
from auth.logins import routes as logins
from auth.logins.feed import LOGINS
from auth.proofs import Nonces
from auth.provider import browser, cors
from auth.provider import routes as provider
from auth.replay import Marks
from auth.server import Server
from auth.staff import routes as staff
from cardio.keys.hsm import Hsm
from cardio.keys.model import KeyModule
from cardio.keys.software import sandbox_keys
from cardio.server import evidence as card_evidence
from cardio.server import routes as bridges
from cardio.server import socket as bridge_socket
from cardio.server.drive import driver
from cardio.server.errors import CardReadRefused
from cardio.server.hsm import line_to
from cardio.server.links import Hub
from ecard import __version__, guards, health, pages
from ecard.access import routes as access
from ecard.audit import service as audit
from ecard.cards import routes as cards
from ecard.cards.checks import Checks, NotConnected
from ecard.cards.sandbox import SandboxChecks
from ecard.catalogue import routes as catalogue_routes
from ecard.catalogue.load import load
from ecard.catalogue.model import Catalogue
from ecard.clock import Clock
from ecard.db import Db
from ecard.desk import routes as desk
from ecard.desk import store as visits
from ecard.desk.schemas import CardEvidence, CodeEvidence
from ecard.desk.service import Desk, Readers
from ecard.direct import Direct
from ecard.document import Route, document, routes, sockets
from ecard.errors import NotFound, TooMany
from ecard.feed import Feed
from ecard.given import Given
from ecard.idempotency import KeyMissing, KeyReused, creation
from ecard.keyring import service as keyring
from ecard.observe import Observe
from ecard.problems import HANDLERS
from ecard.requests import MAX_BODY, StrictRequest
from ecard.runtime import Runtime, open_runtime
from ecard.settings import Settings
from pay.banks import routes as banks_routes
from pay.banks.connector import lines_to_banks
from pay.banks.directory import Banks
from pay.banks.resolver import KINDS, Resolver
from pay.bills import marking
from pay.bills import routes as bills
from pay.bills.service import Office
from pay.codes import routes as order_codes
from pay.disbursement import paying
from pay.disbursement import routes as disbursement
from pay.disbursement.eligibility import NotConnected as NoRegister
from pay.disbursement.eligibility import SandboxStanding
from pay.disbursement.paying import Disburser, disbursed
from pay.ledger import periods
from pay.merchants import routes as merchants
from pay.orders import routes as orders
from pay.orders import store as order_store
from pay.orders.asking import Till
from pay.orders.waiting import PAYERS
from pay.receipts import routes as receipts
from pay.reconciliation import routes as reconciliation
from pay.rides import capture
from pay.rides import routes as rides
from pay.rides import store as ride_store
from pay.rides.denied import DeniedMaker
from pay.settlements import daily as settling
from pay.settlements import routes as settlements
from pay.settlements.service import payouts
from pay.webhooks import delivery
from pay.webhooks import routes as webhooks
from pay.webhooks import store as webhook_store
from qr import evidence
from qr import routes as codes
from qr.bundle import BundleMaker
from qr.errors import CodeRefused
from vouchers.allowances import routes as allowances
from vouchers.attendance import routes as attendance
from vouchers.batches import routes as voucher_batches
from vouchers.batches import working as voucher_issuing
from vouchers.classes import routes as classes
from vouchers.completion import routes as completion
from vouchers.credentials import routes as credentials
from vouchers.credentials.errors import CredentialRefused, CredentialRevoked, CredentialStatusUnknown
from vouchers.credentials.publishing import Register
from vouchers.life import routes as vouchers
from vouchers.life import working as voucher_ending
from vouchers.programmes import routes as voucher_programmes
from vouchers.statistics import routes as statistics
from vouchers.statistics.service import Counter

log = logging.getLogger("ecard.app")
_LONGEST_PATH = 200
_OTHERS_SECONDS = 3.0
"""Seconds that a client's own server has to answer: its keys, a logout told to it."""
_EXPIRY_SECONDS = 5.0
"""Seconds between two looks for orders that ended unpaid."""
READERS: Readers = {CodeEvidence: evidence.read, CardEvidence: card_evidence.read}
"""How each kind of evidence is read; a new kind is one line here."""
READER_ERRORS = (*CodeRefused.__subclasses__(), *CardReadRefused.__subclasses__(), TooMany)
"""What the readers raise."""
OFFLINE_ERRORS = (CredentialRefused, CredentialRevoked, CredentialStatusUnknown)
"""What is met with no network alone: in the catalogue of errors, and in no operation."""
FORGETTING = (webhook_store.forget, ride_store.forget)
"""What the sweep forgets beside what concerns logins."""
ROUTERS = [
    catalogue_routes.router,
    access.router,
    cards.router,
    desk.router,
    codes.router,
    grants.router,
    logins.router,
    provider.router,
    browser.router,
    clients.router,
    staff.router,
    webhooks.router,
    reconciliation.router,
    settlements.router,
    merchants.router,
    orders.router,
    order_codes.router,
    bills.router,
    rides.router,
    receipts.router,
    credentials.router,
    statistics.router,
    allowances.router,
    disbursement.router,
    voucher_programmes.router,
    voucher_batches.router,
    vouchers.router,
    bridges.router,
    bridge_socket.router,
    banks_routes.router,
    classes.router,
    attendance.router,
    completion.router,
    health.router,
]


class _Open:
    """What exists only while the process serves; handlers are given its parts by name."""

    runtime: Runtime
    bundles: BundleMaker
    server: Server
    feed: Feed
    banks: Banks
    office: Office
    denials: DeniedMaker
    certificates: Register
    statistics: Counter
    resolver: Resolver
    hub: Hub


def create_app(settings: Settings, *, clock: Clock | None = None, quiet: bool = False) -> Observe:
    """Return the ASGI application; it connects to its stores when it starts."""
    opened = _Open()
    known = load()
    checks: Checks = SandboxChecks() if settings.sandbox else NotConnected()

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        runtime = await open_runtime(settings, clock=clock)
        http = httpx.AsyncClient(timeout=_OTHERS_SECONDS)
        server = Server(
            runtime,
            known,
            Directory(runtime.pool, http),
            Nonces(runtime.vault),
            Ended(runtime.clock),
            Marks(runtime.pool),
        )
        await server.ended.refresh(runtime.pool)
        banks = opened.banks = Banks(runtime.clock, runtime.vault, lines_to_banks())
        await banks.refresh(runtime.pool)
        opened.resolver = Resolver(
            runtime.pool, banks, {**KINDS, "payout": disbursed(runtime.vault, otherwise=payouts(runtime.vault))}
        )
        opened.runtime, opened.bundles, opened.server = runtime, BundleMaker(runtime), server
        opened.feed = Feed(LOGINS, PAYERS)
        opened.hub = Hub(runtime, driver(runtime, known, _key_module(settings)))
        # For the operations that are called directly (`ecard.direct`).
        desk = Desk(runtime, known, READERS)
        app.state.update(runtime=runtime, desk=desk, server=server, banks=banks)
        opened.office, opened.denials = Office(runtime, known, http), DeniedMaker(runtime)
        opened.certificates, opened.statistics = Register(runtime), Counter(runtime)
        work = [
            _watch(server),
            _seal(runtime),
            opened.feed.watch(settings.database_url or ""),
            opened.hub.watch(settings.database_url or ""),
            logout.tell_for_ever(server, http),
            sweep.sweep_for_ever(runtime.pool, FORGETTING),
            settling.settle_for_ever(runtime, banks),
            delivery.deliver_for_ever(runtime.pool, runtime.vault, runtime.clock, http),
            banks.refresh_for_ever(runtime.pool),
            opened.resolver.work_for_ever(),
            _close_orders(runtime),
            capture.work_for_ever(Till(desk, banks)),
            marking.mark_for_ever(opened.office, Till(desk, banks)),
            periods.work_for_ever(runtime),
            paying.pay_for_ever(Disburser(runtime, banks, SandboxStanding() if settings.sandbox else NoRegister())),
            voucher_issuing.work_for_ever(runtime.pool),
            voucher_ending.work_for_ever(runtime.pool),
        ]
        tasks = [asyncio.create_task(one) for one in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await http.aclose()
            await banks.close()
            await runtime.close()

    app = Litestar(
        [*ROUTERS, pages.router, _scripts()],
        lifespan=[lifespan],
        dependencies=_dependencies(opened, known, checks),
        exception_handlers=HANDLERS,
        before_send=[cors.allow],
        request_class=StrictRequest,
        request_max_body_size=MAX_BODY,
        openapi_config=None,
        logging_config=None,
    )
    _check_doors(app)
    return Observe(Direct(app), quiet=quiet)


def _check_doors(app: Litestar) -> None:
    """Refuse to start with a handler that names no caller and is not public: a forgotten guard opens no door.

    One that names two callers, or a caller and is public, or an operator of no role, is as wrong.
    """
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else [route.route_handler]:
            if getattr(handler, "http_methods", None) == {"OPTIONS"}:
                continue
            callers = guards.DEPENDENCIES.keys() & handler.parsed_fn_signature.parameters.keys()
            one_door = len(callers) + bool(handler.opt.get("public")) == 1
            if not one_door or ("operator" in callers) != ("role" in handler.opt):
                msg = f"{route.path}: {handler} names not exactly one caller (an operator with a role) or public"
                raise RuntimeError(msg)


def _dependencies(opened: _Open, known: Catalogue, checks: Checks) -> Mapping[str, Provide]:
    async def catalogue() -> Any:
        return known

    async def authorities() -> Any:
        return checks

    async def desk(runtime: Given[Runtime]) -> Any:
        return Desk(runtime, known, READERS)

    async def till(desk: Given[Desk], banks: Given[Banks]) -> Any:
        return Till(desk, banks)

    async def api_document() -> Any:
        return await asyncio.to_thread(openapi_document)

    return {
        **{name: _part(opened, name) for name in _PARTS},
        "catalogue": Provide(catalogue, use_cache=True),
        "checks": Provide(authorities, use_cache=True),
        "desk": Provide(desk),
        "till": Provide(till),
        "api_document": Provide(api_document),
        "creation": Provide(creation),
        **guards.DEPENDENCIES,
    }


_PARTS = (
    "runtime",
    "bundles",
    "server",
    "feed",
    "hub",
    "banks",
    "resolver",
    "office",
    "denials",
    "certificates",
    "statistics",
)


def _part(opened: _Open, name: str) -> Provide:
    """Give handlers what exists while the process serves."""

    async def part() -> Any:
        return getattr(opened, name)

    return Provide(part, use_cache=True)


async def _plain_name(request: Request[Any, Any, Any]) -> None:
    """Refuse a name that no file system takes, before one is asked."""
    if "\0" in request.scope["path"] or len(request.scope["path"]) > _LONGEST_PATH:
        raise NotFound


def _scripts() -> Router:
    """Serve the API page's scripts from the installed package: closed networks reach no CDN."""
    found = importlib.util.find_spec("litestar_offline_docs")
    directory = Path(str(found.origin if found else "")).parent / "static"
    return create_static_files_router(
        "/docs/static",
        directories=[directory],
        before_request=_plain_name,
        cache_control=CacheControlHeader(public=True, max_age=86400),
        opt={"public": True},
        include_in_schema=False,
    )


def _key_module(settings: Settings) -> KeyModule | None:
    """Return what cards' proofs are compared with: the installation's HSM, else the sandbox's invented keys, or none.

    Without one no card can prove itself, and what is read of it is evidence for nearly nothing.
    """
    if settings.card_hsm is not None:
        return Hsm(line_to(settings.card_hsm))
    return sandbox_keys() if settings.sandbox else None


async def _watch(server: Server) -> None:
    """Keep dead cards, ended grants and keys fresh."""
    runtime = server.runtime

    async def also(db: Db) -> None:
        await server.ended.refresh(db)
        await keyring.refresh(db, runtime.vault, runtime.ring, runtime.clock)

    await runtime.denied.watch(runtime.settings.database_url or "", also=also)


async def _seal(runtime: Runtime) -> None:
    """Seal the audit log every few seconds and forget used evidence that has long expired."""
    while True:
        await asyncio.sleep(audit.PERIOD)
        try:
            await audit.seal(runtime.pool, runtime.ring, runtime.clock, runtime.settings.issuer)
            await visits.forget(runtime.pool)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("the audit log was not sealed: %s", type(error).__name__)


async def _close_orders(runtime: Runtime) -> None:
    """Close orders that nobody confirmed in time; what is read of one says so from the second it ends."""
    while True:
        await asyncio.sleep(_EXPIRY_SECONDS)
        try:
            await order_store.expire(runtime.pool)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("orders were not closed: %s", type(error).__name__)


@functools.cache
def _described() -> Litestar:
    """Return the application without its stores: to be described, not run."""
    about = OpenAPIConfig(
        title="电子社保卡移动后台 · E-card backend",
        version=__version__,
        license=License(name="MIT", identifier="MIT"),
        use_handler_docstrings=True,
        render_plugins=[JsonRenderPlugin()],
    )
    return Litestar(
        ROUTERS,
        dependencies=_dependencies(_Open(), load(), NotConnected()),
        request_class=StrictRequest,
        openapi_config=about,
        logging_config=None,
    )


def doors() -> list[Route]:
    """Return every operation, described in the API document or not, and the sockets."""
    app = _described()
    return [*(route for route in routes(app) if route.handler.operation_id), *sockets(app)]


@functools.cache
def openapi_document() -> bytes:
    """Return the OpenAPI document as committed and as served: indented, one line's end at the end."""
    made = document(_described(), load(), {"desk": (KeyMissing, KeyReused, *READER_ERRORS)})
    return (json.dumps(made, ensure_ascii=False, indent=1) + "\n").encode()
