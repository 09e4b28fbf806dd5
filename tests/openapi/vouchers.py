"""Requests that the operations of vouchers fulfil: programmes, batches, a voucher's life."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from tests.bureau import Bureau
from tests.openapi.request import Good
from tests.shop import Shop, new_number
from tests.training import FACE, SOURCE, Programme, asked, audited, stranger


@cache
def _shop(bureau: Bureau) -> Shop:
    return Shop(bureau)


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


VOUCHERS: Mapping[str, Callable[[Bureau], Good]] = {
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
    "voucher_offers_list": lambda bureau: Good(bureau.phone()),
    "voucher_programme_create": lambda bureau: Good(bureau.training, asked()),
    "voucher_programme_end": lambda bureau: Good(bureau.training, path={"programme": Programme(bureau, money=0).id}),
    "voucher_programme_get": _of_programme,
    "voucher_programmes_list": lambda bureau: Good(bureau.training),
    "voucher_redeem": _redeemable,
    "voucher_reverse": _reversible,
    "voucher_unfreeze": lambda bureau: _voucher(bureau, frozen=True),
    "vouchers_mine": lambda bureau: Good(bureau.phone()),
}
