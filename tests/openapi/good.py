"""For every operation a request that it fulfils, made by a caller that it admits."""

import atexit
import contextlib
import datetime
import itertools
import secrets
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from ecard.access.model import new_share
from ecard.cards.sandbox import FACE_PASSED
from ecard.client import Channel, Phone, Terminal
from ecard.client.actors import device_proof, new_signer
from ecard.encoding import b64url
from ecard.ids import new_id
from ecard.keys import to_jwk
from tests.agency import BillingAgency, agency_process
from tests.auth.party import fapi, new_pkce
from tests.bank import suspended
from tests.bureau import PASSWORD, Bureau, new_person, new_uscc
from tests.cardio.counter import Bridge, paired
from tests.openapi import good_benefits
from tests.openapi.certificates import CERTIFICATES
from tests.openapi.request import Good
from tests.openapi.training import TRAINING
from tests.operator import TABLE, TransitOperator, settled
from tests.shop import SCENIC, Shop, new_number, payer, receipt_of
from tests.training import FACE, SOURCE, Programme, asked, audited, stranger

_later = itertools.count()
_ADDRESS = {"url": "http://127.0.0.1:9/"}


def _key() -> dict[str, str]:
    signer = new_signer()
    return to_jwk(signer.suite, signer.public)


def _session(bureau: Bureau) -> Good:
    terminal = bureau.registrar.register_terminal(bureau.agency, "kiosk")
    return Good(terminal, {"actor": str(terminal.actor), "share": b64url(new_share()[1])})


def _terminal(bureau: Bureau) -> Good:
    place = {"agency": str(bureau.agency), "name": "2号窗口", "setting": "kiosk", "region": "640100", "site": "大厅"}
    return Good(bureau.registrar, {**place, "key": _key()})


def _channel(bureau: Bureau) -> Good:
    body = {"name": "测试银行", "kind": "bank", "medium": "app", "key": _key(), "parent": str(bureau.channel.actor)}
    return Good(bureau.registrar, body)


def _revoked(bureau: Bureau) -> Good:
    thrown_away = bureau.registrar.register_terminal(bureau.agency, "gate")
    return Good(bureau.security, path={"actor": str(thrown_away.actor)})


def _issuance(bureau: Bureau) -> Good:
    channel: Channel = bureau.channel
    proof = device_proof(new_signer(), bureau.issuer, channel.now())
    return Good(channel, {**bureau.register().applicant, "device_proof": proof})


def _proven(bureau: Bureau) -> Good:
    phone = bureau.phone()
    return Good(phone, {"busi_seq": phone.prove(PASSWORD)})


def _client(bureau: Bureau) -> Good:
    body = {
        "name": "网上办事大厅",
        "agency": str(bureau.agency),
        "profile": "fapi2",
        "auth_method": "private_key_jwt",
        "redirect_uris": ["https://portal.example/callback"],
        "jwks": {"keys": [_key()]},
        "items": ["A1-01"],
        "grant_types": ["authorization_code", "refresh_token"],
    }
    return Good(bureau.registrar, body)


def _client_rotated(bureau: Bureau) -> Good:
    return Good(bureau.registrar, {"jwks": {"keys": [_key()]}}, {"client": bureau.client().client_id})


def _staff(bureau: Bureau) -> Good:
    id_no = bureau.register().facts["id_no"]
    return Good(bureau.registrar, {"id_no": id_no, "agency": str(bureau.agency), "role": "clerk"})


def _staff_ended(bureau: Bureau) -> Good:
    registrar, body, _ = _staff(bureau)
    assert registrar is not None
    return Good(registrar, path={"staff": registrar.call("POST", "/v1/staff", body).json()["id"]})


def _relative(bureau: Bureau) -> Good:
    phone, relative = bureau.phone(), bureau.register().applicant
    named = {key: relative[key] for key in ("name", "id_no", "card_no", "face")}
    return Good(phone, {**named, "relation": "elder", "busi_seq": phone.prove(PASSWORD)})


def _relative_removed(bureau: Bureau) -> Good:
    phone, body, _ = _relative(bureau)
    assert phone is not None
    return Good(phone, path={"relative": phone.call("POST", "/v1/me/relatives", body).json()["id"]})


def _card_status(bureau: Bureau) -> Good:
    return Good(bureau.cards, {"card_no": bureau.register().facts["card_no"], "status": "locked"})


