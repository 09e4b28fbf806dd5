"""How money moves in a rehearsal: payments at a till, rides, benefits to the card's account, training vouchers."""

import secrets
import time
from typing import Any, NamedTuple
from uuid import UUID

from ecard.catalogue.load import load
from ecard.catalogue.model import Flow, Form, Item
from ecard.cli.rehearse.stage import Person, Place, Stage, number
from ecard.cli.story import PASSWORD, expect
from ecard.client import Terminal

_SOON = 60.0
_ACCOUNT = "6299990000000000012"
_PRICE = 1250
_LINE = 300_00


def pay(stage: Stage, item: Item, form: Form) -> str:
    """Pay at a till, by the phone's code or the card in a reader; the order is paid and a receipt follows."""
    place, person = _till(stage), stage.person()
    return _charged(place, item, form, person)


def _till(stage: Stage) -> Place:
    """Return a till of the sandbox's merchant, whose items are all that are paid."""

    def make() -> UUID:
        agency = stage.agency("沙箱收费大厅")
        paid = [item.code for item in load().items if item.flow in {Flow.PAY, Flow.RIDE}]
        stage.by.finance.call("POST", "/v1/merchants", merchant(agency, "沙箱收费大厅", paid))
        return agency

    return stage.place("till", stage.once("merchant", make))


def merchant(agency: UUID, name: str, items: list[str]) -> dict[str, Any]:
    """Return the body that registers an agency as a merchant of these items."""
    return {
        "agency": str(agency),
        "name": name,
        "category": "9399",
        "bank": "SANDBOX",
        "bank_account": _ACCOUNT,
        "items": items,
        "order_limit": 100_000_000,
        "small_free_limit": 50_000,
    }


def _charged(place: Place, item: Item, form: Form, person: Person) -> str:
    asked = {
        "item": item.code,
        "evidence": place.evidence(item, form, person),
        "out_trade_no": number("R"),
        "amount": _PRICE,
        "subject": item.title[:32],
    }
    order = place.terminal.call("POST", "/v1/charges", asked).json()
    deadline = time.monotonic() + _SOON
    while order["state"] in {"processing", "unknown"} and time.monotonic() < deadline:
        time.sleep(0.1)
        order = place.terminal.call("GET", f"/v1/orders/{order['id']}").json()
    if order["state"] == "user_confirming":
        # What was shown proves possession alone: the payer is asked on the phone.
        proof = {"busi_seq": person.phone.prove(PASSWORD)}
        order = person.phone.call("POST", f"/v1/me/orders/{order['id']}/confirm", proof).json()
    expect(order["state"] == "paid", f"the order is paid: {order['state']}")
    return f"paid {order['amount']} 分"


def ride(stage: Stage, item: Item, form: Form) -> str:
    """Ride: a gate that was offline takes the code and uploads it, and the fare is paid; a card pays at the reader."""
    person, gate = stage.person(), stage.once("gate", lambda: _gate(stage))
    if form is Form.PHYSICAL:
        visit = gate.visit(item, form, person)["visit"]
        result = gate.terminal.call("POST", "/v1/rides/cards", {"visit": visit, "line": "101"}).json()
    else:
        tap = {"code": person.phone.code("ride"), "at": int(time.time()), "line": "101", "direction": "single"}
        [result] = gate.terminal.call("POST", "/v1/rides", {"taps": [tap]}).json()["results"]
    expect(result["outcome"] == "recorded", f"the tap is taken: {result}")
    deadline = time.monotonic() + _SOON
    while True:
        rides = person.phone.call("GET", "/v1/me/rides").json()
        if rides and rides[0]["state"] == "paid":
            return f"fare of {rides[0]['fare']} 分 paid"
        expect(time.monotonic() < deadline, f"the fare is paid: {rides}")
        time.sleep(0.1)


def _gate(stage: Stage) -> Place:
    agency = _till(stage).agency
    table = {"lines": {"101": {"type": "flat", "fare": 200}}, "patience": 0}
    now = int(time.time())
    stage.by.finance.call("POST", "/v1/fare-tables", {"operator": str(agency), "valid_from": now, "table": table})
    return stage.place("gate", agency)


class _Office(NamedTuple):
    """The agency that hands benefits in, with its server."""

    agency: UUID
    server: Terminal


