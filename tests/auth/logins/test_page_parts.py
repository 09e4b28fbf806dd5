import re
from html.parser import HTMLParser

import msgspec
import pytest

from auth.logins.page import LANGUAGES, POLICY, STATES, STATIC, PageView, choose_language, render
from auth.logins.page.texts import TEXTS
from ecard.errors import Text

VIEW = PageView(
    login="01J-login",
    client="某市网上办事大厅",
    agency="某市人力资源和社会保障局",
    origin="https://service.example",
    item_title="社会保险个人权益记录查询",
    purpose=Text("用于查询权益记录时核实您的身份。", "To verify who you are when you look up your record."),
    fields=(Text("姓名", "Name"), Text("证件号码", "ID number")),
    sandbox=True,
)
CSS, JS = (STATIC[name][0].decode() for name in ("login.css", "login.js"))
PAIRS = [  # text upon ground: 4.5 (WCAG 2.2, 1.4.3); edges of controls and icons: 3 (1.4.11)
    *[(ink, ground, 4.5) for ink in ("ink", "quiet", "accent", "good", "alarm") for ground in ("panel", "ground")],
    ("on-accent", "accent", 4.5),
    ("on-note", "note", 4.5),
    ("edge", "panel", 3.0),
]
VOID = {"meta", "link", "img", "rect", "path", "circle", "br", "input"}