def _visit(bureau: Bureau) -> Good:
    code = _phone(bureau).code()
    return Good(bureau.terminal(), {"item": "A1-01", "evidence": {"kind": "code", "code": code}})


def _disputed(bureau: Bureau) -> Good:
    phone = _phone(bureau)
    return Good(phone, path={"visit": bureau.terminal().visit("A1-01", phone.code())["visit"]})


def _introspected(bureau: Bureau) -> Good:
    terminal = bureau.terminal()
    return Good(terminal, {"token": terminal.visit("A1-01", _phone(bureau).code())["assertion"]})


@cache
def _phone(bureau: Bureau) -> Phone:
    """Return the one phone of `bureau` that no request here does harm to."""
    return bureau.phone()


def _scanned(bureau: Bureau) -> Good:
    tab, page = fapi(bureau).begin(new_pkce())
    return Good(_phone(bureau), {"qr": tab.status(page)["qr"]})


def _opened(bureau: Bureau) -> Good:
    party = fapi(bureau)
    query = urlencode({"client_id": party.client.client_id, "request_uri": party.push(new_pkce())})
    return Good(_phone(bureau), {"query": query})


def _decided(bureau: Bureau, *, confirmed: bool) -> Good:
    tab, page = fapi(bureau).begin(new_pkce())
    phone = bureau.phone()
    login = str(phone.call("POST", "/v1/logins/scan", {"qr": tab.status(page)["qr"]}).json()["id"])
    return Good(phone, {"number": tab.status(page)["number"]} if confirmed else None, {"login": login})


def _allowed(bureau: Bureau) -> Good:
    phone = bureau.phone()
    fapi(bureau).login(phone)
    [consent] = phone.call("GET", "/v1/me/grants").json()
    return Good(phone, path={"consent": consent["id"]})


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


def _bridge(bureau: Bureau) -> Good:
    body = {"agency": str(bureau.agency), "name": "1号窗口读卡器", "site": "政务大厅", "key": _key()}
    return Good(bureau.registrar, body)


def _unpaired(bureau: Bureau) -> Good:
    terminal = bureau.registrar.register_terminal(bureau.agency, "counter")
    line = Bridge(bureau.registrar, bureau.agency, bureau.issuer).dial(bureau.base_url)
    return Good(terminal, {"code": line.next("welcome")["pairing"]})


@cache
def _counter(bureau: Bureau) -> Terminal:
    """Return a terminal with a bridge beside it, which stays connected."""
    return paired(bureau)[0]


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
    return Good(_phone(bureau), {"text": code["text"]})


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


def _card_session(bureau: Bureau) -> Good:
    terminal = _counter(bureau)
    opened = terminal.call("POST", "/v1/card-sessions", {"item": "A1-36"}).json()
    return Good(terminal, path={"session": opened["id"]})


@cache
def _programme(bureau: Bureau) -> Programme:
    return Programme(bureau, money=100_000 * FACE)


def _of_programme(bureau: Bureau, body: dict[str, Any] | None = None) -> Good:
    return Good(bureau.training, body, {"programme": _programme(bureau).id})


def _batch_body() -> dict[str, Any]:
    return {"number": new_number(), "source": SOURCE, "face": FACE, "quantity": 1}


def _of_batch(bureau: Bureau) -> Good:
    return Good(bureau.training, path={"batch": _programme(bureau).batch()["id"]})


def _people(bureau: Bureau) -> Good:
    draft = _programme(bureau).pushed(stranger())
    return Good(bureau.training, {"content": stranger()}, {"batch": draft["id"]})


def _draft(bureau: Bureau) -> Good:
    facts = bureau.register().facts
    draft = _programme(bureau).pushed(f"{facts['name']},{facts['id_no']}")
    return Good(bureau.training, path={"batch": draft["id"]})


def _claim(bureau: Bureau) -> Good:
    _programme(bureau).batch(2)
    return Good(bureau.phone(), {"programme": _programme(bureau).id})


def _my_voucher(bureau: Bureau) -> Good:
    _programme(bureau).batch()
    phone = bureau.phone()
    return Good(phone, path={"voucher": _programme(bureau).claim(phone)["id"]})


def _voucher(bureau: Bureau, *, frozen: bool = False) -> Good:
    programme = _programme(bureau)
    programme.batch()
    voucher = programme.claim(bureau.phone())
    if frozen:
        programme.move(voucher, "freeze")
    return Good(bureau.training, {"reason": "复核"}, {"voucher": voucher["id"]})


