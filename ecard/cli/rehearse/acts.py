"""How applications, certifications and entries are rehearsed: each goes on from a visit to its end."""

import secrets
from collections.abc import Sequence
from uuid import UUID

from ecard.cards.sandbox import FACE_PASSED
from ecard.cases.model import MODIFIES, RESETS, CardAct
from ecard.cases.policy import policy
from ecard.catalogue.load import load
from ecard.catalogue.model import Form, Item, Strength
from ecard.cli.rehearse.stage import Person, Place, Stage
from ecard.cli.story import PASSWORD, expect, new_person
from ecard.client import Operator, cases, certification, employment, entries

_NEW = "824613"


def _reviewers(stage: Stage) -> Sequence[Operator]:
    """Return reviewers who are known persons; a case takes as many as it has levels."""
    by = stage.by
    return stage.once("reviewers", lambda: [cases.new_reviewer(by.security, by.cards, new_person()) for _ in range(3)])


def counter(stage: Stage, item: Item) -> Place:
    """Return where an item is accepted: at the bureau's counter, an item of annex 3 at a bank's."""
    if item.delegated is None:
        return stage.place("counter")

    def make() -> UUID:
        agency = stage.agency("沙箱银行")
        cases.grant(stage.by.registrar, agency)
        optional = [one.code for one in load().items if one.delegated and not one.mandatory]
        cases.grant(stage.by.registrar, agency, optional)
        return agency

    return stage.place("counter", stage.once("bank", make))


def apply(stage: Stage, item: Item, form: Form) -> str:
    """Apply at a counter: accepted there, reviewed by as many as the item's route asks for, done."""
    person, place = stage.person(), counter(stage, item)
    visit = place.visit(item, form, person)["visit"]
    return _finished(stage, item, place, visit)


def _finished(stage: Stage, item: Item, place: Place, visit: str) -> str:
    material = cases.upload(place.terminal)
    opened = cases.open_case(place.terminal, visit, form=_form(item), materials=[material])
    done = cases.finish(opened, _reviewers(stage))
    expect(done["state"] == "done", f"the case is done: {done['state']}")
    return f"case done, {done['level']} levels"


def _form(item: Item) -> dict[str, str]:
    """Return what the application says."""
    return {"mobile": "13900000001"} if item.title.startswith("个人基本信息变更") else {"note": "沙箱演练"}


def certify(stage: Stage, item: Item, form: Form) -> str:
    """Certify an entitlement: with the face on the own phone, at a counter by either form, or through a case."""
    person, place = stage.person(), counter(stage, item)
    if item.route is not None and item.route.value.endswith("审核"):
        visit = place.visit(item, form, person)["visit"]
        reached = _finished(stage, item, place, visit)
    elif form is Form.ELECTRONIC and item.delegated is None:
        proof = {"face": FACE_PASSED} if item.strength.meets(Strength.KNOWLEDGE) else {}
        certification.certify_oneself(person.phone, person.phone.do(item.code, **proof))
        reached = "face on the own phone"
    else:
        face = FACE_PASSED if item.delegated is not None else None
        certification.certify(place.terminal, place.visit(item, form, person)["visit"], face=face)
        reached = "at a counter"
    [standing] = certification.certifications(person.phone)["standing"]
    expect(standing["state"] == "valid", f"the certification stands: {standing}")
    return f"certified, {reached}"


def work(stage: Stage, item: Item, form: Form) -> str:
    """Sign in and out at a work site by either form: the hours of the day are counted."""
    person, place = stage.person(), stage.place("gate")
    for direction in ("in", "out"):
        entries.enter(place.terminal, place.visit(item, form, person)["visit"], direction=direction)
    expect(len(entries.my_work_hours(person.phone)) == 1, "the hours of the day are counted")
    return "signed in and out"


def certificate(stage: Stage, item: Item, form: Form) -> str:
    """Put a certificate of employment on record, on the physical card as well, and show it."""
    person, place = stage.person(), stage.place("counter")
    written = {"certificate_no": str(11990020260000 + secrets.randbelow(10_000)), "status": "1"}
    visit = place.visit(item, form, person, written if form is Form.PHYSICAL else None)["visit"]
    employment.record(place.terminal, visit, written)
    [mine] = employment.mine(person.phone)
    expect(written.items() <= mine["certificate"].items(), f"the certificate is on record: {mine}")
    expect(mine["on_card"] == (form is Form.PHYSICAL), "on the physical card as well, where that was shown")
    return "on the card and on record" if form is Form.PHYSICAL else "on record"


def manage(stage: Stage, item: Item, form: Form) -> str:
    """Do every act that an item is for, at a bank's counter: it changes the card or its account, and is a case."""
    person, place = stage.person(), counter(stage, item)
    # A password is set before it can be changed by the old one.
    acts = sorted(policy().acts[item.code], key=lambda act: act in MODIFIES)
    for act in acts:
        if act is CardAct.CARD_ENABLE:
            _order(stage, place, form, person)
        if act is CardAct.CARD_FIND:
            done = cases.serve_lost(place.terminal, act, person.facts, FACE_PASSED)
        else:
            done = cases.serve(place.terminal, place.visit(item, form, person)["visit"], act, **_told(act))
        expect(done["case"]["state"] == "done", f"{act} is done: {done}")
    return ", ".join(acts)


def _told(act: CardAct) -> dict[str, str]:
    """Return what an act asks for beside the visit."""
    if act in RESETS:
        return {"face": FACE_PASSED, "new_password": PASSWORD}
    return {"old_password": PASSWORD, "new_password": _NEW} if act in MODIFIES else {}


def _order(stage: Stage, place: Place, form: Form, person: Person) -> None:
    """Have a new card ordered and made, so that it can be enabled."""
    item = next(one for one in load().items if CardAct.CARD_APPLY in policy().acts.get(one.code, ()))
    order = cases.serve(place.terminal, place.visit(item, form, person)["visit"], CardAct.CARD_APPLY)["order"]
    cases.make_card(stage.by.cards, order, new_person()["card_no"])