class Page(HTMLParser):
    """What a page is made of: elements with their attributes, what is visible, what does not close."""

    def __init__(self, view: PageView, language: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[tuple[str, bool]] = []
        self.visible = ""
        self.source = render(view, language).decode()
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag not in VOID:
            self.open.append((tag, "hidden" in given or any(hidden for _, hidden in self.open)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if not any(hidden for _, hidden in self.open):
            self.visible += data

    def values(self, *names: str) -> list[str]:
        return [str(given[name]) for _, given in self.elements for name in names if name in given]

    def by_id(self, wanted: str) -> dict[str, str | None]:
        (found,) = [given for _, given in self.elements if given.get("id") == wanted]
        return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["login", "client", "agency", "origin", "item_title", "number"])
def test_no_name_becomes_markup(name: str, language: str) -> None:
    attack = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&lang"
    page = Page(msgspec.structs.replace(VIEW, **{name: attack}), language)
    clean = Page(msgspec.structs.replace(VIEW, **{name: "x"}), language)
    assert [(tag, set(given)) for tag, given in page.elements] == [(tag, set(given)) for tag, given in clean.elements]
    assert "<script>alert" not in page.source
    if name != "login":
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.source


def test_no_label_and_no_purpose_becomes_markup() -> None:
    attack = Text("<b>姓名</b>", "<b>Name</b>")
    for language in LANGUAGES:
        page = Page(msgspec.structs.replace(VIEW, purpose=attack, fields=(attack,)), language)
        assert "b" not in {tag for tag, _ in page.elements}
        assert "<b>" in page.visible


def test_a_dollar_sign_in_a_name_stays_a_dollar_sign() -> None:
    assert (
        "Pay $client $$ ${base}" in Page(msgspec.structs.replace(VIEW, client="Pay $client $$ ${base}"), "en").visible
    )


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_every_sentence_stands_in_both_languages_and_is_used(name: str) -> None:
    zh, en = TEXTS[name]
    assert re.search("[\u4e00-\u9fff]", zh)
    assert en.isascii() or en.replace("…", "").isascii()
    assert set(re.findall(r"{\w+}", zh)) == set(re.findall(r"{\w+}", en))
    used = [Page(msgspec.structs.replace(VIEW, fields=()), language) for language in LANGUAGES]
    for page, sentence in zip(used, (zh, en), strict=True):
        assert sentence in page.source


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", STATES)
def test_each_state_shows_its_heading_and_no_other(state: str, language: str) -> None:
    page = Page(msgspec.structs.replace(VIEW, state=state), language)
    headings = {name: TEXTS[name][LANGUAGES.index(language)] for name in STATES}
    assert [name for name in STATES if headings[name] in page.visible] == [state]
    main = next(given for tag, given in page.elements if tag == "main")
    assert main["data-state"] == state
    # What the script will show in this state is what the server shows.
    for _, given in page.elements:
        if wanted := given.get("data-for"):
            assert ("hidden" not in given) == (state in wanted.split())
            assert set(wanted.split()) <= set(STATES)


def test_a_state_that_the_page_does_not_know_is_shown_as_unavailable() -> None:
    assert TEXTS["unavailable"].en in Page(msgspec.structs.replace(VIEW, state="exchanged"), "en").visible


def test_the_page_says_who_asks_for_what_and_why() -> None:
    page = Page(VIEW, "zh")
    for said in (VIEW.client, VIEW.agency, VIEW.origin, "社会保险个人权益记录查询", "核实您的身份", "姓名", "证件号码"):
        assert said in page.visible
    assert TEXTS["no_fields"].zh not in page.visible
    bare = Page(msgspec.structs.replace(VIEW, item_title=None, purpose=None, fields=(), sandbox=False), "zh")
    assert TEXTS["no_fields"].zh in bare.visible
    for name in ("item", "purpose", "sandbox"):
        assert TEXTS[name].zh in page.visible
        assert TEXTS[name].zh not in bare.visible


def test_without_scripts_the_number_is_shown_and_the_page_asks_again_until_it_is_decided() -> None:
    def refresh(state: str) -> list[str]:
        page = Page(msgspec.structs.replace(VIEW, state=state, number="47"), "zh")
        return [str(given["content"]) for _, given in page.elements if given.get("http-equiv") == "refresh"]

    assert "47" in Page(msgspec.structs.replace(VIEW, state="scanned", number="47"), "zh").visible
    assert refresh("pending") == refresh("scanned") == ["5"]
    assert refresh("confirmed") == refresh("declined") == ["0; url=/login/01J-login/done"]
    assert refresh("expired") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_stands_inline_and_nothing_comes_from_elsewhere(language: str) -> None:
    page = Page(VIEW, language)
    assert "style" not in {tag for tag, _ in page.elements}
    assert [given.get("src") for tag, given in page.elements if tag == "script"] == ["/login/static/login.js"]
    attributes = {name for _, given in page.elements for name in given}
    assert not [name for name in attributes if name.startswith("on") or name == "style"]
    for reference in page.values("src", "href", "action"):
        assert re.match(r"/login/(static|01J-login)/[a-z]|\?lang=", reference)
    for reference in page.values("src", "href"):
        if reference.startswith("/login/static/"):
            assert reference.rpartition("/")[2] in STATIC
    assert "//" not in page.source.replace(VIEW.origin, "")
    assert not re.search(r"url\(|@import|https?:", CSS + JS)
    assert not re.search(r"\beval\b|innerHTML|new Function|Date\b|document\.cookie", JS)
    assert "unsafe" not in POLICY


def test_no_sentence_stands_in_the_script_and_every_part_it_asks_for_is_there() -> None:
    assert JS.isascii()
    assert CSS.isascii()
    ids = set(Page(VIEW, "zh").values("id"))
    assert set(re.findall(r'\bat\("([a-z-]+)"\)', JS)) <= ids
    assert {f"title-{state}" for state in STATES} <= ids
    assert {"qr", "number", "countdown", "status", "cancel", "refused", "app", "again", "back"} <= ids


@pytest.mark.parametrize("state", STATES)
def test_a_code_is_fetched_by_a_pending_page_alone(state: str) -> None:
    sources = Page(msgspec.structs.replace(VIEW, state=state), "zh").values("src")
    assert ("/login/01J-login/qr.svg?v=0" in sources) == (state == "pending")


def test_a_page_names_its_icon_so_that_no_browser_looks_for_one() -> None:
    links = [given for tag, given in Page(VIEW, "zh").elements if tag == "link"]
    assert {"rel": "icon", "href": "/login/static/icon.svg", "type": "image/svg+xml"} in links


@pytest.mark.parametrize("language", LANGUAGES)
def test_ids_are_unique_and_relations_and_the_other_language_lead_somewhere(language: str) -> None:
    page = Page(VIEW, language)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert set(page.values("aria-labelledby", "aria-describedby")) <= set(ids)
    assert not page.open
    assert page.by_id("status")["role"] == "status"
    assert page.by_id("qr")["alt"] == TEXTS["qr_alt"][LANGUAGES.index(language)]
    assert "hidden" in page.by_id("refused")
    assert [given["lang"] for tag, given in page.elements if tag == "html"] == [language]
    assert {f"?lang={other}" for other in LANGUAGES} <= set(page.values("href"))
    # The countdown changes every second and must not be read aloud each time.
    assert page.by_id("countdown")["role"] == "timer"
    assert "aria-live" not in page.by_id("countdown")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_with_style_and_script_stays_under_20_kb(language: str) -> None:
    assert len(render(VIEW, language)) + sum(len(content) for content, _ in STATIC.values()) < 20_000
    assert {name: media_type for name, (_, media_type) in STATIC.items()} == {
        "login.css": "text/css",
        "icon.svg": "image/svg+xml",
        "login.js": "text/javascript",
    }


def _palette(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_colours_are_told_apart(scheme: str, ink: str, ground: str, least: float) -> None:
    blocks = re.findall(r":root {(.*?)}", CSS, re.DOTALL)
    palette = _palette(blocks[["light", "dark"].index(scheme)])
    darker, lighter = sorted((_luminance(palette[ink]), _luminance(palette[ground])))
    assert (lighter + 0.05) / (darker + 0.05) >= least


def test_colours_stand_in_the_palette_alone_but_for_the_code_s_white() -> None:
    rest = re.sub(r":root {.*?}", "", CSS, flags=re.DOTALL)
    assert set(re.findall(r"#[0-9a-f]{3,8}\b(?=[;, ])", rest)) <= {"#fff", "#000"}
    light, dark = (set(_palette(block)) for block in re.findall(r":root {(.*?)}", CSS, re.DOTALL))
    assert light == dark == set(re.findall(r"var\(--([a-z-]+)\)", CSS))


def test_no_text_is_smaller_than_16_pixels() -> None:
    assert "html { font-size: 112.5%;" in CSS
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)rem", CSS)]
    assert sizes
    assert min(sizes) * 18 >= 16
    assert not re.search(r"font-size: [\d.]+(px|em|pt)", CSS)


@pytest.mark.parametrize(
    ("asked", "accepted", "chosen"),
    [
        (None, None, "zh"),
        (None, "fr", "zh"),
        (None, "*", "zh"),
        (None, "en-US,en;q=0.9", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "en;q=0.5, zh-TW;q=0.4", "en"),
        (None, "en;q=0", "zh"),
        (None, "en;q=many", "zh"),
        ("zh", "en", "zh"),
        ("en", "zh", "en"),
        ("<x>", "en", "en"),
    ],
)
def test_the_language_is_the_one_asked_for_or_the_browser_s_or_chinese(
    asked: str | None, accepted: str | None, chosen: str
) -> None:
    assert choose_language(asked, accepted) == chosen
