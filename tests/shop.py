"""A merchant with a till and an online service, and the payers who come to it."""

import itertools
import secrets
import time
from typing import Any

import httpx

from ecard.client import Phone, Refused, Terminal
from tests.bureau import PASSWORD, Bureau, new_uscc

SCENIC = "A2-34"
"""景区购票: an item that asks for possession alone."""
EXAM = "A1-69"
"""人事考试缴费: an item that asks for the password."""
_numbers = itertools.count(secrets.randbelow(10**6) * 1000)


def new_number() -> str:
    """Return a merchant's own number that was not used before."""
    return f"T{next(_numbers)}"


class Shop:
    """A merchant of one agency: a till, and an online service."""

    def __init__(self, bureau: Bureau, **changed: Any) -> None:
        self.bureau = bureau
        self.agency = bureau.registrar.register_agency("测试景区", new_uscc())
        self.till: Terminal = bureau.registrar.register_terminal(self.agency, "till")
        self.online: Terminal = bureau.registrar.register_terminal(self.agency, "online")
        bureau.finance.call("POST", "/v1/merchants", {**self.asked(), **changed})

    def asked(self) -> dict[str, Any]:
        """Return the body that registers it."""
        return {
            "agency": str(self.agency),
            "name": "测试景区",
            "category": "7991",
            "bank": "SANDBOX",
            "bank_account": "6299990000000000012",
            "items": [SCENIC, EXAM],
            "order_limit": 1_000_000,
            "small_free_limit": 50_000,
        }

    def body(self, code: str, amount: int = 1250, *, item: str = SCENIC, number: str | None = None) -> dict[str, Any]:
        """Return the body of a charge."""
        return {
            "item": item,
            "evidence": {"kind": "code", "code": code},
            "out_trade_no": number or new_number(),
            "amount": amount,
            "subject": "门票",
        }

    def asking(self, body: dict[str, Any], *, key: str | None = None, till: Terminal | None = None) -> httpx.Response:
        """Return the answer to a charge."""
        return (till or self.till).call("POST", "/v1/charges", body, key=key)

    def charge(self, code: str, amount: int = 1250, **more: Any) -> dict[str, Any]:
        """Return the order of a charge."""
        key, till = more.pop("key", None), more.pop("till", None)
        order: dict[str, Any] = self.asking(self.body(code, amount, **more), key=key, till=till).json()
        return order

    def paid(self, amount: int = 1250) -> dict[str, Any]:
        """Return an order that a new payer has paid."""
        order = self.charge(payer(self.bureau).code("pay"), amount)
        assert order["state"] == "paid", order
        return order

    def open(self, amount: int = 1250, **more: Any) -> dict[str, Any]:
        """Return an order that waits for a holder in the app."""
        body = {"item": SCENIC, "out_trade_no": new_number(), "amount": amount, "subject": "门票", **more}
        order: dict[str, Any] = self.online.call("POST", "/v1/orders", body).json()
        return order

    def order(self, order: dict[str, Any]) -> dict[str, Any]:
        """Return the order as it stands."""
        found: dict[str, Any] = self.till.call("GET", f"/v1/orders/{order['id']}").json()
        return found

    def refund(
        self, order: dict[str, Any], amount: int, *, number: str | None = None, key: str | None = None
    ) -> dict[str, Any]:
        """Return a refund of a part of the order."""
        body = {"out_refund_no": number or new_number(), "amount": amount, "reason": "退票"}
        refund: dict[str, Any] = self.till.call("POST", f"/v1/orders/{order['id']}/refunds", body, key=key).json()
        return refund


def payer(bureau: Bureau, *, proven: bool = True) -> Phone:
    """Return a new holder's phone that may pay; its codes say that the password was proven, if it was."""
    phone = bureau.phone(level=2)
    if not proven:
        phone.open()
    return phone


def confirm(phone: Phone, order: dict[str, Any]) -> dict[str, Any]:
    """Return the order that the phone's holder confirmed with the password."""
    body = {"busi_seq": phone.prove(PASSWORD)}
    confirmed: dict[str, Any] = phone.call("POST", f"/v1/me/orders/{order['id']}/confirm", body).json()
    return confirmed


def receipt_of(phone: Phone, named: str) -> dict[str, Any]:
    """Return the receipt of an order or a journal, once it is sealed into the books."""
    deadline = time.monotonic() + 15
    while True:
        try:
            receipt: dict[str, Any] = phone.call("GET", f"/v1/me/receipts/{named}").json()
        except Refused as refusal:
            if refusal.code != "receipt_not_ready" or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return receipt
