"""What was found to be wrong once, and is not to come back."""

import re
import time
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from tests.auth.acts import told
from tests.auth.party import ALL_GRANTS, ITEM, Party, Tab, fapi, new_pkce, query, standard
from tests.bureau import Bureau

COUNTER_ITEM = "A3-01"
LOGIN, SESSION = "__Host-ecard_login_", "__Host-ecard_browser"
LONG = "a" * 30_000


def ask(bureau: Bureau, path: str, cookies: dict[str, str]) -> httpx.Response:
    """Return what a browser with these cookies is answered."""
    sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return bureau.http.get(path, headers={"Cookie": sent})


def name_of(page: str) -> str:
    """Return the name of the cookie of a login's page."""
    return LOGIN + page.removeprefix("/login/").replace("-", "")


def jar(tab: Tab) -> dict[str, str]:
    """Return a tab's cookies by name."""
    return {name: value for (name, _), value in tab._jar.items()}


def test_a_cookie_is_one_that_no_sibling_host_can_set(bureau: Bureau) -> None:
    party = standard(bureau)
    answer = Tab(bureau.base_url).get("/oauth/authorize", **party.asked(new_pkce()))
    [line] = answer.headers.get_list("set-cookie")
    assert re.fullmatch(rf"{LOGIN}[0-9a-f]{{32}}=.+", line.partition(";")[0])
    attributes = [one.strip().lower() for one in line.split(";")[1:]]
    assert {"path=/", "secure", "httponly", "samesite=lax"} <= set(attributes)
    assert not any(one.startswith("domain") for one in attributes)
    tab, page = party.begin(new_pkce())
    party.approve(bureau.phone(), tab, page, remember=True)
    [line] = tab.get(f"{page}/done").headers.get_list("set-cookie")
    assert line.startswith(f"{SESSION}=")
    assert "domain" not in line.lower()
    for name, value in jar(tab).items():
        assert ask(bureau, f"{page}/status", {name.removeprefix("__Host-"): value}).status_code == 404


def test_each_login_of_a_browser_has_a_cookie_of_its_own(bureau: Bureau) -> None:
    party, tab = standard(bureau), Tab(bureau.base_url)
    pages = [party.begin(new_pkce(), tab, state=f"s{n}")[1] for n in range(3)]
    assert set(jar(tab)) == {name_of(page) for page in pages}
    assert len(set(jar(tab).values())) == 3
    # Whichever was opened last, each tab follows its own.
    for n, page in enumerate(pages):
        party.approve(bureau.phone(), tab, page)
        went = query(tab.get(f"{page}/done").headers["location"])
        assert ("code" in went, went["state"]) == (True, f"s{n}")


def test_a_logins_cookie_opens_no_other_login(bureau: Bureau) -> None:
    party = standard(bureau)
    (mine, page), (other, elsewhere) = party.begin(new_pkce()), party.begin(new_pkce())
    secret = jar(other)[name_of(elsewhere)]
    tossed = [
        jar(other),
        {name_of(page): secret},
        {"ecard_login": jar(mine)[name_of(page)]},
        {name_of(elsewhere): jar(mine)[name_of(page)]},
    ]
    for path in ("", "/status", "/events", "/qr.svg", "/app", "/done", "/again"):
        assert [ask(bureau, page + path, cookies).status_code for cookies in tossed] == [404] * len(tossed)
    assert mine.status(page)["state"] == "pending"


def test_an_item_for_a_counter_is_refused_to_a_kiosk_before_anybody_scans(bureau: Bureau) -> None:
    client = bureau.client(items=[ITEM, COUNTER_ITEM], grant_types=ALL_GRANTS)

    def asks(setting: str, item: str) -> httpx.Response:
        party = Party(bureau, client)
        party.dpop = bureau.terminal(setting).signer
        details = f'[{{"type":"ecard_item","item":"{item}"}}]'
        return party.post("/oauth/device", {"scope": "openid", "authorization_details": details})

    refusal = asks("kiosk", COUNTER_ITEM)
    assert told(refusal) == (400, "invalid_authorization_details")
    assert refusal.json()["required"] == "counter"
    assert asks("counter", COUNTER_ITEM).status_code == 200
    assert asks("kiosk", ITEM).status_code == 200


@pytest.mark.parametrize("make", [standard, fapi])
def test_a_token_without_openid_is_told_so(bureau: Bureau, make: Callable[[Bureau], Party]) -> None:
    party, phone = make(bureau), bureau.phone()
    tokens = party.login(phone, scope=f"ecard_item:{ITEM}", authorization_details="")
    assert "id_token" not in tokens
    assert told(party.userinfo(tokens["access_token"])) == (403, "insufficient_scope")
    assert party.active(tokens["access_token"])
    assert party.userinfo(party.login(phone)["access_token"]).status_code == 200


@pytest.mark.parametrize("path", ["token", "par", "device", "ciba", "introspect", "revoke", "logout"])
def test_a_name_that_is_sent_twice_is_not_repeated_unless_it_could_be_ours(bureau: Bureau, path: str) -> None:
    def twice(name: str) -> httpx.Response:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return bureau.http.post(f"/oauth/{path}", content=f"{name}=1&{name}=2", headers=headers)

    for name in (LONG, "a" * 41, "<script>", "%e4%b8%ad"):
        answer = twice(name)
        assert answer.status_code == 400
        assert len(answer.content) < 2000
        assert not any(part in answer.text for part in ("a" * 41, "script>", "中"))
    assert "scope" in twice("scope").text


def test_an_open_page_of_a_disabled_client_says_expired_and_shows_no_qr(bureau: Bureau) -> None:
    party, phone = standard(bureau), bureau.phone()
    tab, page = party.begin(new_pkce())
    scanned, shown = party.begin(new_pkce())
    qr = tab.status(page)["qr"]
    login = phone.call("POST", "/v1/logins/scan", {"qr": scanned.status(shown)["qr"]}).json()["id"]
    assert login == shown.removeprefix("/login/")
    bureau.registrar.call("DELETE", f"/v1/clients/{party.client.client_id}")
    deadline = time.monotonic() + 2
    while tab.status(page)["state"] != "expired":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not {"qr", "number"} & (tab.status(page).keys() | scanned.status(shown).keys())
    assert tab.get(f"{page}/qr.svg").status_code == 404
    assert tab.get(f"{page}/again").status_code == 404
    assert qr
    assert ask(bureau, f"/login/{uuid4()}/status", jar(tab)).status_code == 404
