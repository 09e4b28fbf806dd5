"""The main job, told by its four actors over HTTP: each step says who does what, and what it proves."""

import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jwt

from cardio.keys.model import serial_of
from cardio.virtual.card import VirtualCard
from cardio.virtual.data import CardData
from ecard.cards.sandbox import AREA, FACE_PASSED
from ecard.cli.window import Window
from ecard.client import Channel, Operator, Phone, Terminal
from ecard.numbers import resident_id
from ecard.tokens import TokenType
from qr import render
from qr.offline import OfflineVerifier, trust_on_first_use

PASSWORD = "193746"  # noqa: S105 - a fictitious person's
"""Every sandbox person's."""


class Cast(NamedTuple):
    """Who plays: operators (two of training), a channel's app, a counter of an agency; `http` is its own client."""

    registrar: Operator
    cards: Operator
    finance: Operator
    training: Operator
    auditor: Operator
    channel: Channel
    counter: Terminal
    agency: str
    http: Any
    issuer: str


class Step(NamedTuple):
    """One step: the actor, what was done, what it proves (both languages), and a drawing if there is one."""

    actor: str
    zh: str
    en: str
    drawing: str = ""


class Unproven(Exception):
    """A step did not go as the story says: the demonstration has found a fault."""


def new_person() -> dict[str, str]:
    """Return a fictitious person with a physical card; the area code belongs to nobody."""
    seventeen = f"{AREA}1985{1 + secrets.randbelow(12):02d}{1 + secrets.randbelow(28):02d}{secrets.randbelow(1000):03d}"
    return {
        "name": "测" + secrets.choice("安宁和平康乐福瑞"),
        "id_no": seventeen + resident_id.check_digit(seventeen),
        "card_no": f"T{secrets.randbelow(10**8):08d}",
        "issuing_area": "640100",
        "mobile": "13900000000",
        "bank_name": "测试银行",
        "bank_account": "6299990000000000004",
    }


def new_card(person: dict[str, str]) -> VirtualCard:
    """Return the person's physical card, as the sandbox personalises it, and note its chip's number."""
    data = CardData(
        number=person["id_no"],
        name=person["name"],
        card_no=person["card_no"],
        region=person["issuing_area"],
        pan=person["bank_account"],
        serial=secrets.randbelow(1 << 24),
    )
    card = VirtualCard(data)
    person["card_id"], person["card_atr"] = data.card_id.hex(), serial_of(card.atr).hex()
    return card


def tell(cast: Cast) -> Iterator[Step]:
    """Play the main job and yield its steps; raises Unproven where an answer is not what it must be."""
    items = cast.http.get("/v1/catalogue").json()
    expect(len(items) == 192, "the catalogue has 192 items")  # noqa: PLR2004 - the number of the mission
    yield Step("机构 agency", "读取应用目录: 192 个事项", "the catalogue is loaded: 192 items")

    person = new_person()
    card = new_card(person)
    cast.cards.register_holder(**person)
    phone = issued(cast, person)
    expect(phone.issued["action_type"] == "001", "the e-card is issued at level 1")
    yield Step(
        "手机 phone",
        f"实名、实人、实卡核验通过, 一级签发 (001): {phone.issued['name']}, 签发号 {phone.issued['sign_no'][:8]}…",
        "name, face and card are checked; the e-card is issued at level 1, bound to the phone's own key",
    )
    acted = phone.open_payment(PASSWORD)
    expect(acted["sign_level"] == 2, "payment is opened")  # noqa: PLR2004 - the level
    yield Step("手机 phone", "验证密码, 开通缴费结算, 二级签发 (005)", "the password is proven and level 2 opened")

    first, *prefetched = phone.codes(count=4)
    drawing = render.terminal(first["code"])
    yield Step(
        "手机 phone",
        f"展码: 每 30 秒更换, 60 秒有效, 内无姓名、号码; 条码数字 {first['number']}",
        f"a signed dynamic code is shown ({len(first['code'])} characters, no name or number in it)",
        drawing,
    )
    yield from _at_the_counter(cast, first["code"])
    yield from _by_card(cast, card, prefetched[0]["code"])
    yield from _lost(cast, phone, person, prefetched)


def _at_the_counter(cast: Cast, code: str) -> Iterator[Step]:
    answer = cast.counter.visit("A1-01", code)
    yield Step(
        "窗口 counter",
        f"扫码办理 A1-01 就业登记: 只得到 {', '.join(answer['holder'])}; {answer['acr']}",
        "the counter scans it for item A1-01 and gets only the fields which that item may disclose",
    )
    claims = _verify_as_agency(cast, answer["assertion"])
    yield Step(
        "机构 agency",
        f"自行验签身份断言: 事项 {claims['item']}, 用卡形式 {claims['form']}, 假名 {claims['sub'][:10]}…",
        "the agency verifies the signed assertion itself, with the published keys (JWKS)",
    )
    refused("code_replayed", lambda: cast.counter.visit("A1-01", code))
    yield Step("窗口 counter", "同一个码再扫: 拒绝 (code_replayed)", "the same code is refused the second time")


