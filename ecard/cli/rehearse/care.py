"""How care is rehearsed: settled at an institution, recorded while off-line, looked up and printed, volunteered."""

import datetime
from typing import Any
from uuid import UUID

from ecard.catalogue.load import load
from ecard.catalogue.model import Flow, Form, Item
from ecard.claims.model import types
from ecard.cli.rehearse.acts import counter
from ecard.cli.rehearse.money import merchant
from ecard.cli.rehearse.stage import Stage, number
from ecard.cli.story import PASSWORD, expect
from ecard.client import claims, hours, records
from ecard.client.medical import Desk, balances, care_of, designate, fee, load_sandbox_rules
from pay.settlements.model import BEIJING

_REGION = "119901"
_CARE = "outpatient"
_FEES = (fee(100_000), fee(40_000, listed="B", code="310300001"), fee(10_000, listed="C", code="990000001"))
"""1,500 yuan: 甲 1,000, 乙 400, 丙 100."""


def settle(stage: Stage, item: Item, form: Form) -> str:
    """Settle a visit's fees: the legs are the total, cash is paid first from the phone, and the holder sees it.

    Some people are insured in the institution's region, others in another: both ways are settled.
    """
    person, place = stage.person(), stage.place("counter", _hospital(stage))
    visit = place.visit(item, form, person)["visit"]
    settled = Desk(place.terminal).settle(visit, care_of(item.code), _FEES, phone=person.phone, password=PASSWORD)
    expect(settled["state"] == "confirmed" and balances(settled), f"settled, Σ legs = total: {settled}")
    seen = person.phone.call("GET", "/v1/me/medical/settlements").json()
    expect([one["id"] for one in seen] == [settled["id"]], "the holder sees the settlement")
    return "; ".join(f"{leg['kind']} {leg['amount']}" for leg in settled["legs"] if leg["amount"])


def _hospital(stage: Stage) -> UUID:
    def make() -> UUID:
        agency = stage.agency("沙箱医院")
        settled = [item.code for item in load().items if item.flow is Flow.SETTLE]
        stage.by.finance.call("POST", "/v1/merchants", merchant(agency, "沙箱医院", settled))
        load_sandbox_rules(stage.by.finance)
        designate(stage.by.finance, agency, _REGION)
        return agency

    return stage.once("hospital", make)


def look_up(stage: Stage, item: Item, form: Form) -> str:
    """Look up what the item shows: on the own phone by the e-card, at a counter by the card."""
    person = stage.person()
    by: Any = person.phone
    if form is Form.ELECTRONIC and item.delegated is None:
        visit = person.phone.do(item.code, **stage.proof(item, person))
    else:
        place = counter(stage, item)
        by, visit = place.terminal, str(place.visit(item, form, person)["visit"])
    found = records.look_up(by, visit)
    expect(bool(found["complete"] and found["sections"]), f"every system answered: {found}")
    if not found["printable"]:
        return f"{len(found['sections'])} sections"
    document = records.print_out(by, visit)
    expect(records.fetch(by, document["document"]).startswith(b"%PDF-"), "the document is printed")
    shown = stage.http.get(f"/v1/documents/{document['document']}").json()
    expect(shown["state"] == "valid", f"anybody may check the document: {shown}")
    return f"{len(found['sections'])} sections, printed"


def volunteer(stage: Stage, item: Item, form: Form) -> str:
    """Serve for a while, be credited, and spend what there is."""
    person, place = stage.person(), stage.place("counter", _volunteers(stage))
    hours.arrive(place.terminal, place.visit(item, form, person)["visit"], number("沙箱志愿项目"))
    served = hours.depart(place.terminal, place.visit(item, form, person)["visit"])
    account = hours.my_hours(person.phone)
    expect(account["balance"] == served["minutes"], f"the time is credited: {account}")
    return f"{served['minutes']} minutes credited"


def _volunteers(stage: Stage) -> UUID:
    def make() -> UUID:
        agency = stage.agency("沙箱志愿服务中心")
        hours.register_body(stage.by.registrar, agency)
        return agency

    return stage.once("volunteers", make)


def take_down(stage: Stage, item: Item, form: Form) -> str:
    """Take down what was done while off-line, by the card that was there, and settle it late: once."""
    person, place = stage.person(), stage.place("counter", _hospital(stage))
    desk, day = Desk(place.terminal), (datetime.datetime.now(BEIJING) - datetime.timedelta(days=1)).date().isoformat()
    total = sum(line["amount"] for line in _FEES)
    visit = place.visit(item, form, person)["visit"]
    kept = desk.record(visit, _CARE, _FEES, day=day, paid=total, number=number("T"))
    settled = desk.upload_record(kept)
    expect(settled["state"] == "confirmed" and balances(settled), f"settled late, Σ legs = total: {settled}")
    expect(desk.upload_record(kept)["id"] == settled["id"], "uploaded twice, settled once")
    return "recorded off-line, settled late"


def show_credential(stage: Stage, item: Item, form: Form) -> str:
    """Have a credential issued to the phone, and show a terminal one claim of it and no more."""
    del form
    person, terminal = stage.person(), stage.place("counter").terminal
    kind = next(one for one in types().values() if item.code in one.items)
    made = claims.issue(person.phone, person.phone.do(item.code, **stage.proof(item, person)), kind.name)
    wanted = [kind.claims[-1].name]
    asked = claims.ask(terminal, kind.name, wanted, "沙箱演练")
    claims.show(person.phone, made["credential"], asked["id"])
    found = claims.answer(terminal, asked["id"])
    expect(found["state"] == "presented" and list(found["claims"]) == wanted, f"what was asked, no more: {found}")
    return f"{kind.name} shown: {wanted[0]}"
