import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from tests.openapi.observed import COMMITTED

ROOT = Path(__file__).parents[2]
PAGES = ["/docs/api", "/docs/errors"]


class References(HTMLParser):
    """Collects what a page loads, and what it holds itself."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline_scripts = 0
        self.ids: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loaded += [str(given[name]) for name in ("src", "href", "action", "data") if name in given]
        self.inline_scripts += tag == "script" and "src" not in given
        self.ids.add(given.get("id") or "")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_from_its_own_origin_only_and_all_of_it_is_there(http: httpx.Client, path: str) -> None:
    page = http.get(path)
    assert page.headers["content-type"].startswith("text/html")
    assert "//" not in page.text
    for reference in References(page.text).loaded:
        assert re.match(r"/[a-z]", reference)
        assert http.get(reference).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_the_browser_is_told_to_load_nothing_from_elsewhere(http: httpx.Client, path: str) -> None:
    page = http.get(path)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "http" not in page.headers["content-security-policy"]
    assert References(page.text).inline_scripts == 0


def test_the_reference_is_swagger_ui_from_the_installed_package(http: httpx.Client) -> None:
    loaded = References(http.get("/docs/api").text).loaded
    assert loaded == ["/docs/static/swagger-ui.css", "/docs/static/swagger-ui-bundle.js", "/docs/api/start.js"]
    start = http.get("/docs/api/start.js")
    assert start.headers["content-type"].startswith("text/javascript")
    assert "//" not in start.text
    assert 'url: "/docs/api/openapi.json"' in start.text
    # Without this the library asks a validator of its maker.
    assert "validatorUrl: null" in start.text
    assert "SwaggerUIBundle" in http.get(loaded[1]).text
    images = re.findall(r"url\(\s*[\"']?([^\"')]{0,5})", http.get(loaded[0]).text)
    assert set(images) <= {"data:"}


def test_the_served_document_is_the_committed_one(http: httpx.Client) -> None:
    served = http.get("/docs/api/openapi.json")
    assert served.headers["content-type"] == "application/json"
    assert served.content == COMMITTED.read_bytes()


def test_the_type_of_a_problem_leads_to_its_row(http: httpx.Client) -> None:
    page, code = http.get("/v1/catalogue/none").json()["type"].split("#")
    shown = http.get(page)
    assert code == "item_unknown"
    assert code in References(shown.text).ids
    assert "目录中没有该事项" in shown.text


def test_the_error_page_has_a_row_for_every_code_that_the_document_declares(http: httpx.Client) -> None:
    declared = set(re.findall(r'"problem\.([a-z0-9_]+)": \{', COMMITTED.read_text("utf-8")))
    assert len(declared) > 50
    assert declared <= References(http.get("/docs/errors").text).ids


def test_the_written_error_catalogue_is_current() -> None:
    # In a process of its own: tests declare errors too.
    command = [sys.executable, "-m", "ecard.cli", "errors", "--check", "docs/errors.md"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_a_stale_error_catalogue_is_refused(tmp_path: Path) -> None:
    stale = tmp_path / "errors.md"
    stale.write_text((ROOT / "docs" / "errors.md").read_text("utf-8").replace("| 404 |", "| 410 |", 1), "utf-8")
    command = [sys.executable, "-m", "ecard.cli", "errors", "--check", str(stale)]
    refused = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "ecard errors >" in refused.stderr
