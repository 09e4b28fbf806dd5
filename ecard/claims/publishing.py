"""The status lists of credentials, signed: fetched one by one, and in the bundle of those who verify offline."""

from ecard import tokens
from ecard.claims import store
from ecard.claims.status import status_list
from ecard.errors import NotFound
from ecard.keyring.model import Purpose, key_url
from ecard.runtime import Runtime
from ecard.tokens import TokenType


async def published(runtime: Runtime, number: int) -> str:
    """Return a signed status list (typ statuslist+jwt); raises NotFound (nothing was ever put on it) or NoKey."""
    if not 0 <= number <= await store.last_list(runtime.pool):
        raise NotFound
    now, issuer = runtime.clock.time(), runtime.settings.issuer
    key = runtime.ring.signing(Purpose.CREDENTIAL, now)
    claims = status_list(issuer, number, await store.revoked(runtime.pool, number), now)
    return tokens.mint(key.signer, key_url(issuer, key.kid), TokenType.TOKEN_STATUS, claims)


async def lists(runtime: Runtime) -> list[str]:
    """Return every status list, signed; raises NoKey."""
    return [await published(runtime, number) for number in range(await store.last_list(runtime.pool) + 1)]
