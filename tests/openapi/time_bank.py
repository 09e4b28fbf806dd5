"""Requests that the operations of the volunteer time bank fulfil."""

from collections.abc import Callable, Mapping
from functools import cache

from ecard.client import Phone, Terminal
from ecard.client.hours import arrive, depart, redeem, register_body
from tests.bureau import Bureau
from tests.openapi.request import Good


@cache
def _society(bureau: Bureau) -> Terminal:
    register_body(bureau.registrar, bureau.agency)
    return bureau.terminal()


def _visit(bureau: Bureau, phone: Phone) -> str:
    return str(_society(bureau).visit("A2-06", phone.code())["visit"])


def _volunteer(bureau: Bureau) -> Phone:
    phone = bureau.phone()
    arrive(_society(bureau), _visit(bureau, phone), "社区助老")
    return phone


def _held(bureau: Bureau) -> dict[str, str]:
    phone = _volunteer(bureau)
    depart(_society(bureau), _visit(bureau, phone))
    return {"number": redeem(_society(bureau), _visit(bureau, phone), 1, "居家照护")["id"]}


def _redeemed(bureau: Bureau) -> Good:
    phone = _volunteer(bureau)
    depart(_society(bureau), _visit(bureau, phone))
    return Good(_society(bureau), {"visit": _visit(bureau, phone), "service": "居家照护", "minutes": 1})


def _body(bureau: Bureau) -> Good:
    return Good(bureau.registrar, {"agency": str(bureau.agency), "records": True, "redeems": True})


TIME_BANK: Mapping[str, Callable[[Bureau], Good]] = {
    "volunteer_body_set": _body,
    "volunteer_arrive": lambda bureau: Good(
        _society(bureau), {"visit": _visit(bureau, bureau.phone()), "project": "社区助老"}
    ),
    "volunteer_depart": lambda bureau: Good(_society(bureau), {"visit": _visit(bureau, _volunteer(bureau))}),
    "hours_redeem": _redeemed,
    "hours_complete": lambda bureau: Good(_society(bureau), {"minutes": 1}, _held(bureau)),
    "hours_cancel": lambda bureau: Good(_society(bureau), path=_held(bureau)),
    "my_hours": lambda bureau: Good(bureau.phone()),
    "my_profile_changes": lambda bureau: Good(bureau.phone()),
}
