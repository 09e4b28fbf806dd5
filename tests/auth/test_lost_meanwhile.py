"""What ends at the very moment of a login (card, phone, consent, browser, role): no grant outlives it."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from ecard.client import Phone
from ecard.settings import Settings
from tests.auth.acts import poll, told
from tests.auth.party import Tab, fapi, new_pkce, query, standard
from tests.auth.staff.test_staff import register
from tests.bureau import Bureau, outcomes, rows

LOST = "UPDATE card SET status = 'lost_temporary' WHERE seq = (SELECT card FROM device WHERE actor = $1)"
UNBOUND = "UPDATE actor SET revoked_at = now() WHERE id = $1"
# What a grant being given takes last or first, as the database likes: it waits here, and is not given yet.
HELD = "SELECT FROM card WHERE seq = (SELECT card FROM device WHERE actor = $1) FOR NO KEY UPDATE"
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


def overtaken(settings: Settings, phone: Phone, giving: Callable[[], Any], ending: Callable[[], Any]) -> Any:
    """Return what `giving` returns; it begins first, waits for the card's row, and `ending` comes in between."""

    async def run() -> Any:
        connection = await asyncpg.connect(settings.database_url)
        try:
            async with connection.transaction():
                await connection.execute(HELD, phone.actor)
                given = asyncio.create_task(asyncio.to_thread(giving))
                await asyncio.sleep(0.5)
                assert not given.done()
                ended = asyncio.create_task(asyncio.to_thread(ending))
                await asyncio.wait([ended], timeout=1)
            await ended
            return await given
        finally:
            await connection.close()

    return asyncio.run(run())


def withdraw(phone: Phone, tab: Tab) -> None:
    del tab
    for consent in phone.call("GET", "/v1/me/grants").json():
        phone.call("DELETE", f"/v1/me/grants/{consent['id']}")


def log_out(phone: Phone, tab: Tab) -> None:
    del phone
    other = Tab(tab._base_url)
    other._jar = dict(tab._jar)
    assert other.send("POST", "/login/out").status_code == 303


@pytest.mark.parametrize("end", [withdraw, log_out])
def test_a_browser_gets_nothing_for_a_consent_or_a_session_that_ends_meanwhile(
    bureau: Bureau, settings: Settings, end: Callable[[Phone, Tab], None]
) -> None:
    party, phone, tab = standard(bureau), bureau.phone(), Tab(bureau.base_url)
    _, page = party.begin(new_pkce(), tab)
    party.approve(phone, tab, page, remember=True)
    assert "code" in query(tab.get(f"{page}/done").headers["location"])
    pkce = new_pkce()
    quiet = party.asked(pkce, prompt="none")
    answer = overtaken(settings, phone, lambda: tab.get("/oauth/authorize", **quiet), lambda: end(phone, tab))
    assert rows(settings, LIVING, party.client.client_id)[0][0] == 0
    came = query(answer.headers["location"])
    if "code" in came:
        assert told(party.redeem(came["code"], pkce)) == (400, "invalid_grant")
    again = query(tab.get("/oauth/authorize", **quiet).headers["location"])
    assert again["error"] in {"login_required", "consent_required"}


def test_a_member_of_staff_whose_role_ends_meanwhile_gets_nothing(bureau: Bureau, settings: Settings) -> None:
    person = bureau.register()
    phone, staff, party = bureau.phone(person, level=2), register(bureau, person), fapi(bureau)
    details = '[{"type":"ecard_item","item":"A1-95"}]'
    begun = party.post("/oauth/device", {"scope": "openid", "authorization_details": details}).json()
    login = phone.call("POST", "/v1/logins/scan", {"qr": begun["qr"]}).json()["id"]

    def confirm() -> object:
        return outcomes([lambda: phone.call("POST", f"/v1/logins/{login}/confirm", {})])

    def end() -> None:
        bureau.registrar.call("DELETE", f"/v1/staff/{staff}")

    assert sum(overtaken(settings, phone, confirm, end).values()) == 1
    assert rows(settings, LIVING, party.client.client_id)[0][0] == 0
    assert poll(party, begun["device_code"]).status_code == 400