def receive(stage: Stage, item: Item, form: Form) -> str:
    """Pay a benefit out: handed in, approved by two, released, paid to the card's account; then the card is shown."""
    person, office = stage.person(), stage.once("office", lambda: _office(stage))
    finance = stage.by.finance
    asked = {
        "name": number(item.title[:24]),
        "item": item.code,
        "agencies": [str(office.agency)],
        "components": ["base"],
        "line_limit": _LINE,
        "notice_days": 0,
    }
    programme = finance.call("POST", "/v1/benefit-programmes", asked).json()
    path = f"/v1/benefit-programmes/{programme['id']}/budget"
    finance.call("POST", path, {"source": "province", "amount": _LINE})
    line = {"component": "base", "amount": _LINE, **_payee(programme, person)}
    batch = _approved(stage, office, str(programme["id"]), line)
    finance.call("POST", f"/v1/benefit-reviews/{batch['id']}/release", {"manifest": batch["manifest"]})
    deadline = time.monotonic() + _SOON
    while True:
        [mine] = person.phone.call("GET", "/v1/me/benefits").json()
        if mine["state"] == "paid":
            break
        expect(time.monotonic() < deadline, f"the benefit is paid: {mine['state']}")
        time.sleep(0.1)
    place = stage.place("counter")
    visit = place.visit(item, form, person)["visit"]
    shown = place.terminal.call("GET", f"/v1/visits/{visit}/benefits").json()
    expect([one["id"] for one in shown] == [mine["id"]], "the counter sees what was paid under this item, and no more")
    return f"paid {mine['amount']} 分"


def _payee(programme: dict[str, Any], person: Person) -> dict[str, str]:
    """Return who is paid: by name and number, or by the pseudonym that the holder gave."""
    if programme["pseudonymous"]:
        asked = {"programme": programme["id"]}
        return {"payee": person.phone.call("POST", "/v1/me/benefit-payees", asked).json()["payee"]}
    return {"id_no": person.facts["id_no"], "name": person.facts["name"]}


def _office(stage: Stage) -> _Office:
    agency = stage.agency("沙箱待遇发放中心")
    return _Office(agency, stage.by.registrar.register_terminal(agency, "online"))


def _approved(stage: Stage, office: _Office, programme: str, line: dict[str, Any]) -> dict[str, Any]:
    body = {"programme": programme, "period": "2026-01", "number": number("B")}
    batch = office.server.call("POST", "/v1/benefit-batches", body).json()
    part = office.server.call("PUT", f"/v1/benefit-batches/{batch['id']}/parts/1", {"lines": [line]}).json()
    expect(part["refused"] == [], f"the line is taken: {part['refused']}")
    made: dict[str, Any] = office.server.call("POST", f"/v1/benefit-batches/{batch['id']}/submission").json()
    for level, operator in ((1, stage.by.finance), (2, stage.by.second)):
        approval = {"level": level, "manifest": made["manifest"]}
        operator.call("POST", f"/v1/benefit-reviews/{batch['id']}/approvals", approval)
    return made


def voucher(stage: Stage, item: Item, form: Form) -> str:
    """Train on a voucher: claimed and bound on the phone, checked in at the class by its code."""
    person, school = stage.person(), stage.once("school", lambda: _School(stage))
    claimed = person.phone.call("POST", "/v1/me/voucher-claims", {"programme": school.programme}).json()
    person.phone.call("POST", "/v1/me/bindings", {"voucher": claimed["id"], "class": school.training})
    asked = {"item": item.code, "evidence": school.place.evidence(item, form, person)}
    made = school.place.terminal.call("POST", f"/v1/classes/{school.training}/attendances", asked).json()
    expect(made["voucher"] == claimed["id"], "the check-in counts for the voucher")
    return f"{made['hours']} 学时 attended"


class _School:
    """A training institution with one class, and a programme whose vouchers it takes."""

    def __init__(self, stage: Stage) -> None:
        agency = stage.agency("沙箱职业培训学校")
        training = stage.by.training
        training.call("POST", "/v1/institutions", {"agency": str(agency), "kind": "private", "region": "640100"})
        asked = {"name": number("沙箱养老护理员"), "kind": "general", "worth": "face", "level": "basic"}
        asked |= {"content": "养老护理员（五级）", "region": "640100"}
        self.programme = str(training.call("POST", "/v1/voucher-programmes", asked).json()["id"])
        path = f"/v1/voucher-programmes/{self.programme}"
        training.call("POST", f"{path}/budget", {"source": "province", "amount": _LINE * 100})
        batch = {"number": secrets.token_hex(4), "source": "province", "face": _LINE, "quantity": 100}
        training.call("POST", f"{path}/batches", batch)
        server = stage.by.registrar.register_terminal(agency, "online", site="教学楼")
        now = int(time.time())
        sessions = [{"starts_at": now, "ends_at": now + 2700, "hours": 1}]
        opened = {"programme": self.programme, "name": "一班", "capacity": 100, "fee": _LINE, "sessions": sessions}
        self.training = str(server.call("POST", "/v1/classes", {**opened, "rehearsal": True}).json()["id"])
        self.place = stage.place("counter", agency)
