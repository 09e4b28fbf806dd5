"""The story of a training voucher: from the bureau's budget to the institution's account and the certificate.

Told over HTTP by its own actors: a bureau's two operators of training, one of finance, an institution with its server
and counter, and a learner with phone and physical card.
"""

import datetime
import secrets
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from cardio.virtual.card import VirtualCard
from ecard.cli.story import Cast, Step, expect, issued, new_card, new_person, refused
from ecard.cli.window import Window
from ecard.client import Phone, Terminal
from ecard.numbers import uscc
from pay.settlements.model import BEIJING
from qr.offline import trust_on_first_use
from vouchers.credentials.offline import CredentialVerifier

FACE = 80_000
"""分 of a voucher."""
BOOKS = Step(
    "总账 ledger",
    "核对总账: 资金与培训券的不变量全部成立",
    "the books hold: every invariant of money and vouchers",
)
"""What is said when `ecard ledger check` has found nothing broken after all that."""
_QUANTITY = 20
_SOURCE = "unemployment_fund"
_VOUCHER, _REGISTRATION, _OWN_SHARE = "A1-73", "A1-74", "A1-75"
_HOUR = 2700


class School(NamedTuple):
    """A training institution: its agency, its server and its counter."""

    agency: UUID
    server: Terminal
    counter: Terminal


class Learner(NamedTuple):
    """Who learns: phone, physical card, and the voucher that was claimed."""

    phone: Phone
    card: VirtualCard
    voucher: str


def teach(cast: Cast) -> Iterator[Step]:
    """Play the story and yield its steps; raises Unproven where an answer is not what it must be."""
    programme = _programme(cast)
    yield from _issue(cast, programme)
    person = new_person()
    card = new_card(person)
    cast.cards.register_holder(**person)
    phone = issued(cast, person)
    voucher = phone.call("POST", "/v1/me/voucher-claims", {"programme": programme}).json()
    refused("voucher_has_one", lambda: phone.call("POST", "/v1/me/voucher-claims", {"programme": programme}))
    yield Step(
        "手机 phone",
        "领取培训券: 面值 800 元, 每人一张, 再领被拒绝",
        "a learner claims a voucher worth 800 yuan, and no second one",
    )
    school = _school(cast)
    learner = Learner(phone, card, str(voucher["id"]))
    training = _class(school, programme)
    phone.call("POST", "/v1/me/bindings", {"voucher": learner.voucher, "class": training})
    yield Step(
        "机构 institution",
        "开班, 学员用手机报名: 券绑定到班级",
        "the institution opens a class, and the learner joins it with the voucher, from the phone",
    )
    yield from _attend(cast, school, learner, training)
    yield from _audit(cast, school, learner, training)
    yield from _certificate(cast, learner)
    yield from _pay(cast, school, learner)


def _programme(cast: Cast) -> str:
    asked = {
        "name": f"沙箱养老护理员 {secrets.token_hex(4)}",
        "kind": "general",
        "worth": "face",
        "level": "basic",
        "content": "养老护理员（五级）",
        "region": "640100",
    }
    return str(cast.training.call("POST", "/v1/voucher-programmes", asked).json()["id"])


def _issue(cast: Cast, programme: str) -> Iterator[Step]:
    path = f"/v1/voucher-programmes/{programme}"
    budget = {"source": _SOURCE, "amount": FACE * _QUANTITY}
    cast.training.call("POST", f"{path}/budget", budget)
    batch = {"number": "1", "source": _SOURCE, "face": FACE, "quantity": _QUANTITY}
    made = cast.training.call("POST", f"{path}/batches", batch).json()
    expect(made["issued"] == _QUANTITY, "the batch is issued")
    refused("balance_short", lambda: cast.training.call("POST", f"{path}/batches", {**batch, "number": "2"}))
    yield Step(
        "人社 bureau",
        f"培训券项目: 失业保险基金 {FACE * _QUANTITY // 100} 元, 发放 {_QUANTITY} 张, 超发即余额不足 (balance_short)",
        "a budget from one source, a batch whose money is held before its first voucher exists; over-issue is refused",
    )


def _school(cast: Cast) -> School:
    seventeen = f"52640000MB{secrets.randbelow(10**7):07d}"
    agency = cast.registrar.register_agency("沙箱职业培训学校", seventeen + uscc.check_digit(seventeen))
    server, counter = (cast.registrar.register_terminal(agency, one, site="教学楼") for one in ("online", "counter"))
    cast.training.call("POST", "/v1/institutions", {"agency": str(agency), "kind": "private", "region": "640100"})
    merchant = {
        "agency": str(agency),
        "name": "沙箱职业培训学校",
        "category": "8249",
        "bank": "SANDBOX",
        "bank_account": "6299990000000000012",
        "items": [_OWN_SHARE],
        "order_limit": FACE,
    }
    cast.finance.call("POST", "/v1/merchants", merchant)
    return School(agency, server, counter)


