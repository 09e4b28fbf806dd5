"""The programs of docs/integrate-login.md, run as they stand against a real server: whoever copies one logs in."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

import ecard.app  # noqa: F401 - imports every feature, and with it every error
from auth.errors import OAuthError
from ecard.errors import catalogue
from ecard.settings import Settings
from tests.bureau import PASSWORD, Bureau, RegisteredClient, new_database
from tests.clients.keys import client_key
from tests.clients.node import NODE
from tests.conftest import first_operators, serving
from tests.docs.pages import blocks, page, rows, section
from tests.docs.programs import Program, Visitor, free_port, write

GUIDE = page("docs/integrate-login.md")
PROGRAMS = {text.split()[1]: text for language in ("python", "js") for text in blocks(GUIDE, language)}
QUICKSTARTS = ("website.py", "website.mjs", "app_server.py", "app.mjs", "kiosk.py")
ITEM = "A1-94"
APP_BACK = "cn.example.app:/login"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"
# What an app does to have the e-card opened: here the test is the phone, and talks in lines.
OPEN = """
import { createInterface } from 'node:readline'
import { logIn } from './app.mjs'
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const openECard = async (query) => { console.log(query); return (await lines.next()).value }
console.log(await logIn(process.env.SERVER, openECard).then(JSON.stringify, (refused) => refused.message))
process.stdin.destroy()
"""


@pytest.fixture(scope="module")
def bureau(settings: Settings) -> Iterator[Bureau]:
    """A bureau on a server that answers at its issuer, so that programs discover it."""
    port = free_port()
    own = msgspec.structs.replace(new_database(settings), issuer=f"http://127.0.0.1:{port}")
    with serving(own, port=port) as url:
        made = Bureau(url, first_operators(own))
        yield made
        made.http.close()


@pytest.fixture
def visitor(bureau: Bureau) -> Iterator[Visitor]:
    """A holder who visits a site."""
    with Visitor(bureau.phone()) as one:
        yield one


def site_with_secret(bureau: Bureau, back: str, *, method: str = "client_secret_basic", **more: Any) -> dict[str, str]:
    """Return the settings of a newly registered client that has a secret."""
    made: RegisteredClient = bureau.client(
        profile="standard", auth_method=method, items=[ITEM], redirect_uris=[back] if back else [], **more
    )
    assert made.secret is not None
    return {"ISSUER": bureau.issuer, "CLIENT_ID": made.client_id, "CLIENT_SECRET": made.secret}


@pytest.fixture
def website_py(bureau: Bureau, tmp_path: Path) -> Iterator[str]:
    """The Python site of the guide."""
    port = free_port()
    known = site_with_secret(bureau, f"http://127.0.0.1:{port}/callback")
    with Program(tmp_path, "website.py", PROGRAMS["website.py"], PORT=str(port), **known) as program:
        yield program.answering(port)


@pytest.fixture
def website_mjs(bureau: Bureau, tmp_path: Path) -> Iterator[str]:
    """The Node site of the guide, with a key that was made as the guide says."""
    write(tmp_path, "keys.mjs", PROGRAMS["keys.mjs"])
    subprocess.run([NODE, "keys.mjs"], cwd=tmp_path, check=True)
    jwks = json.loads((tmp_path / "keys.json").read_text("utf-8"))
    assert "d" not in jwks["keys"][0]
    port = free_port()
    made = bureau.client(items=[ITEM], redirect_uris=[f"http://127.0.0.1:{port}/callback"], jwks=jwks)
    key = (tmp_path / "client.key.json").read_text("utf-8")
    known = {"ISSUER": bureau.issuer, "CLIENT_ID": made.client_id, "CLIENT_KEY": key}
    with Program(tmp_path, "website.mjs", PROGRAMS["website.mjs"], PORT=str(port), **known) as program:
        yield program.answering(port)


@pytest.fixture(params=["website_py", "website_mjs"])
def website(request: pytest.FixtureRequest) -> str:
    """Each site of the guide."""
    address: str = request.getfixturevalue(request.param)
    return address


@pytest.fixture
def app_server(bureau: Bureau, tmp_path: Path) -> Iterator[str]:
    """The server of the guide's app."""
    port = free_port()
    known = site_with_secret(bureau, APP_BACK)
    with Program(
        tmp_path, "app_server.py", PROGRAMS["app_server.py"], PORT=str(port), REDIRECT_URI=APP_BACK, **known
    ) as program:
        yield program.answering(port)


@pytest.mark.parametrize("name", QUICKSTARTS)
def test_a_quickstart_has_at_most_forty_lines(name: str) -> None:
    assert len(PROGRAMS[name].splitlines()) <= 40


def test_a_site_knows_who_logged_in(website: str, visitor: Visitor) -> None:
    shown = visitor.log_in(website)
    assert shown.status_code == 200, shown.text
    name, sub = shown.text.split()
    assert name.startswith("测试")
    assert len(sub) == 24


