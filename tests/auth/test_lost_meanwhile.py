"""A card lost, or a phone unbound, at the very moment of a login: no grant outlives what ended under it."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from ecard.settings import Settings
from tests.auth.party import Tab, fapi, new_pkce, query, standard
from tests.bureau import Bureau, outcomes, rows

LOST = "UPDATE card SET status = 'lost_temporary' WHERE seq = (SELECT card FROM device WHERE actor = $1)"
UNBOUND = "UPDATE actor SET revoked_at = now() WHERE id = $1"
LIVING = "SELECT count(*) FROM consent_grant WHERE client = $1::uuid AND revoked_at IS NULL"


def meanwhile(settings: Settings, sql: str, argument: object, act: Callable[[], Any]) -> Any:
    """Return what `act` returns that begins while `sql` is done and not yet committed."""

    async def run() -> Any:
        connection = await asyncpg.connect(settings.database_url)
        try:
            async with connection.transaction():
                await connection.execute(sql, argument)
                acting = asyncio.create_task(asyncio.to_thread(act))
                await asyncio.sleep(0.5)
            return await acting
        finally:
            await connection.close()

    return asyncio.run(run())


@pytest.mark.parametrize("end", [LOST, UNBOUND], ids=["lost", "unbound"])
def test_a_confirmation_under_way_gives_nothing(bureau: Bureau, settings: Settings, end: str) -> None:
    party, phone = fapi(bureau), bureau.phone()
    tab, page = party.begin(new_pkce())
    login = phone.call("POST", "/v1/logins/scan", {"qr": tab.status(page)["qr"]}).json()["id"]
    body = {"number": tab.status(page)["number"]}

    def confirm() -> object:
        return outcomes([lambda: phone.call("POST", f"/v1/logins/{login}/confirm", body)])

    assert meanwhile(settings, end, phone.actor, confirm) == {"card_suspended": 1}
    assert rows(settings, LIVING, party.client.client_id)[0][0] == 0
    assert tab.status(page)["state"] == "scanned"


@pytest.mark.parametrize("end", [LOST, UNBOUND], ids=["lost", "unbound"])
def test_a_browser_that_stayed_logged_in_gets_nothing(bureau: Bureau, settings: Settings, end: str) -> None:
    party, phone, tab = standard(bureau), bureau.phone(), Tab(bureau.base_url)
    page = urlsplit(tab.get("/oauth/authorize", **party.asked(new_pkce())).headers["location"]).path
    party.approve(phone, tab, page, remember=True)
    assert "code" in query(tab.get(f"{page}/done").headers["location"])
    quiet = party.asked(new_pkce(), prompt="none")
    assert "code" in query(tab.get("/oauth/authorize", **quiet).headers["location"])
    answer = meanwhile(settings, end, phone.actor, lambda: tab.get("/oauth/authorize", **quiet))
    assert query(answer.headers["location"])["error"] == "access_denied"
    assert rows(settings, LIVING, party.client.client_id)[0][0] == 0
