"""Requests that the operations of payment fulfil: orders, codes, bills, rides, day files, what merchants are told."""

import atexit
import contextlib
import datetime
import itertools
import secrets
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from uuid import UUID

from ecard.client import Terminal
from ecard.ids import new_id
from tests.agency import BillingAgency, agency_process
from tests.bank import suspended
from tests.bureau import PASSWORD, Bureau, new_uscc
from tests.openapi.request import Good
from tests.operator import TABLE, TransitOperator, settled
from tests.reader import Readers, carded
from tests.shop import SCENIC, Shop, new_number, payer, receipt_of

_later = itertools.count()
_ADDRESS = {"url": "http://127.0.0.1:9/"}


def _merchant_server(bureau: Bureau) -> Terminal:
    """Return the server of a merchant of its own: one has few endpoints."""
    return bureau.registrar.register_terminal(bureau.registrar.register_agency("测试商户", new_uscc()), "online")


def _endpoint(bureau: Bureau) -> Good:
    server = _merchant_server(bureau)
    return Good(server, path={"endpoint": server.call("POST", "/v1/webhooks", _ADDRESS).json()["id"]})


def _merchant_endpoint(bureau: Bureau) -> Good:
    agency = bureau.registrar.register_agency("测试商户", new_uscc())
    return Good(bureau.finance, _ADDRESS, {"merchant": str(agency)})


def _resent(bureau: Bureau) -> Good:
    server = _merchant_server(bureau)
    name = str(server.call("POST", "/v1/webhook-events").json()["id"])
    deadline = time.monotonic() + 5
    while not server.call("GET", "/v1/webhook-events").json():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return Good(server, path={"event": str(UUID(name.removeprefix("evt_")))})


@cache
def _shop(bureau: Bureau) -> Shop:
    return Shop(bureau)


def _charge(bureau: Bureau) -> Good:
    shop = _shop(bureau)
    return Good(shop.till, shop.body(bureau.phone(level=2).code("pay")))


def _merchant(bureau: Bureau) -> Good:
    agency = bureau.registrar.register_agency("测试商户", new_uscc())
    return Good(bureau.finance, {**_shop(bureau).asked(), "agency": str(agency)})


def _order(bureau: Bureau) -> Good:
    return Good(_shop(bureau).online, {"item": SCENIC, "out_trade_no": new_number(), "amount": 1, "subject": "门票"})


def _of_order(bureau: Bureau) -> Good:
    return Good(_shop(bureau).till, path={"order": _shop(bureau).open()["id"]})


def _refund(bureau: Bureau) -> Good:
    body = {"out_refund_no": new_number(), "amount": 1, "reason": "退票"}
    return Good(_shop(bureau).till, body, {"order": _shop(bureau).paid()["id"]})


@cache
def _waiting(bureau: Bureau) -> Good:
    """Return a charge that waits for its holder's password."""
    phone = payer(bureau, proven=False)
    return Good(phone, path={"order": _shop(bureau).charge(phone.code("pay"))["id"]})


def _confirmed(bureau: Bureau) -> Good:
    phone = payer(bureau, proven=False)
    order = _shop(bureau).charge(phone.code("pay"))["id"]
    return Good(phone, {"busi_seq": phone.prove(PASSWORD)}, {"order": order})


def _declined(bureau: Bureau) -> Good:
    phone = payer(bureau, proven=False)
    return Good(phone, path={"order": _shop(bureau).charge(phone.code("pay"))["id"]})


def _suspended(bureau: Bureau) -> Good:
    """Return a first operator's decision of an attempt that its bank left in doubt."""
    return Good(bureau.finance, {"outcome": "failed", "reason": "银行书面答复"}, {"attempt": suspended(bureau)})


@cache
def _receipt(bureau: Bureau) -> Good:
    """Return a payment that was sealed into the books."""
    phone = payer(bureau)
    order = _shop(bureau).charge(phone.code("pay"))["id"]
    receipt_of(phone, order)
    return Good(phone, path={"receipt": order})


