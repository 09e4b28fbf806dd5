"""For every operation of cases a request that it fulfils (`good.py` has the others)."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ecard.cards.sandbox import FACE_PASSED
from ecard.client import cases
from tests.bureau import Bureau, new_person
from tests.ecard.cases.office import Bank, bank, reviewer, reviewers, visit
from tests.openapi.request import Good

_MATERIAL = {"content": b64encode(cases.PNG).decode()}


@cache
def _phone(bureau: Bureau) -> Any:
    return bureau.phone()


@cache
def _bank(bureau: Bureau) -> Bank:
    outlet = bank(bureau)
    cases.grant(bureau.registrar, outlet.agency, ["A3-26"], review=True)
    return outlet


def _asked(bureau: Bureau) -> Good:
    counter = bureau.terminal()
    return Good(counter, {"visit": visit(counter, _phone(bureau), "A1-02", proven=False)})


def _open(bureau: Bureau) -> Any:
    """Return a case that waits for acceptance, with a material, of a phone of its own."""
    phone = _phone(bureau)
    return cases.open_case(phone, phone.do("A1-07"), materials=[cases.upload(phone)])


_standing = cache(_open)


def _mine(bureau: Bureau, **more: str) -> Good:
    return Good(_phone(bureau), path={"case": _standing(bureau)["id"], **more})


def _in_hand(bureau: Bureau) -> Any:
    case = _open(bureau)
    return cases.assign(reviewers(bureau)[0], case)


@cache
def _held(bureau: Bureau) -> Any:
    return _in_hand(bureau)


def _material(bureau: Bureau, case: Any) -> dict[str, str]:
    return {"case": case["id"], "material": cases.look(_phone(bureau), case)["materials"][0]["id"]}


@cache
def _at_bank(bureau: Bureau) -> Any:
    counter = _bank(bureau).counter
    shown = visit(counter, _phone(bureau), "A3-26", proven=False)
    return cases.open_case(counter, shown, materials=[cases.upload(counter)])


def _accepted(bureau: Bureau) -> Good:
    """Return a decision at a counter: of what a kiosk of the same agency took."""
    counter, kiosk = bureau.terminal(), bureau.terminal("kiosk")
    case = cases.open_case(kiosk, visit(kiosk, _phone(bureau), "A1-02", proven=False))
    return Good(counter, {"version": case["version"], "level": 1, "decision": "approve"}, {"case": case["id"]})


def _withdrawn(bureau: Bureau) -> Good:
    kiosk = bureau.terminal("kiosk")
    case = cases.open_case(kiosk, visit(kiosk, _phone(bureau), "A1-02", proven=False))
    body = {"motion": "withdraw", "version": case["version"]}
    return Good(kiosk, {**body, "visit": visit(kiosk, _phone(bureau), "A1-02", proven=False)}, {"case": case["id"]})


def _my_withdrawal(bureau: Bureau) -> Good:
    case = _open(bureau)
    return Good(_phone(bureau), {"motion": "withdraw", "version": case["version"]}, {"case": case["id"]})


def _decision(bureau: Bureau) -> Good:
    case = _in_hand(bureau)
    body = {"version": case["version"], "level": 1, "decision": "approve"}
    return Good(reviewers(bureau)[0], body, {"case": case["id"]})


def _grant(bureau: Bureau) -> Good:
    return Good(bureau.registrar, {"agency": str(bureau.agency), "items": ["A3-08"], "region": "64"})


def _revoked(bureau: Bureau) -> Good:
    made = cases.grant(bureau.registrar, bureau.agency, ["A3-08"])
    return Good(bureau.registrar, path={"grant": made["id"]})


def _named(bureau: Bureau) -> Good:
    operator = bureau.security.register_operator("审核员", "reviewer")
    return Good(bureau.security, {"operator": str(operator.actor), "id_no": bureau.register().facts["id_no"]})


def _of_reviewer(bureau: Bureau, body: dict[str, Any] | None = None) -> Good:
    return Good(reviewers(bureau)[0], body, {"case": _held(bureau)["id"]})


def _served(bureau: Bureau) -> Good:
    counter, phone = _bank(bureau).counter, _phone(bureau)
    return Good(counter, {"visit": visit(counter, phone, "A3-05"), "act": "statement_print"})


def _lost(bureau: Bureau) -> Good:
    person = bureau.register()
    bureau.cards.set_card_status(person.facts["card_no"], "lost")
    named = {key: person.facts[key] for key in ("name", "id_no", "card_no")}
    return Good(_bank(bureau).counter, {"act": "card_find", "face": FACE_PASSED, **named})


def _card_made(bureau: Bureau) -> Good:
    counter, phone = _bank(bureau).counter, bureau.phone()
    order = cases.serve(counter, visit(counter, phone, "A3-20"), "card_apply")["order"]
    return Good(bureau.cards, {"card_no": new_person().facts["card_no"]}, {"order": order})


CASES: Mapping[str, Callable[[Bureau], Good]] = {
    "card_order_made": _card_made,
    "card_orders_list": lambda bureau: Good(bureau.cards),
    "card_service": _served,
    "card_service_lost": _lost,
    "case_assign": lambda bureau: Good(reviewers(bureau)[1], {}, {"case": _open(bureau)["id"]}),
    "case_comment": lambda bureau: _of_reviewer(bureau, {"text": "与档案一致"}),
    "case_decide": _accepted,
    "case_delegated": lambda bureau: Good(_bank(bureau).counter, path={"case": _at_bank(bureau)["id"]}),
    "case_delegated_material": lambda bureau: Good(_bank(bureau).counter, path=_material(bureau, _at_bank(bureau))),
    "case_get": lambda bureau: Good(_bank(bureau).counter, path={"case": _at_bank(bureau)["id"]}),
    "case_grant_add": _grant,
    "case_grant_revoke": _revoked,
    "case_grants_list": lambda bureau: Good(bureau.registrar),
    "case_material_upload": lambda bureau: Good(bureau.terminal(), _MATERIAL),
    "case_move": _withdrawn,
    "case_open": _asked,
    "case_review": _of_reviewer,
    "case_review_decide": _decision,
    "case_review_material": lambda bureau: Good(reviewers(bureau)[0], path=_material(bureau, _held(bureau))),
    "case_reviews_list": lambda bureau: Good(reviewer(bureau)),
    "my_case": _mine,
    "my_case_material": lambda bureau: Good(_phone(bureau), path=_material(bureau, _standing(bureau))),
    "my_case_material_upload": lambda bureau: Good(_phone(bureau), _MATERIAL),
    "my_case_move": _my_withdrawal,
    "my_case_open": lambda bureau: Good(_phone(bureau), {"visit": _phone(bureau).do("A1-07")}),
    "my_cases": lambda bureau: Good(_phone(bureau)),
    "reviewer_name": _named,
}
