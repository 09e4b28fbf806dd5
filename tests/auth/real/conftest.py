"""A server whose issuer is its own address: what real clients discover is where they go."""

import socket
from collections.abc import Iterator

import msgspec
import pytest

from ecard.settings import Settings
from tests.bureau import Bureau, new_database
from tests.clients.browser import Browser, chromium
from tests.conftest import first_operators, serving


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def real_settings(settings: Settings) -> Settings:
    """Sandbox settings of an installation of its own."""
    return msgspec.structs.replace(new_database(settings), issuer=f"http://127.0.0.1:{_free_port()}")


@pytest.fixture(scope="session")
def real(real_settings: Settings) -> Iterator[Bureau]:
    """A bureau on a server that answers at its issuer."""
    with serving(real_settings, port=int(real_settings.issuer.rpartition(":")[2])) as url:
        assert url == real_settings.issuer
        made = Bureau(url, first_operators(real_settings))
        yield made
        made.http.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser."""
    with chromium() as running:
        yield running