def _terms(bureau: Bureau) -> Good:
    phone = bureau.phone(level=2)
    return Good(phone, {"busi_seq": phone.prove(PASSWORD), "free_each": 20_000, "free_times": 10})


_days = itertools.count(secrets.randbelow(3000))


def _day_file() -> tuple[str, dict[str, Any]]:
    """Return a day, long ago and not used before, and the request that reconciles a file with one unknown payment."""
    day = datetime.date(2001, 1, 1) + datetime.timedelta(days=next(_days))
    lines = (
        f"H|ecard-day-1|SANDBOX|{day:%Y%m%d}|CNY",
        f"D|1|pay|X{new_id().hex}||100|D|0004|{day}T01:02:03Z",
        "T|1|100|0",
        "",
    )
    return str(day), {"bank": "SANDBOX", "day": str(day), "content": "\n".join(lines)}


def _break(bureau: Bureau, body: dict[str, Any], *, proposed: bool) -> Good:
    _shop(bureau)
    day, asked = _day_file()
    bureau.finance.call("POST", "/v1/reconciliations", asked)
    found = bureau.finance.call("GET", "/v1/breaks", query=f"day={day}&status=open").json()[0]["id"]
    if not proposed:
        return Good(bureau.finance, body, {"wanted": found})
    proposal = {"how": "corrected", "note": "银行已更正"}
    bureau.finance.call("POST", f"/v1/breaks/{found}/proposal", proposal)
    return Good(bureau.security.register_operator("复核", "finance"), body, {"wanted": found})


def _day_loaded(bureau: Bureau) -> Good:
    _shop(bureau)
    asked = _day_file()[1]
    file = bureau.finance.call("POST", "/v1/reconciliations", asked).json()["id"]
    return Good(bureau.finance, path={"file": file})


def _new_shop(bureau: Bureau) -> Good:
    shop = Shop(bureau)
    body = {
        "name": "东门售票处",
        "bank": "SANDBOX",
        "bank_account": "6299990000000000020",
        "terminals": [str(shop.till.actor)],
    }
    return Good(bureau.finance, body, {"merchant": str(shop.agency)})


@cache
def _transit(bureau: Bureau) -> TransitOperator:
    return TransitOperator(bureau)


def _taps(bureau: Bureau) -> Good:
    code = payer(bureau).code("ride")
    tap = {"code": code, "at": int(time.time()), "line": "101", "direction": "single"}
    return Good(_transit(bureau).terminal(), {"taps": [tap]})


def _card_tap(bureau: Bureau) -> Good:
    gate = _transit(bureau).terminal()
    visit = gate.visit("A2-26", payer(bureau).code("ride"))["visit"]
    return Good(gate, {"visit": visit, "line": "101"})


@cache
def _counter(bureau: Bureau) -> Readers:
    return Readers(bureau)


def _paid_under(bureau: Bureau) -> Good:
    visit = _counter(bureau).visit("A1-36", carded(bureau)[1])
    return Good(_counter(bureau).terminal, path={"visit": visit})


def _fares(bureau: Bureau) -> Good:
    start = int(time.time()) + 3600 + next(_later)
    return Good(bureau.finance, {"operator": str(_transit(bureau).agency), "valid_from": start, "table": TABLE})


def _fare_class(bureau: Bureau) -> Good:
    counter = bureau.terminal("counter")
    visit = counter.visit("A2-41", bureau.phone().code())["visit"]
    return Good(counter, {"visit": visit, "fare": "half", "until": int(time.time()) + 86400})


def _owed(bureau: Bureau) -> Good:
    """A rider whose account is at a bank that is not connected owes for the first ride."""
    phone = bureau.phone(bureau.register(bank_account="6111110000000000004"), level=2)
    bus = _transit(bureau).bus()
    bus.tap(phone.code("ride"))
    bus.upload()
    return Good(phone, path={"ride": settled(phone, 1, "owed", seconds=20)[0]["id"]})