def _by_card(cast: Cast, card: VirtualCard, code: str) -> Iterator[Step]:
    refused("form_not_accepted", lambda: cast.counter.visit("A1-36", code))
    yield Step(
        "窗口 counter",
        "A1-36 养老待遇领取只接受实体卡: 拒绝电子码 (form_not_accepted)",
        "an item that takes only the physical card refuses the code, and uses nothing up",
    )
    window = Window(cast.registrar, cast.agency, cast.counter, cast.issuer)
    with window.paired():
        seen = window.read("A1-36", card)
        expect(seen["state"] == "proven", "the card proves itself")
        evidence = {"kind": "card", "session": seen["id"]}
        answer = cast.counter.call("POST", "/v1/visits", {"item": "A1-36", "evidence": evidence}).json()
        expect(answer["form"] == "physical", "the visit is by the physical card")
        yield Step(
            "窗口 counter",
            f"读实体卡办理 A1-36: 卡片应答平台的挑战, {answer['acr']}; 读卡器: {seen['reader']}",
            "the card in the reader answers the server's own challenge, and gives the same kind of assertion",
        )
        copied = window.read("A1-36", card.copy_of_files())
        expect(copied["state"] == "failed", "a copy is refused")
        yield Step(
            "窗口 counter",
            f"复制卡 (文件相同, 没有密钥): 拒绝 ({copied['reason']['code']})",
            "a copy of all its files, without the keys, is refused",
        )


def _lost(cast: Cast, phone: Phone, person: dict[str, str], prefetched: list[dict[str, Any]]) -> Iterator[Step]:
    cast.cards.set_card_status(person["card_no"], "lost")
    yield Step(
        "操作员 operator", "挂失: 实体卡与电子社保卡同时停用", "the card is reported lost: both its forms die at once"
    )
    refused("card_suspended", lambda: cast.counter.visit("A1-01", prefetched[0]["code"]))
    refused("card_suspended", lambda: _issued_after_loss(phone))
    bundle = cast.http.get("/v1/bundle").json()["bundle"]
    now = phone.now()
    verifier = OfflineVerifier.load(bundle, anchors=trust_on_first_use(bundle), issuer=cast.issuer, newest=0, now=now)
    refused("card_suspended", lambda: verifier.verify(prefetched[0]["code"], now))
    yield Step(
        "各处 everywhere",
        "预取的下一个码: 在线拒绝、离线拒绝, 也不再签发新码 (card_suspended)",
        "its next code is refused online and offline, and no new one is issued",
    )


def issued(cast: Cast, person: dict[str, str]) -> Phone:
    """Return the phone of a registered person, with the e-card at level 1."""
    return cast.channel.issue(
        cast.issuer,
        name=person["name"],
        id_no=person["id_no"],
        card_no=person["card_no"],
        password=PASSWORD,
        face=FACE_PASSED,
    )


def _issued_after_loss(phone: Phone) -> None:
    """Ask for new codes until the loss has reached every worker: two seconds are promised."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        phone.codes()
        time.sleep(0.05)


def _verify_as_agency(cast: Cast, assertion: str) -> dict[str, Any]:
    """Verify an assertion as an integrator would: any JWT library, the JWKS, and the agency's own id."""
    keys = jwt.PyJWKSet.from_dict(cast.http.get("/.well-known/jwks.json").json())
    header = jwt.get_unverified_header(assertion)
    expect(header["typ"] == TokenType.ASSERTION, "the assertion has its own type")
    claims: dict[str, Any] = jwt.decode(
        assertion,
        keys[header["kid"]],
        algorithms=[header["alg"]],
        audience=cast.agency,
        issuer=cast.issuer,
        options={"require": ["exp", "iat", "jti", "sub"]},
    )
    return claims


def refused(code: str, act: Callable[[], object]) -> None:
    """Do what must be refused with `code`."""
    try:
        act()
    except Exception as refusal:
        if getattr(refusal, "code", None) == code:
            return
        raise
    expect(False, f"refused with {code}")  # noqa: FBT003 - it was not refused


def expect(holds: bool, promise: str) -> None:  # noqa: FBT001 - the condition itself
    """Raise Unproven where a promise of the story does not hold."""
    if not holds:
        raise Unproven(promise)
