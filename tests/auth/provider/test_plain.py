"""The pages without a login: whole in both languages, for the holder first, nothing from elsewhere."""

import pytest

from auth.errors import ClientRefused
from auth.provider import plain
from tests.auth.party import Tab
from tests.bureau import Bureau


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", list(plain.NOTICES))
def test_a_notice_is_a_whole_page_in_its_language(kind: str, language: str) -> None:
    page = plain.notice(kind, language).decode()
    heading = plain.NOTICES[kind][0]
    assert f'<html lang="{language}">' in page
    assert (heading.en if language == "en" else heading.zh) in page
    assert "//" not in page
    assert '<main class="plain">' in page


def test_an_error_tells_the_holder_first_and_gives_whoever_helps_the_code_and_the_requests_id() -> None:
    page = plain.failure(ClientRefused.title, ClientRefused.action, "<code>", "r1", "en").decode()
    assert page.index("Go back to the site") < page.index("Check client_id") < page.index("&lt;code&gt; · r1")


def test_a_browser_is_shown_a_page_and_its_request_id_where_a_program_is_told_a_problem(bureau: Bureau) -> None:
    answer = Tab(bureau.base_url).get("/oauth/authorize", client_id="nobody")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["Request-Id"] in answer.text
    program = bureau.http.get("/oauth/authorize?client_id=nobody", headers={"Accept": "application/json"})
    assert program.headers["content-type"].startswith("application/problem+json")
