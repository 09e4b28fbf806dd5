from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from ecard.client import Terminal
from ecard.settings import Settings
from tests.bureau import Bureau, new_uscc, rows
from tests.pay.receivers import Receiver, receiving

_BOOKED = """
    INSERT INTO outbox (id, topic, body)
    SELECT gen_random_uuid(), 'webhook', jsonb_build_object('merchant', $1::text, 'event', $2::text, 'amount', n)
    FROM generate_series(1, $3) AS n RETURNING id
"""


class Merchant(NamedTuple):
    """A merchant with a server that manages its notifications."""

    agency: str
    server: Terminal
    settings: Settings

    def endpoint(self, url: str) -> dict[str, Any]:
        """Return a new endpoint: id, url, secret."""
        made: dict[str, Any] = self.server.call("POST", "/v1/webhooks", {"url": url}).json()
        return made

    def books(self, event: str = "order.paid", count: int = 1) -> list[str]:
        """Write events into the outbox as a booking does; return their webhook-ids."""
        made = rows(self.settings, _BOOKED, self.agency, event, count)
        return [f"evt_{row['id'].hex}" for row in made]

    def listed(self, endpoint: str) -> dict[str, Any]:
        """Return an endpoint as the merchant's server reads it."""
        [found] = [one for one in self.server.call("GET", "/v1/webhooks").json() if one["id"] == endpoint]
        return dict(found)

    def due(self) -> None:
        """Let what waits for this merchant's endpoints be due now."""
        sql = """
            UPDATE outbox SET due_at = now() FROM webhook_endpoint p WHERE topic = 'webhook_delivery'
            AND body ->> 'endpoint' = p.id::text AND p.merchant = $1::text::uuid AND done_at IS NULL
        """
        rows(self.settings, sql, self.agency)


def new_merchant(bureau: Bureau, settings: Settings) -> Merchant:
    """Return a merchant who did not exist before."""
    agency = bureau.registrar.register_agency("测试商户", new_uscc())
    return Merchant(str(agency), bureau.registrar.register_terminal(agency, "online"), settings)


@pytest.fixture
def merchant(bureau: Bureau, settings: Settings) -> Merchant:
    return new_merchant(bureau, settings)


@pytest.fixture
def other(bureau: Bureau, settings: Settings) -> Merchant:
    """Another merchant."""
    return new_merchant(bureau, settings)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made
