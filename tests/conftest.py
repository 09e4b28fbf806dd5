"""Real stores and a real server for every test that wants them: one PostgreSQL, one Valkey, one uvicorn."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import httpx
import hypothesis
import msgspec
import pytest
import uvicorn

from cardio.bridge.messages import MAX_FRAME
from ecard.access.schemas import OperatorRequest
from ecard.access.service import register_operator
from ecard.app import create_app
from ecard.cli.wire import AnsweredHandshake
from ecard.clock import Clock
from ecard.db import begin
from ecard.embedded import Stores, running
from ecard.keys import Signer, Suite, generate, to_jwk
from ecard.migrations.script import upgrade
from ecard.runtime import open_runtime
from ecard.settings import Settings
from pay.banks.directory import FRESH
from tests.bank import Bank, banking
from tests.bureau import Bureau

# No promise here is about the time that an example takes: a busy machine may take any.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

MASTER_KEY = bytes(range(32))
PCSCD = Path(tempfile.gettempdir()) / f"ecard-pcscd-{os.getpid()}"
"""Where this process's own pcscd runs, if a test starts one."""
# PC/SC's library reads the address once in a process: it is known before anything asks for readers.
os.environ["PCSCLITE_CSOCK_NAME"] = str(PCSCD / "run" / "pcscd.comm")


LONG = (
    "openapi/test_schemathesis.py",
    "races/",
    "ecard/cli/test_demo.py",
    "ecard/cli/test_rehearse.py",
    "ecard/embedded/",
    "ecard/test_access_matrix.py",
    "auth/real/",
    "cardio/test_pcscd.py",
    "cardio/server/",
    "vouchers/",
    "pay/",
)
"""What takes longest, first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it at the end."""
    rank = {place: n for n, place in enumerate(LONG)}
    here = Path(__file__).parent

    def key(item: pytest.Item) -> int:
        path = item.path.relative_to(here).as_posix()
        return next((n for place, n in rank.items() if path.startswith(place)), len(LONG))

    items.sort(key=key)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where nothing may be skipped (ECARD_NO_SKIP=1).

    Here and not when the report is logged: by then pytest has counted what fails its run.
    """
    report = yield
    if report.skipped and os.environ.get("ECARD_NO_SKIP") == "1":
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    """A directory that the stores' own user may enter, gone at the end."""
    place = Path(tempfile.mkdtemp(prefix="ecard-test-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def stores(data_dir: Path) -> Iterator[Stores]:
    """PostgreSQL and Valkey from wheels, with the newest schema."""
    with running(data_dir, say=lambda _: None) as started:
        upgrade(started.database_url)
        yield started


@pytest.fixture(scope="session")
def settings(stores: Stores, data_dir: Path) -> Settings:
    """Sandbox settings on these stores."""
    return Settings(
        data_dir=data_dir,
        database_url=stores.database_url,
        redis_url=stores.redis_url,
        master_key=MASTER_KEY,
        sandbox=True,
        issuer="https://ecard.example",
    )


@contextlib.contextmanager
def serving(settings: Settings, *, clock: Clock | None = None, port: int = 0) -> Iterator[str]:
    """Serve the real application in a thread of this process, on a free port unless given; yield its base URL."""
    config = uvicorn.Config(
        create_app(settings, clock=clock, quiet=True),
        port=port,
        loop="uvloop",
        http="httptools",
        ws=AnsweredHandshake,
        ws_max_size=MAX_FRAME,
        timeout_keep_alive=75,
        log_level="error",
        access_log=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            pytest.fail("the server did not start")
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="session")
def base_url(settings: Settings) -> Iterator[str]:
    """The base URL of a server that runs for the whole session."""
    with serving(settings) as url:
        yield url


def first_operators(settings: Settings) -> dict[str, tuple[str, Signer]]:
    """Register an operator of each role as the command line does; return their ids and keys."""

    async def register() -> dict[str, tuple[str, Signer]]:
        runtime = await open_runtime(settings, pool_size=1)
        operators = {}
        try:
            for role in ("registrar", "cards", "security", "finance", "training", "reviewer"):
                signer, _ = generate(Suite.ES256)
                request = msgspec.convert(
                    {"name": role, "role": role, "key": to_jwk(signer.suite, signer.public)}, OperatorRequest
                )
                async with begin(runtime.pool) as tx:
                    operators[role] = (str((await register_operator(tx, request, None)).id), signer)
        finally:
            await runtime.close()
        return operators

    return asyncio.run(register())


@pytest.fixture(scope="session")
def bureau(settings: Settings, base_url: str) -> Iterator[Bureau]:
    """A bureau on the session's server."""
    made = Bureau(base_url, first_operators(settings))
    made.settings = settings
    yield made
    made.http.close()


@pytest.fixture(scope="session")
def bank_house(settings: Settings, base_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """The simulated bank, a process that runs for the whole session, registered as SANDBOX."""
    del base_url  # the server is there, and will have read the registry
    with banking(tmp_path_factory.mktemp("bank"), settings) as made:
        time.sleep(FRESH + 0.2)
        yield made


@pytest.fixture
def bank(bank_house: Bank) -> Iterator[Bank]:
    """The simulated bank, with all well before and after a test."""
    bank_house.calm()
    yield bank_house
    bank_house.calm()


@pytest.fixture
def http(base_url: str) -> Iterator[httpx.Client]:
    """A plain client of the session's server."""
    with httpx.Client(base_url=base_url, timeout=30) as client:
        yield client
