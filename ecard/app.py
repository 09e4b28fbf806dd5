"""Composition: the only place that knows every package; nobody imports it but the command line."""

import asyncio
import contextlib
import functools
import importlib.util
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from litestar import Litestar, Request, Router
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import License
from litestar.routes import HTTPRoute
from litestar.static_files import create_static_files_router

from auth.clients import routes as clients
from auth.grants import routes as grants
from auth.logins import routes as logins
from auth.provider import browser, cors
from auth.provider import routes as provider
from auth.staff import routes as staff
from cardio.employment import routes as employment
from cardio.server import evidence as card_evidence
from cardio.server import routes as bridges
from cardio.server import socket as bridge_socket
from cardio.server.errors import CardReadRefused
from ecard import __version__, guards, health, pages
from ecard.access import routes as access
from ecard.cards import routes as cards
from ecard.cards.checks import Checks, NotConnected
from ecard.cards.sandbox import SandboxChecks
from ecard.cases import routes as cases
from ecard.cases.policy import policy
from ecard.catalogue import routes as catalogue_routes
from ecard.catalogue.load import load
from ecard.catalogue.model import Catalogue
from ecard.certification import routes as certification
from ecard.claims import routes as claims
from ecard.claims import source as claim_sources
from ecard.claims.errors import ClaimStatusUnknown
from ecard.clock import Clock
from ecard.desk import routes as desk
from ecard.desk.schemas import CardEvidence, CodeEvidence
from ecard.desk.service import Desk, Readers
from ecard.direct import Direct
from ecard.document import Route, document, routes, sockets
from ecard.entries import routes as entries
from ecard.errors import NotFound, TooMany
from ecard.given import Given
from ecard.idempotency import KeyMissing, KeyReused, creation
from ecard.observe import Observe
from ecard.parts import Parts
from ecard.problems import HANDLERS
from ecard.records import routes as records
from ecard.requests import MAX_BODY, StrictRequest
from ecard.runtime import Runtime
from ecard.settings import Settings
from pay.banks import routes as banks_routes
from pay.banks.directory import Banks
from pay.bills import routes as bills
from pay.codes import routes as order_codes
from pay.disbursement import routes as disbursement
from pay.hours import routes as hours
from pay.medical import routes as medical
from pay.merchants import routes as merchants
from pay.orders import routes as orders
from pay.orders.asking import Till
from pay.receipts import routes as receipts
from pay.reconciliation import routes as reconciliation
from pay.rides import routes as rides
from pay.settlements import routes as settlements
from pay.webhooks import routes as webhooks
from qr import evidence
from qr import routes as codes
from qr.errors import CodeRefused
from vouchers.allowances import routes as allowances
from vouchers.attendance import routes as attendance
from vouchers.batches import routes as voucher_batches
from vouchers.classes import routes as classes
from vouchers.completion import routes as completion
from vouchers.credentials import routes as credentials
from vouchers.credentials.errors import CredentialRefused, CredentialRevoked, CredentialStatusUnknown
from vouchers.life import routes as vouchers
from vouchers.programmes import routes as voucher_programmes
from vouchers.statistics import routes as statistics

_LONGEST_PATH = 200
READERS: Readers = {CodeEvidence: evidence.read, CardEvidence: card_evidence.read}
"""How each kind of evidence is read; a new kind is one line here."""
READER_ERRORS = (*CodeRefused.__subclasses__(), *CardReadRefused.__subclasses__(), TooMany)
"""What the readers raise."""
OFFLINE_ERRORS = (CredentialRefused, CredentialRevoked, CredentialStatusUnknown, ClaimStatusUnknown)
"""What is met with no network alone: in the catalogue of errors, and in no operation."""
ROUTERS = [
    catalogue_routes.router,
    access.router,
    cards.router,
    desk.router,
    records.router,
    certification.router,
    entries.router,
    claims.router,
    cases.router,
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
    medical.router,
    rides.router,
    receipts.router,
    credentials.router,
    statistics.router,
    allowances.router,
    disbursement.router,
    hours.router,
    voucher_programmes.router,
    voucher_batches.router,
    vouchers.router,
    bridges.router,
    employment.router,
    bridge_socket.router,
    banks_routes.router,
    classes.router,
    attendance.router,
    completion.router,
    health.router,
]


def create_app(settings: Settings, *, clock: Clock | None = None, quiet: bool = False) -> Observe:
    """Return the ASGI application; it connects to its stores when it starts."""
    opened = Parts()
    known = load()
    policy()  # a wrong row of it stops the program at start as well
    checks: Checks = SandboxChecks() if settings.sandbox else NotConnected()

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        # `desk`, `server` and `banks` are for the operations that are called directly (`ecard.direct`).
        async with opened.serve(settings, known, READERS, clock=clock) as desk:
            app.state.update(runtime=opened.runtime, desk=desk, server=opened.server, banks=opened.banks)
            yield

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


def _dependencies(opened: Parts, known: Catalogue, checks: Checks) -> Mapping[str, Provide]:
    async def catalogue() -> Any:
        return known

    async def authorities() -> Any:
        return checks

    async def desk(runtime: Given[Runtime]) -> Any:
        return Desk(runtime, known, READERS)

    async def till(desk: Given[Desk], banks: Given[Banks]) -> Any:
        return Till(desk, banks)

    async def claim_source(runtime: Given[Runtime]) -> Any:
        return claim_sources.SandboxSource() if runtime.settings.sandbox else claim_sources.NotConnected()

    async def api_document() -> Any:
        return await asyncio.to_thread(openapi_document)

    return {
        **{name: _part(opened, name) for name in get_type_hints(Parts)},
        "catalogue": Provide(catalogue, use_cache=True),
        "checks": Provide(authorities, use_cache=True),
        "claim_source": Provide(claim_source),
        "desk": Provide(desk),
        "till": Provide(till),
        "api_document": Provide(api_document),
        "creation": Provide(creation),
        **guards.DEPENDENCIES,
    }


def _part(opened: Parts, name: str) -> Provide:
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
        dependencies=_dependencies(Parts(), load(), NotConnected()),
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