def _order_code(bureau: Bureau) -> Good:
    body = {"item": SCENIC, "subject": "门票", "amount": 1, "out_trade_no": new_number()}
    return Good(_shop(bureau).till, body)


def _order_code_ended(bureau: Bureau) -> Good:
    till = _shop(bureau).till
    return Good(till, path={"code": till.call("POST", "/v1/order-codes", _order_code(bureau).body).json()["id"]})


def _order_code_scanned(bureau: Bureau) -> Good:
    code = _shop(bureau).till.call("POST", "/v1/order-codes", _order_code(bureau).body).json()
    return Good(bureau.phone(), {"text": code["text"]})


@cache
def _agency(bureau: Bureau) -> BillingAgency:
    running = contextlib.ExitStack()
    atexit.register(running.close)
    return BillingAgency(bureau, running.enter_context(agency_process()))


def _biller(bureau: Bureau) -> Good:
    shop = Shop(bureau)
    body = {"merchant": str(shop.agency), "url": _agency(bureau).url, "items": [SCENIC]}
    return Good(bureau.finance, body)


def _inquiry(bureau: Bureau) -> Good:
    agency = _agency(bureau)
    return Good(bureau.phone(), {"biller": str(agency.id), "item": "A2-44", "account": agency.owed(100)})


def _bill(bureau: Bureau) -> Good:
    phone, agency = bureau.phone(), _agency(bureau)
    return Good(phone, path={"bill": agency.inquire(phone, agency.owed(100))[0]["id"]})


PAYMENTS: Mapping[str, Callable[[Bureau], Good]] = {
    "bill_pay": _bill,
    "biller_register": _biller,
    "bills_inquire": _inquiry,
    "attempt_decide": _suspended,
    "break_decide": lambda bureau: _break(bureau, {"agree": True}, proposed=True),
    "break_propose": lambda bureau: _break(bureau, {"how": "platform", "note": "差额很小"}, proposed=False),
    "charge_create": _charge,
    "fare_class_grant": _fare_class,
    "card_tap": _card_tap,
    "fare_table_add": _fares,
    "merchant_webhook_register": _merchant_endpoint,
    "merchant_register": _merchant,
    "merchant_state": lambda bureau: Good(bureau.finance, {"suspended": False}, {"agency": str(_shop(bureau).agency)}),
    "my_order": _waiting,
    "my_order_confirm": _confirmed,
    "my_order_decline": _declined,
    "my_receipt": _receipt,
    "my_terms": _terms,
    "order_close": _of_order,
    "order_code_end": _order_code_ended,
    "order_code_scan": _order_code_scanned,
    "order_code_show": _order_code,
    "order_create": _order,
    "order_find": lambda bureau: Good(_shop(bureau).till, path={"out_trade_no": _shop(bureau).open()["out_trade_no"]}),
    "order_get": _of_order,
    "refund_create": _refund,
    "refunds_list": _of_order,
    "ride_pay": _owed,
    "taps_upload": _taps,
    "visit_benefits": _paid_under,
    "reconciliation_get": _day_loaded,
    "reconciliation_run": lambda bureau: Good(bureau.finance, _day_file()[1]),
    "settlement_fee_set": lambda bureau: Good(bureau.finance, {"points": 60}, {"merchant": str(_shop(bureau).agency)}),
    "settlements_list": lambda bureau: Good(_shop(bureau).online),
    "shop_register": _new_shop,
    "shops_list": lambda bureau: Good(bureau.finance, path={"merchant": str(_shop(bureau).agency)}),
    "statement_get": lambda bureau: Good(_shop(bureau).online),
    "webhook_register": lambda bureau: Good(_merchant_server(bureau), _ADDRESS),
    "webhook_remove": _endpoint,
    "webhook_resend": _resent,
    "webhook_rotate": _endpoint,
    "webhook_trigger": lambda bureau: Good(_merchant_server(bureau)),
}
