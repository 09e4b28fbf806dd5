"""The language of the login page: what its reader chose, else what the client asked for, else the browser's."""

from urllib.parse import urlsplit

import httpx
import pytest

from ecard.settings import Settings
from tests.auth.party import Tab, fapi, new_pkce, standard
from tests.bureau import Bureau, rows


def shown(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.headers["content-language"])


@pytest.mark.parametrize("pushed", [True, False])
@pytest.mark.parametrize(("locales", "language"), [("en-GB zh", "en"), ("zh", "zh"), ("fr", "zh")])
def test_the_page_speaks_the_language_that_the_client_asked_for(
    bureau: Bureau, locales: str, language: str, *, pushed: bool
) -> None:
    party, tab, pkce = standard(bureau), Tab(bureau.base_url), new_pkce()
    asked = party.asked(pkce, ui_locales=locales)
    if pushed:
        asked = {"client_id": party.client.client_id, "request_uri": party.push(pkce, ui_locales=locales)}
    begun = tab.get("/oauth/authorize", **asked)
    assert shown(tab.get(begun.headers["location"])) == language
    assert shown(tab.get(urlsplit(begun.headers["location"]).path)) == language


def test_a_login_begun_anew_keeps_the_language_unless_its_reader_chose_another(
    bureau: Bureau, settings: Settings
) -> None:
    for chosen, language in (({}, "en"), ({"lang": "zh"}, "zh")):
        tab, page = fapi(bureau).begin(new_pkce(), ui_locales="en")
        rows(settings, "UPDATE login SET ends_at = now() WHERE id = $1::text::uuid", page.rpartition("/")[2])
        again = tab.get(f"{page}/again", **chosen)
        assert again.status_code == 303, again.text
        assert shown(tab.get(again.headers["location"])) == language