def _lookup(bureau: Bureau) -> Good:
    _programme(bureau).batch()
    return Good(bureau.training, {"serial": _programme(bureau).claim(bureau.phone())["serial"]})


def _redeemable(bureau: Bureau) -> Good:
    programme, shop = _programme(bureau), _shop(bureau)
    voucher = audited(programme, shop)
    return Good(shop.online, {"voucher": voucher["id"]})


def _reversible(bureau: Bureau) -> Good:
    good = _redeemable(bureau)
    _shop(bureau).online.call("POST", "/v1/voucher-redemptions", good.body)
    return Good(bureau.training, {"reason": "重复申报"}, good.body)


GOOD: Mapping[str, Callable[[Bureau], Good]] = {
    **good_benefits.GOOD,
    "actor_revoke": _revoked,
    "agency_register": lambda bureau: Good(bureau.registrar, {"name": "测试医保局", "uscc": new_uscc()}),
    "assertion_introspect": _introspected,
    "bill_pay": _bill,
    "biller_register": _biller,
    "billers_list": lambda bureau: Good(_phone(bureau)),
    "bills_inquire": _inquiry,
    "bills_list": lambda bureau: Good(_phone(bureau)),
    "bridge_pair": _unpaired,
    "bridge_pairing": lambda bureau: Good(_counter(bureau)),
    "bridge_register": _bridge,
    "bridge_token": lambda bureau: Good(_counter(bureau), {"item": "A1-36"}),
    "bridge_unpair": lambda bureau: Good(paired(bureau)[0]),
    "bridges_list": lambda bureau: Good(bureau.registrar),
    "attempt_decide": _suspended,
    "attempts_list": lambda bureau: Good(bureau.finance),
    "bundle_get": lambda _: Good(),
    "break_decide": lambda bureau: _break(bureau, {"agree": True}, proposed=True),
    "break_propose": lambda bureau: _break(bureau, {"how": "platform", "note": "差额很小"}, proposed=False),
    "breaks_list": lambda bureau: Good(bureau.finance),
    "card_face": lambda bureau: Good(_phone(bureau)),
    "card_report": lambda bureau: Good(bureau.phone(), {"status": "lost_temporary"}),
    "card_session_get": _card_session,
    "card_session_open": lambda bureau: Good(_counter(bureau), {"item": "A1-36"}),
    "card_status_set": _card_status,
    "catalogue_item": lambda _: Good(path={"code": "A1-01"}),
    "catalogue_list": lambda _: Good(),
    "channel_leave": _proven,
    "channel_register": _channel,
    "charge_create": _charge,
    "client_disable": lambda bureau: Good(bureau.registrar, path={"client": bureau.client().client_id}),
    "client_register": _client,
    "client_rotate": _client_rotated,
    "clients_list": lambda bureau: Good(bureau.registrar),
    "code_certificate_issue": lambda bureau: Good(_phone(bureau), {"hours": 2}),
    "codes_issue": lambda bureau: Good(_phone(bureau), {"scene": "identity", "count": 3}),
    "e_card_issue": _issuance,
    "fare_class_grant": _fare_class,
    "fare_table_add": _fares,
    "grant_withdraw": _allowed,
    "grants_list": lambda bureau: Good(_phone(bureau)),
    "health_get": lambda _: Good(),
    "holder_register": lambda bureau: Good(bureau.cards, new_person().facts),
    "jwks_get": lambda _: Good(),
    "login_confirm": lambda bureau: _decided(bureau, confirmed=True),
    "login_decline": lambda bureau: _decided(bureau, confirmed=False),
    "login_open": _opened,
    "login_scan": _scanned,
    "logins_waiting": lambda bureau: Good(_phone(bureau)),
    "merchant_webhook_register": _merchant_endpoint,
    "merchant_webhooks_list": lambda bureau: Good(bureau.finance, path={"merchant": str(bureau.agency)}),
    "merchant_register": _merchant,
    "merchant_state": lambda bureau: Good(bureau.finance, {"suspended": False}, {"agency": str(_shop(bureau).agency)}),
    "merchants_list": lambda bureau: Good(bureau.finance),
    "my_order": _waiting,
    "my_order_confirm": _confirmed,
    "my_order_decline": _declined,
    "my_orders": lambda bureau: Good(_phone(bureau)),
    "my_orders_waiting": lambda bureau: Good(_phone(bureau)),
    "my_receipt": _receipt,
    "my_terms": _terms,
    "operator_register": lambda bureau: Good(bureau.security, {"name": "操作员", "role": "cards", "key": _key()}),
    "order_close": _of_order,
    "order_code_end": _order_code_ended,
    "order_code_scan": _order_code_scanned,
    "order_code_show": _order_code,
    "order_create": _order,
    "order_find": lambda bureau: Good(_shop(bureau).till, path={"out_trade_no": _shop(bureau).open()["out_trade_no"]}),
    "order_get": _of_order,
    "password_prove": lambda bureau: Good(bureau.phone(), {"password": PASSWORD}),
    "password_set": lambda bureau: Good(bureau.phone(), {"password": "826403", "face": FACE_PASSED}),
    "payment_open": _proven,
    "ready_get": lambda _: Good(),
    "refund_create": _refund,
    "refunds_list": _of_order,
    "relative_add": _relative,
    "relative_remove": _relative_removed,
    "relatives_list": lambda bureau: Good(_phone(bureau)),
    "ride_pay": _owed,
    "rides_denied": lambda bureau: Good(bureau.terminal("gate")),
    "rides_list": lambda bureau: Good(_phone(bureau)),
    "rides_subsidies": lambda bureau: Good(bureau.terminal("gate")),
    "session_open": _session,
    "staff_end": _staff_ended,
    "staff_list": lambda bureau: Good(bureau.registrar),
    "staff_register": _staff,
    "taps_contested": lambda bureau: Good(bureau.terminal("gate")),
    "taps_upload": _taps,
    "terminal_register": _terminal,
    "use_dispute": _disputed,
    "uses_list": lambda bureau: Good(_phone(bureau)),
    "reconciliation_get": _day_loaded,
    "reconciliation_run": lambda bureau: Good(bureau.finance, _day_file()[1]),
    "reconciliations_list": lambda bureau: Good(bureau.finance),
    "settlement_fee_set": lambda bureau: Good(bureau.finance, {"points": 60}, {"merchant": str(_shop(bureau).agency)}),
    "settlement_run": lambda bureau: Good(bureau.finance, {"day": "2001-01-01"}),
    "settlements_list": lambda bureau: Good(_shop(bureau).online),
    "shop_register": _new_shop,
    "shops_list": lambda bureau: Good(bureau.finance, path={"merchant": str(_shop(bureau).agency)}),
    "statement_get": lambda bureau: Good(_shop(bureau).online),
    "visit_create": _visit,
    "voucher_batch_bad_rows": _of_batch,
    "voucher_batch_cancel": _of_batch,
    "voucher_batch_create": lambda bureau: _of_programme(bureau, _batch_body()),
    "voucher_batch_get": _of_batch,
    "voucher_batch_issue": _draft,
    "voucher_batch_people": _people,
    "voucher_batch_plan": lambda bureau: _of_programme(bureau, _batch_body()),
    "voucher_batch_vouchers": _of_batch,
    "voucher_batches_list": _of_programme,
    "voucher_budget_post": lambda bureau: _of_programme(bureau, {"source": SOURCE, "amount": FACE}),
    "voucher_cancel": _voucher,
    "voucher_claim": _claim,
    "voucher_freeze": _voucher,
    "voucher_get": lambda bureau: _voucher(bureau)._replace(body=None),
    "voucher_lookup": _lookup,
    "voucher_mine": _my_voucher,
    "voucher_offers_list": lambda bureau: Good(_phone(bureau)),
    "voucher_programme_create": lambda bureau: Good(bureau.training, asked()),
    "voucher_programme_end": lambda bureau: Good(bureau.training, path={"programme": Programme(bureau, money=0).id}),
    "voucher_programme_get": _of_programme,
    "voucher_programmes_list": lambda bureau: Good(bureau.training),
    "voucher_redeem": _redeemable,
    "voucher_reverse": _reversible,
    "voucher_unfreeze": lambda bureau: _voucher(bureau, frozen=True),
    "vouchers_mine": lambda bureau: Good(_phone(bureau)),
    "webhook_events": lambda bureau: Good(bureau.terminal("online")),
    "webhook_register": lambda bureau: Good(_merchant_server(bureau), _ADDRESS),
    "webhook_remove": _endpoint,
    "webhook_resend": _resent,
    "webhook_rotate": _endpoint,
    "webhook_trigger": lambda bureau: Good(_merchant_server(bureau)),
    "webhooks_list": lambda bureau: Good(bureau.terminal("online")),
    **TRAINING,
    **CERTIFICATES,
}
