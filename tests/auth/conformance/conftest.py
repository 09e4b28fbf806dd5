"""One holder and one FAPI 2.0 client for the tests of a file: what they ask does not depend on who asks."""

import pytest

from ecard.client import Phone
from tests.auth.party import Party, fapi, standard
from tests.bureau import Bureau


@pytest.fixture(scope="module")
def phone(bureau: Bureau) -> Phone:
    """A holder's phone."""
    return bureau.phone()


@pytest.fixture(scope="module")
def party(bureau: Bureau) -> Party:
    """A FAPI 2.0 client."""
    return fapi(bureau)


@pytest.fixture(scope="module")
def site(bureau: Bureau) -> Party:
    """An ordinary website: OpenID Connect with a secret, PKCE and bearer tokens."""
    return standard(bureau)