def _class(school: School, programme: str) -> str:
    now = int(time.time())
    sessions = [{"starts_at": now, "ends_at": now + _HOUR, "hours": 1}] * 3
    asked = {"programme": programme, "name": "养老护理员一班", "capacity": 30, "fee": FACE, "sessions": sessions}
    return str(school.server.call("POST", "/v1/classes", {**asked, "rehearsal": True}).json()["id"])


def _attend(cast: Cast, school: School, learner: Learner, training: str) -> Iterator[Step]:
    path = f"/v1/classes/{training}/attendances"
    evidence: dict[str, Any] = {"kind": "code", "code": learner.phone.code("voucher")}
    first = school.counter.call("POST", path, {"item": _VOUCHER, "evidence": evidence}).json()
    shown = school.server.call("GET", f"/v1/classes/{training}/code", query="session=2").json()["code"]
    second = learner.phone.call("POST", "/v1/me/attendances", {"code": shown}).json()
    yield Step(
        "窗口 counter",
        "签到两次: 机构扫学员的培训券码, 学员扫班级的滚动码",
        "two check-ins by code: the institution scans the learner's, the learner scans the class's rotating one",
    )
    window = Window(cast.registrar, str(school.agency), school.counter, cast.issuer)
    with window.paired():
        seen = window.read(_REGISTRATION, learner.card)
        expect(seen["state"] == "proven", "the card proves itself")
        evidence = {"kind": "card", "session": seen["id"]}
        third = school.counter.call("POST", path, {"item": _REGISTRATION, "evidence": evidence}).json()
    how = [one["how"] for one in (first, second, third)]
    expect(how == ["code", "class_code", "card"], "three check-ins, two by code and one by card")
    yield Step(
        "窗口 counter",
        f"第三次用实体卡签到 (A1-74): 卡片应答平台的挑战; 学时 {sum(one['hours'] for one in (first, second, third))}",
        "the third by the physical card, which proves itself to the server",
    )


def _audit(cast: Cast, school: School, learner: Learner, training: str) -> Iterator[Step]:
    asked = {"voucher": learner.voucher}
    completion = school.server.call("POST", f"/v1/classes/{training}/completions", asked).json()
    path, passed = f"/v1/completions/{completion['id']}/audits", {"passed": True}
    cast.training.call("POST", path, passed)
    refused("completion_same_operator", lambda: cast.training.call("POST", path, passed))
    expect(cast.auditor.call("POST", path, passed).json()["state"] == "passed", "the second audit passes")
    yield Step(
        "人社 bureau",
        "机构申报结业, 两级审核须由两名操作员 (同一人被拒绝: completion_same_operator)",
        "the institution submits the completion; its two audits are by two operators",
    )


def _certificate(cast: Cast, learner: Learner) -> Iterator[Step]:
    [listed] = learner.phone.call("GET", "/v1/me/credentials").json()
    path = f"/v1/me/credentials/{listed['id']}"
    shown = learner.phone.call("GET", path, query="name=true").json()["credential"]
    bundle = cast.http.get("/v1/credentials/bundle").json()["bundle"]
    now = learner.phone.now()
    verdict = CredentialVerifier.load(bundle, anchors=trust_on_first_use(bundle), now=now).verify(shown, now)
    expect(verdict.id == f"urn:uuid:{listed['id']}", "the certificate is verified with no network")
    yield Step(
        "各处 everywhere",
        f"培训证书 (Open Badges 3.0): {verdict.title}, {verdict.hours} 学时, 离线核验通过; 姓名由持证人决定是否写明",
        "the certificate is on the e-card, and verified with no network; its owner decides whether it says the name",
    )


def _pay(cast: Cast, school: School, learner: Learner) -> Iterator[Step]:
    asked = {"voucher": learner.voucher}
    redeemed = school.server.call("POST", "/v1/voucher-redemptions", asked).json()
    expect(redeemed["amount"] == FACE, "the audited amount is owed")
    refused("voucher_already_redeemed", lambda: school.server.call("POST", "/v1/voucher-redemptions", asked))
    day = datetime.datetime.fromtimestamp(cast.training.now(), BEIJING).date()
    cast.finance.call("POST", "/v1/settlements", {"day": str(day), "rehearsal": True})
    [settled] = school.server.call("GET", "/v1/settlements").json()
    expect((settled["state"], settled["amount"]) == ("paid", FACE), "the institution is paid")
    [part] = school.server.call("GET", "/v1/voucher-statistics").json()
    expect(part["figures"]["money_redeemed"] == FACE, "the institution's figures agree")
    yield Step(
        "机构 institution",
        f"核销一次, 再核销被拒绝; 结算付至机构的银行账户: {settled['amount'] / 100:.2f} 元, 学员没有垫付",
        "redeemed once; settled to the institution's bank account, and the learner has advanced nothing",
    )
