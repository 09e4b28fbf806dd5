"""Composition: the only place that knows every package; nobody imports it but the command line."""

import asyncio
import contextlib
import importlib.util
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Contact, License
from litestar.static_files import create_static_files_router

from ecard import __version__, guards, health
from ecard.access import routes as access
from ecard.audit import service as audit
from ecard.cards import routes as cards
from ecard.cards.checks import Checks, NotConnected
from ecard.cards.sandbox import SandboxChecks
from ecard.catalogue import routes as catalogue_routes
from ecard.catalogue.load import load
from ecard.catalogue.model import Catalogue
from ecard.clock import Clock
from ecard.desk import routes as desk
from ecard.desk.service import Readers
from ecard.idempotency import creation
from ecard.keyring import service as keyring
from ecard.observe import Observe
from ecard.problems import HANDLERS
from ecard.requests import StrictRequest
from ecard.runtime import Runtime, open_runtime
from ecard.settings import Settings
from qr import evidence
from qr import routes as codes
from qr.bundle import BundleMaker

READERS: Readers = {"code": evidence.read}
"""How each kind of evidence is read; a new kind is one line here."""
MAX_BODY = 64 * 1024
"""Bytes of the largest request body."""
ROUTERS = [catalogue_routes.router, access.router, cards.router, desk.router, codes.router, health.router]


class _Open:
    """What exists only while the process serves; handlers are given its parts by name."""

    runtime: Runtime
    bundles: BundleMaker


def create_app(settings: Settings, *, clock: Clock | None = None, quiet: bool = False) -> Observe:
    """Return the ASGI application; it connects to its stores when it starts."""
    opened = _Open()
    known = load()
    checks: Checks = SandboxChecks() if settings.sandbox else NotConnected()

    @contextlib.asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        runtime = await open_runtime(settings, clock=clock)
        opened.runtime, opened.bundles = runtime, BundleMaker(runtime)
        tasks = [asyncio.create_task(_watch(runtime)), asyncio.create_task(_seal(runtime))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await runtime.close()

    app = Litestar(
        [*ROUTERS, _scripts()],
        lifespan=[lifespan],
        dependencies={**_dependencies(opened, known, checks), **guards.DEPENDENCIES, "creation": Provide(creation)},
        exception_handlers=HANDLERS,
        request_class=StrictRequest,
        request_max_body_size=MAX_BODY,
        openapi_config=_openapi(),
        logging_config=None,
    )
    return Observe(app, quiet=quiet)


def _dependencies(opened: _Open, known: Catalogue, checks: Checks) -> Mapping[str, Provide]:
    async def runtime() -> Any:
        return opened.runtime

    async def bundles() -> Any:
        return opened.bundles

    async def catalogue() -> Any:
        return known

    async def authorities() -> Any:
        return checks

    async def readers() -> Any:
        return READERS

    return {
        "runtime": Provide(runtime),
        "bundles": Provide(bundles),
        "catalogue": Provide(catalogue),
        "checks": Provide(authorities),
        "readers": Provide(readers),
    }


def _scripts() -> Router:
    """Serve the API page's scripts from the installed package: closed networks reach no CDN."""
    found = importlib.util.find_spec("litestar_offline_docs")
    directory = Path(str(found.origin if found else "")).parent / "static"
    return create_static_files_router(
        "/docs/static", directories=[directory], opt={"public": True}, include_in_schema=False
    )


async def _watch(runtime: Runtime) -> None:
    """Keep dead cards and keys fresh."""

    async def keys() -> None:
        await keyring.refresh(runtime.pool, runtime.vault, runtime.ring, runtime.clock)

    await runtime.denied.watch(runtime.pool, runtime.settings.database_url or "", also=keys)


async def _seal(runtime: Runtime) -> None:
    """Seal the audit log every few seconds; of several workers one does it."""
    while True:
        await asyncio.sleep(audit.PERIOD)
        with contextlib.suppress(Exception):
            await audit.seal(runtime.pool, runtime.ring, runtime.clock, runtime.settings.issuer)


def _openapi() -> OpenAPIConfig:
    static = "/docs/static"
    return OpenAPIConfig(
        title="电子社保卡移动后台 · E-card backend",
        version=__version__,
        description="签发与核验动态二维码、身份断言。Issues and verifies dynamic codes and identity assertions.",
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        contact=Contact(name="ecard"),
        path="/docs/api",
        render_plugins=[
            SwaggerRenderPlugin(
                js_url=f"{static}/swagger-ui-bundle.js",
                css_url=f"{static}/swagger-ui.css",
                standalone_preset_js_url=f"{static}/swagger-ui-standalone-preset.js",
                path="/",
            )
        ],
    )


def openapi_document() -> bytes:
    """Return the OpenAPI document as committed: sorted, indented, one line's end at the end."""
    app = Litestar(
        ROUTERS,
        dependencies={
            **_dependencies(_Open(), load(), NotConnected()),
            **guards.DEPENDENCIES,
            "creation": Provide(creation),
        },
        request_class=StrictRequest,
        openapi_config=_openapi(),
        logging_config=None,
    )
    import json

    return (json.dumps(app.openapi_schema.to_schema(), ensure_ascii=False, indent=1) + "\n").encode()
