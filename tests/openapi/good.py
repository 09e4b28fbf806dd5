"""For every operation a request that it fulfils, made by a caller that it admits."""

import itertools
from collections.abc import Callable, Mapping
from functools import cache
from urllib.parse import urlencode

from ecard.access.model import new_share
from ecard.cards.sandbox import FACE_PASSED
from ecard.client import Channel, Phone, Terminal
from ecard.client.actors import device_proof, new_signer
from ecard.encoding import b64url
from ecard.keys import to_jwk
from tests.auth.party import fapi, new_pkce
from tests.bureau import PASSWORD, Bureau, new_person, new_uscc
from tests.cardio.counter import Bridge, paired
from tests.openapi import good_benefits, good_medical
from tests.openapi.certificates import CERTIFICATES
from tests.openapi.employment import EMPLOYMENT
from tests.openapi.gates import GATES
from tests.openapi.good_cases import CASES
from tests.openapi.looking_up import LOOKING_UP
from tests.openapi.payments import PAYMENTS
from tests.openapi.request import Good
from tests.openapi.showing import SHOWING
from tests.openapi.time_bank import TIME_BANK
from tests.openapi.training import TRAINING
from tests.openapi.vouchers import VOUCHERS

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


def _card_session(bureau: Bureau) -> Good:
    terminal = _counter(bureau)
    opened = terminal.call("POST", "/v1/card-sessions", {"item": "A1-36"}).json()
    return Good(terminal, path={"session": opened["id"]})


GOOD: Mapping[str, Callable[[Bureau], Good]] = {
    **good_benefits.GOOD,
    **LOOKING_UP,
    **good_medical.GOOD,
    "actor_revoke": _revoked,
    "agency_register": lambda bureau: Good(bureau.registrar, {"name": "测试医保局", "uscc": new_uscc()}),
    "assertion_introspect": _introspected,
    "billers_list": lambda bureau: Good(_phone(bureau)),
    "bills_list": lambda bureau: Good(_phone(bureau)),
    "bridge_pair": _unpaired,
    "bridge_pairing": lambda bureau: Good(_counter(bureau)),
    "bridge_register": _bridge,
    "bridge_token": lambda bureau: Good(_counter(bureau), {"item": "A1-36"}),
    "bridge_unpair": lambda bureau: Good(paired(bureau)[0]),
    "bridges_list": lambda bureau: Good(bureau.registrar),
    "attempts_list": lambda bureau: Good(bureau.finance),
    "bundle_get": lambda _: Good(),
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
    "client_disable": lambda bureau: Good(bureau.registrar, path={"client": bureau.client().client_id}),
    "client_register": _client,
    "client_rotate": _client_rotated,
    "clients_list": lambda bureau: Good(bureau.registrar),
    "code_certificate_issue": lambda bureau: Good(_phone(bureau), {"hours": 2}),
    "codes_issue": lambda bureau: Good(_phone(bureau), {"scene": "identity", "count": 3}),
    "e_card_issue": _issuance,
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
    "merchant_webhooks_list": lambda bureau: Good(bureau.finance, path={"merchant": str(bureau.agency)}),
    "merchants_list": lambda bureau: Good(bureau.finance),
    "my_orders": lambda bureau: Good(_phone(bureau)),
    "my_orders_waiting": lambda bureau: Good(_phone(bureau)),
    "operator_register": lambda bureau: Good(bureau.security, {"name": "操作员", "role": "cards", "key": _key()}),
    "password_prove": lambda bureau: Good(bureau.phone(), {"password": PASSWORD}),
    "password_set": lambda bureau: Good(bureau.phone(), {"password": "826403", "face": FACE_PASSED}),
    "payment_open": _proven,
    "ready_get": lambda _: Good(),
    "relative_add": _relative,
    "relative_remove": _relative_removed,
    "relatives_list": lambda bureau: Good(_phone(bureau)),
    "rides_denied": lambda bureau: Good(bureau.terminal("gate")),
    "rides_list": lambda bureau: Good(_phone(bureau)),
    "rides_subsidies": lambda bureau: Good(bureau.terminal("gate")),
    "session_open": _session,
    "staff_end": _staff_ended,
    "staff_list": lambda bureau: Good(bureau.registrar),
    "staff_register": _staff,
    "taps_contested": lambda bureau: Good(bureau.terminal("gate")),
    "terminal_register": _terminal,
    "use_dispute": _disputed,
    "uses_list": lambda bureau: Good(_phone(bureau)),
    "reconciliations_list": lambda bureau: Good(bureau.finance),
    "settlement_run": lambda bureau: Good(bureau.finance, {"day": "2001-01-01"}),
    "visit_create": _visit,
    "visit_online": lambda bureau: Good(_phone(bureau), {"item": "A1-03"}),
    "webhook_events": lambda bureau: Good(bureau.terminal("online")),
    "webhooks_list": lambda bureau: Good(bureau.terminal("online")),
    **PAYMENTS,
    **VOUCHERS,
    **TRAINING,
    **CERTIFICATES,
    **GATES,
    **TIME_BANK,
    **SHOWING,
    **EMPLOYMENT,
    **CASES,
}