def test_a_site_knows_the_same_holder_again(website: str, visitor: Visitor) -> None:
    assert visitor.log_in(website).text == visitor.log_in(website).text


def test_a_site_logs_nobody_in_who_declined(website: str, visitor: Visitor) -> None:
    assert visitor.browser.get(f"{visitor.decide(website, agree=False)}/done").status_code >= 400


def test_a_site_takes_an_answer_from_the_browser_that_asked_and_once(website: str, visitor: Visitor) -> None:
    done = visitor.browser.get(f"{visitor.decide(website)}/done", follow_redirects=False)
    back = done.headers["location"]
    with httpx.Client(timeout=30) as stranger:
        assert stranger.get(back).status_code >= 400
    assert visitor.browser.get(back).status_code == 200
    assert visitor.browser.get(back).status_code >= 400


def test_an_app_and_its_server_log_a_holder_in(bureau: Bureau, app_server: str, tmp_path: Path) -> None:
    phone = bureau.phone()
    write(tmp_path, "app.mjs", PROGRAMS["app.mjs"])
    with Program(tmp_path, "open.mjs", OPEN, SERVER=app_server) as app:
        view = phone.call("POST", "/v1/logins/open", {"query": app.hear()}).json()
        assert (view["channel"], view["needs"]["number"], view["item"]["code"]) == ("app", False, ITEM)
        app.say(phone.call("POST", f"/v1/logins/{view['id']}/confirm", {}).json()["redirect"])
        told = json.loads(app.hear())
    assert told["name"].startswith("测试")
    assert len(told["sub"]) == 24


def test_an_app_is_told_that_the_holder_declined(bureau: Bureau, app_server: str, tmp_path: Path) -> None:
    phone = bureau.phone()
    write(tmp_path, "app.mjs", PROGRAMS["app.mjs"])
    with Program(tmp_path, "open.mjs", OPEN, SERVER=app_server) as app:
        login = phone.call("POST", "/v1/logins/open", {"query": app.hear()}).json()["id"]
        app.say(phone.call("POST", f"/v1/logins/{login}/decline", {}).json()["redirect"])
        assert app.hear() == "access_denied"


def test_a_kiosk_logs_a_holder_in_who_sees_where_it_stands(bureau: Bureau, tmp_path: Path) -> None:
    phone, key = bureau.phone(), client_key()
    public = {name: key.private_jwk[name] for name in ("kty", "crv", "x", "y")}
    place = {"agency": bureau.agency, "name": "自助机1号", "setting": "kiosk", "region": "640100", "site": "市民中心"}
    bureau.registrar.call("POST", "/v1/terminals", {**place, "key": public})
    known = site_with_secret(bureau, "", grant_types=[DEVICE])
    with Program(
        tmp_path, "kiosk.py", PROGRAMS["kiosk.py"], TERMINAL_KEY=json.dumps(key.private_jwk), **known
    ) as kiosk:
        qr, letters = kiosk.hear().split()
        assert len(letters) == len("BCDF-GHJK")
        view = phone.call("POST", "/v1/logins/scan", {"qr": qr}).json()
        assert view["place"] == {"setting": "kiosk", "region": "640100", "site": "市民中心"}
        phone.call("POST", f"/v1/logins/{view['id']}/confirm", {"busi_seq": phone.prove(PASSWORD)})
        assert kiosk.hear() == "DPoP"


def test_a_known_holders_phone_is_asked_as_the_guide_says(bureau: Bureau, website_py: str, visitor: Visitor) -> None:
    known = site_with_secret(bureau, "", grant_types=[CIBA])
    known["SUB"] = visitor.log_in(website_py).text.split()[1]
    [line] = [line for block in blocks(GUIDE, "sh") for line in block.splitlines() if line.startswith("curl")]
    _, _, user, url, *data = (re.sub(r"\$(\w+)", lambda name: known[name[1]], word) for word in shlex.split(line))
    form = dict(word.split("=", 1) for word in data if word != "-d")
    name, _, secret = user.partition(":")
    asked = httpx.post(url, data=form, auth=(name, secret)).raise_for_status().json()
    assert asked["auth_req_id"]
    [waiting] = visitor.phone.call("GET", "/v1/me/logins").json()
    assert (waiting["channel"], waiting["binding_message"]) == ("ciba", form["binding_message"])


def test_every_oauth_error_stands_in_the_guides_table() -> None:
    written = [[cell.strip("`") for cell in row] for row in rows(section(GUIDE, "## 错误"))]
    said = [
        [error.error, error.code, f"{error.action.zh}<br>{error.action.en}"]
        for error in catalogue()
        if issubclass(error, OAuthError) and error is not OAuthError
    ]
    assert sorted(written) == sorted(said)
