"""Requests that the operations of certification and of entries fulfil."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ecard.cards.sandbox import FACE_PASSED
from ecard.client import Phone
from ecard.client.entries import open_list
from ecard.ids import new_id
from tests.bureau import PASSWORD, Bureau
from tests.openapi.request import Good


@cache
def _phone(bureau: Bureau) -> Phone:
    return bureau.phone()


def _visit(bureau: Bureau, item: str, setting: str) -> str:
    phone = _phone(bureau)
    phone.prove(PASSWORD)
    return str(bureau.terminal(setting).visit(item, phone.code())["visit"])


def _certified(bureau: Bureau) -> Good:
    return Good(bureau.terminal(), {"visit": _visit(bureau, "A1-35", "counter"), "face": FACE_PASSED})


def _certified_oneself(bureau: Bureau) -> Good:
    return Good(_phone(bureau), {"visit": _phone(bureau).do("A1-35", face=FACE_PASSED)})


def _list(_: Bureau) -> dict[str, Any]:
    times = {"opens_at": 1796430600, "closes_at": 1796439600}
    return {"site": "第一中学", "item": "A1-70", "name": f"名单{new_id().hex[-8:]}", **times}


def _known_list(bureau: Bureau) -> dict[str, str]:
    return {"number": open_list(bureau.terminal("online"), **_list(bureau))["id"]}


def _persons(bureau: Bureau) -> Good:
    body = {"persons": [{"id_no": bureau.register().facts["id_no"], "room": "第3考场"}]}
    return Good(bureau.terminal("online"), body, _known_list(bureau))


def _rule(bureau: Bureau) -> Good:
    return Good(bureau.registrar, {"agency": str(bureau.agency), "site": "第一中学", "item": "A1-70", "listed": True})


def _upload(bureau: Bureau) -> Good:
    return Good(bureau.terminal("gate"), {"item": "A2-33", "lines": [{"code": "EC1:", "at": 1}]})


GATES: Mapping[str, Callable[[Bureau], Good]] = {
    "certification_create": _certified,
    "my_certification": _certified_oneself,
    "my_certifications": lambda bureau: Good(_phone(bureau)),
    "entry_rule_set": _rule,
    "entry_rules": lambda bureau: Good(bureau.registrar),
    "entry_list_create": lambda bureau: Good(bureau.terminal("online"), _list(bureau)),
    "entry_list_add": _persons,
    "entry_list": lambda bureau: Good(bureau.terminal("online"), path=_known_list(bureau)),
    "entry_create": lambda bureau: Good(bureau.terminal("gate"), {"visit": _visit(bureau, "A2-33", "gate")}),
    "entries": lambda bureau: Good(bureau.terminal("gate")),
    "entry_upload": _upload,
    "entry_conflicts": lambda bureau: Good(bureau.terminal("gate")),
    "work_hours": lambda bureau: Good(bureau.terminal("gate")),
    "my_entries": lambda bureau: Good(_phone(bureau)),
    "my_work_hours": lambda bureau: Good(_phone(bureau)),
}
