"""Why a visit is refused: each reason has its own code and its audit row, and uses nothing up."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from ecard.catalogue.load import load
from ecard.catalogue.model import Form, Proximity
from ecard.client import Phone
from ecard.ids import new_id
from ecard.settings import Settings
from qr import base45
from tests.bureau import PASSWORD, Bureau, code_of_step, refused, rows, send

ITEMS = load().items
AT_COUNTER = next(item.code for item in ITEMS if item.proximity is Proximity.COUNTER and item.permits(Form.ELECTRONIC))
AT_TERMINAL = "A1-01"
PHYSICAL_ONLY = next(item.code for item in ITEMS if not item.permits(Form.ELECTRONIC))
LEVEL_2 = next(item for item in ITEMS if item.level == 2 and item.strength == "possession" and len(item.forms) > 1)


class Case(NamedTuple):
    """A visit to be refused: with which code and HTTP status, what is scanned, where, and members of the answer."""

    code: str
    status: int
    scanned: Callable[[Phone], str]
    item: str = "A1-01"
    setting: str = "counter"
    members: dict[str, Any] = {}  # noqa: RUF012 - never changed


def altered(code: str, place: int, value: int | None = None) -> str:
    """Return the code with one byte changed."""
    raw = bytearray(base45.decode(code[4:]))
    raw[place] = raw[place] ^ 1 if value is None else value
    return "EC1:" + base45.encode(bytes(raw))


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def scan(text: str) -> Callable[[Phone], str]:
    return lambda _: text


def shown(phone: Phone) -> str:
    return phone.code()


CASES = {
    "an item that nobody has": Case("item_unknown", 404, shown, "A9-99"),
    "an item for the physical card": Case(
        "form_not_accepted", 422, shown, PHYSICAL_ONLY, members={"accepted": ["physical"]}
    ),
    "a code of another scene": Case(
        "wrong_scene", 422, lambda phone: phone.code("pay"), members={"required": "identity"}
    ),
    "a number of another scene": Case("number_unknown", 422, lambda phone: str(phone.codes("pay")[0]["number"])),
    "an online service": Case("wrong_place", 422, shown, AT_TERMINAL, "online", {"required": "terminal"}),
    "a kiosk where a clerk must see": Case("wrong_place", 422, shown, AT_COUNTER, "kiosk", {"required": "counter"}),
    "no password proven": Case("evidence_too_weak", 422, shown, "A1-22", members={"required": "knowledge"}),
    "a number where a password is needed": Case(
        "evidence_too_weak", 422, lambda phone: str(phone.codes()[0]["number"]), "A1-22"
    ),
    "a level that is not open": Case(
        "level_too_low",
        409,
        lambda phone: phone.code(LEVEL_2.scene.name.lower()),
        LEVEL_2.code,
        "till",
        {"required": 2},
    ),
    "nothing": Case("code_malformed", 422, scan("")),
    "words": Case("code_malformed", 422, scan("hello, world")),
    "NUL": Case("code_malformed", 422, scan("EC1:\x00\x00\x00")),
    "the prefix alone": Case("code_truncated", 422, scan("EC1:")),
    "half a prefix": Case("code_truncated", 422, scan("EC")),
    "a code without its end": Case("code_truncated", 422, lambda phone: phone.code()[:-3]),
    "a code without its last character": Case("code_truncated", 422, lambda phone: phone.code()[:-1]),
    "two codes in one scan": Case("code_too_long", 422, lambda phone: phone.code() + phone.code() * 3),
    "4096 characters": Case("code_too_long", 422, scan("A" * 4096)),
    "full-width digits": Case("code_full_width", 422, scan(full_width("9123456789012345678"))),
    "a full-width code": Case("code_full_width", 422, lambda phone: full_width(phone.code())),
    "a payment code of WeChat": Case(
        "code_foreign", 422, scan("134567890123456789"), members={"belongs_to": "wechat_pay"}
    ),
    "a payment code of Alipay": Case("code_foreign", 422, scan("281234567890123456"), members={"belongs_to": "alipay"}),
    "a payment code of UnionPay": Case(
        "code_foreign", 422, scan("6212345678901234567"), members={"belongs_to": "unionpay"}
    ),
    "a payment code of EMV": Case("code_foreign", 422, scan("hQVDUFYwMWETTwegAAA"), members={"belongs_to": "emv"}),
    "a link": Case("code_foreign", 422, scan("https://example.com/x"), members={"belongs_to": "url"}),
    "a number with a wrong check digit": Case("code_malformed", 422, scan("9000000000000000000")),
    "a number that was made up": Case("number_unknown", 422, scan("9000000000000000001")),
    "a key that nobody knows": Case("code_key_unknown", 422, lambda phone: altered(phone.code(), 1, 200)),
    "an altered signature": Case("code_forged", 422, lambda phone: altered(phone.code(), 92)),
    "an altered scene": Case("code_forged", 422, lambda phone: altered(phone.code("pay"), 2, 1)),
    "an altered flag": Case("code_forged", 422, lambda phone: altered(phone.code(), 3, 1)),
    "a lower-case code": Case("code_malformed", 422, lambda phone: phone.code().lower()),
    "a code for later": Case("code_clock_skew", 422, lambda phone: str(phone.codes(count=20)[19]["code"])),
}


@pytest.mark.parametrize("why", CASES)
def test_a_refusal_says_why_and_is_remembered(bureau: Bureau, settings: Settings, why: str) -> None:
    case, phone = CASES[why], bureau.phone()
    terminal = bureau.registrar.register_terminal(bureau.agency, case.setting)
    scanned = case.scanned(phone)
    with refused(case.code, case.status) as refusal:
        terminal.visit(case.item, scanned)
    problem = refusal.value.problem
    assert case.members.items() <= problem.items()
    assert len(scanned) < 4 or scanned not in str(problem)
    found = rows(settings, "SELECT kind, outcome, card, item FROM audit_event WHERE actor = $1", terminal.actor)
    outcome = {"level_too_low": "level"}.get(case.code, case.code)
    item = None if case.code == "item_unknown" else case.item
    assert [(row["kind"], row["outcome"], row["item"]) for row in found] == [("visit", outcome, item)]
    assert rows(settings, "SELECT FROM visit WHERE terminal = $1", terminal.actor) == []


@pytest.mark.parametrize(
    "why",
    ["an item that nobody has", "an item for the physical card", "an online service", "no password proven"],
)
def test_a_refusal_uses_nothing_up(bureau: Bureau, why: str) -> None:
    case, phone = CASES[why], bureau.phone()
    code, key = phone.code(), new_id().hex
    with refused(case.code):
        bureau.terminal(case.setting).visit(case.item, code, key=key)
    assert bureau.terminal().visit("A1-01", code, key=key)["item"] == "A1-01"


def test_a_level_that_is_opened_makes_the_same_code_good(bureau: Bureau) -> None:
    phone = bureau.phone()
    code, key = phone.code(LEVEL_2.scene.name.lower()), new_id().hex
    with refused("level_too_low", 409):
        bureau.terminal("till").visit(LEVEL_2.code, code, key=key)
    phone.open_payment(PASSWORD)
    assert bureau.terminal("till").visit(LEVEL_2.code, code, key=key)["acr"] == "l2-possession"


def test_an_expired_code_says_for_how_long(bureau: Bureau, settings: Settings) -> None:
    old = code_of_step(settings, bureau.phone(), -4)
    with refused("code_expired", 422) as refusal:
        bureau.terminal().visit("A1-01", old.code)
    assert 60 <= refusal.value.problem["age_seconds"] <= 91
    with refused("number_unknown", 422):
        bureau.terminal().visit("A1-01", str(old.number))


def outcome_of(settings: Settings, code: str, bureau: Bureau, act: Callable[[], object]) -> str:
    """Do what is refused with `code`; return how the audit log calls it."""
    with refused(code):
        act()
    sql = "SELECT outcome FROM audit_event WHERE actor = $1 AND kind = 'visit' ORDER BY n DESC LIMIT 1"
    return str(rows(settings, sql, bureau.terminal().actor)[0]["outcome"])


def test_what_the_database_decides_is_in_the_audit_log_as_well(bureau: Bureau, settings: Settings) -> None:
    person = bureau.register()
    phone, terminal = bureau.phone(person), bureau.terminal()
    used, mine, spare = phone.code(), phone.code(), phone.code()
    terminal.visit("A1-01", used, key="k" + phone.actor.hex)
    for expected, code, act in (
        ("replayed", "code_replayed", lambda: terminal.visit("A1-01", used)),
        ("key_reused", "idempotency_key_reused", lambda: terminal.visit("A1-01", mine, key="k" + phone.actor.hex)),
    ):
        assert outcome_of(settings, code, bureau, act) == expected
    bureau.phone(person)
    assert outcome_of(settings, "device_unbound", bureau, lambda: terminal.visit("A1-01", mine)) == "device_revoked"
    bureau.cards.set_card_status(person.facts["card_no"], "lost")
    assert outcome_of(settings, "card_suspended", bureau, lambda: terminal.visit("A1-01", spare)) == "suspended"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"item":"A1-01"}', "/evidence"),
        (b'{"item":"A1-01","evidence":{"kind":"face","code":"x"}}', "/evidence/kind"),
        (b'{"item":"A1-01","evidence":{"kind":"code"}}', "/evidence/code"),
        (b'{"item":"A1-01","evidence":{"kind":"code","code":"%s"}}' % (b"A" * 4097), "/evidence/code"),
        (b'{"item":"A1-01-and-much-longer","evidence":{"kind":"code","code":"x"}}', "/item"),
        (b'{"item":1,"evidence":{"kind":"code","code":"x"}}', "/item"),
    ],
)
def test_a_body_that_is_not_as_documented_is_named_by_its_place(bureau: Bureau, body: bytes, pointer: str) -> None:
    answer = send(bureau.terminal(), "POST", "/v1/visits", body, key=new_id().hex)
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (400, "invalid_request", pointer)
