"""A server whose issuer is its own address: what real clients discover is where they go."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ecard.settings import Settings
from tests.auth.party import Party, standard
from tests.auth.real.browsing import WIDE, Opening, Screen, site
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


@pytest.fixture(scope="session")
def callback() -> Iterator[str]:
    """The redirect URI of an ordinary client's site."""
    with site() as uri:
        yield uri


@pytest.fixture(scope="session")
def party(real: Bureau, callback: str) -> Party:
    """The ordinary client."""
    return standard(real, redirect_uris=[callback])


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a person can look at what the tests saw."""
    return tmp_path_factory.mktemp("pictures", numbered=False)


@pytest.fixture(scope="session")
def login_page(browser: Browser, party: Party, callback: str, pictures: Path) -> Opening:
    """Opens the login page in a new profile; at the end nothing may have been asked of others, or complained of."""

    @contextmanager
    def opened(asked: dict[str, str] | None = None, **options: Any) -> Iterator[Screen]:
        with browser.page(**{"viewport": WIDE, **options}) as page:
            shown = Screen(browser, page, callback, pictures)
            shown.open(party, **(asked or {}))
            yield shown
            assert (shown.strangers(party.issuer), shown.complaints) == ([], [])

    return opened
