"""A training institution with its server, counter and kiosk; programmes whose vouchers it takes, and its learners."""

import time
from collections.abc import Sequence
from typing import Any

import httpx

from ecard.client import Phone, Terminal
from tests.bureau import Bureau, new_uscc
from tests.training import FACE, Programme

CODE, REGISTER, OWN_SHARE = "A1-73", "A1-74", "A1-75"
"""职业技能电子培训券, 职业培训实名登记, 职业培训缴费."""
SITE = "教学楼"


def scheme(
    bureau: Bureau, *, quantity: int = 50, face: int = FACE, batch: dict[str, Any] | None = None, **changed: Any
) -> Programme:
    """Return a programme with a batch of vouchers that anybody may claim; `changed` are fields of its registration."""
    programme = Programme(bureau, money=quantity * face, **changed)
    programme.batch(quantity, face=face, **(batch or {}))
    return programme


def session(hours: int = 4, *, after: float = 0) -> dict[str, int]:
    """Return a session that starts `after` seconds from now."""
    start = int(time.time() + after)
    return {"starts_at": start, "ends_at": start + hours * 2700, "hours": hours}


class School:
    """A training institution that is a merchant."""

    def __init__(self, bureau: Bureau, *, region: str = "640100", merchant: bool = True) -> None:
        self.bureau = bureau
        self.agency = bureau.registrar.register_agency("测试职业培训学校", new_uscc())
        self.server: Terminal = self.terminal("online")
        self.counter: Terminal = self.terminal("counter")
        bureau.training.call(
            "POST", "/v1/institutions", {"agency": str(self.agency), "kind": "private", "region": region}
        )
        if merchant:
            body = {
                "agency": str(self.agency),
                "name": "测试职业培训学校",
                "category": "8249",
                "bank": "SANDBOX",
                "bank_account": "6299990000000000012",
                "items": [OWN_SHARE],
                "order_limit": 1_000_000,
            }
            bureau.finance.call("POST", "/v1/merchants", body)

    def terminal(self, setting: str, *, site: str = SITE) -> Terminal:
        """Return a new terminal of the institution."""
        return self.bureau.registrar.register_terminal(self.agency, setting, site=site)

    def class_body(self, programme: Programme, **more: Any) -> dict[str, Any]:
        """Return the body that opens a class, by default of one session that takes check-ins now."""
        body = {"programme": programme.id, "name": "焊工一班", "capacity": 30, "fee": FACE, "sessions": [session()]}
        return {**body, **more}

    def open(self, programme: Programme, **more: Any) -> str:
        """Open a class; return its id."""
        return str(self.server.call("POST", "/v1/classes", self.class_body(programme, **more)).json()["id"])

    def rehearse(self, programme: Programme, count: int, **more: Any) -> str:
        """Open a class whose `count` sessions all take check-ins now; return its id."""
        sessions = [session(1) for _ in range(count)]
        return self.open(programme, sessions=sessions, rehearsal=True, **more)

    def seats(self, class_: str) -> list[dict[str, Any]]:
        """Return who sits in a class."""
        found: list[dict[str, Any]] = self.server.call("GET", f"/v1/classes/{class_}/seats").json()
        return found

    def check_in(
        self, class_: str, code: str, *, item: str = CODE, key: str | None = None, at: Terminal | None = None
    ) -> dict[str, Any]:
        """Check in the learner who showed `code`."""
        body = {"item": item, "evidence": {"kind": "code", "code": code}}
        made: dict[str, Any] = (
            (at or self.counter).call("POST", f"/v1/classes/{class_}/attendances", body, key=key).json()
        )
        return made

    def shown(self, class_: str, n: int | None = None) -> str:
        """Return the code that the class's screen shows."""
        query = "" if n is None else f"session={n}"
        return str(self.server.call("GET", f"/v1/classes/{class_}/code", query=query).json()["code"])

    def upload(self, terminal: Terminal, class_: str, lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return each line's result of an upload."""
        answer = terminal.call("POST", f"/v1/classes/{class_}/attendances/uploads", {"lines": list(lines)})
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def complete(self, class_: str, voucher: str, amount: int | None = None) -> dict[str, Any]:
        """Submit a completion."""
        body = {"voucher": voucher} | ({} if amount is None else {"amount": amount})
        made: dict[str, Any] = self.server.call("POST", f"/v1/classes/{class_}/completions", body).json()
        return made

    def voucher(self, voucher: str) -> dict[str, Any]:
        """Return a voucher as the institution sees it."""
        found: dict[str, Any] = self.server.call("GET", f"/v1/institution-vouchers/{voucher}").json()
        return found

    def redeeming(self, voucher: str, *, key: str | None = None, at: Terminal | None = None) -> httpx.Response:
        """Return the answer to a redemption."""
        return (at or self.server).call("POST", "/v1/voucher-redemptions", {"voucher": voucher}, key=key)


def second(bureau: Bureau) -> Any:
    """Return another operator of training, for the second level."""
    return bureau.security.register_operator("训练二", "training")


def audit(operator: Any, completion: str, **said: Any) -> dict[str, Any]:
    """Say an operator's word on a completion."""
    made: dict[str, Any] = operator.call(
        "POST", f"/v1/completions/{completion}/audits", {"passed": True, **said}
    ).json()
    return made


def join(phone: Phone, class_: str, voucher: str) -> dict[str, Any]:
    """Bind a holder's voucher from the phone."""
    made: dict[str, Any] = phone.call("POST", "/v1/me/bindings", {"voucher": voucher, "class": class_}).json()
    return made


def learner(programme: Programme, *, class_: str | None = None, level: int = 1) -> tuple[Phone, str]:
    """Return a new holder's phone and the voucher that it claimed, bound to a class if one is named."""
    phone = programme.bureau.phone(level=level)
    voucher = str(programme.claim(phone)["id"])
    if class_ is not None:
        join(phone, class_, voucher)
    return phone, voucher
