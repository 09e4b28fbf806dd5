"""Requests that the operations of certificates, statistics and allowances fulfil."""

from collections.abc import Callable, Mapping
from functools import cache

from ecard.client import Phone
from tests.benefits import Office
from tests.bureau import Bureau, rows
from tests.openapi.request import Good
from tests.vouchers.credentials.trained import Academy


@cache
def _academy(bureau: Bureau) -> Academy:
    return Academy(bureau, vouchers=200)


@cache
def _phone(bureau: Bureau) -> Phone:
    return bureau.phone()


def _credential(bureau: Bureau) -> Good:
    one = _academy(bureau).train()
    return Good(one.phone, path={"credential": str(one.credential)})


def _credential_key(bureau: Bureau) -> Good:
    [key, *_] = bureau.http.get("/v1/credentials/keys").json()["keys"]
    return Good(path={"kid": key["kid"].rpartition("/")[2]})


def _training_record(bureau: Bureau) -> Good:
    evidence = {"kind": "code", "code": _phone(bureau).code()}
    return Good(bureau.terminal("kiosk"), {"item": "A1-76", "evidence": evidence})


def _of_programme(bureau: Bureau) -> Good:
    return Good(bureau.training, path={"programme": str(_academy(bureau).programme)})


def _terms(bureau: Bureau) -> Good:
    office, good = Office(bureau), _of_programme(bureau)
    worth = {"living": 5000, "travel": 1200, "most_days": 22}
    paid = {"benefit": office.programme["id"], "agency": str(office.agency), **worth}
    return good._replace(body=paid)


def _known_terms(bureau: Bureau) -> Good:
    good = _terms(bureau)
    bureau.training.call("PUT", f"/v1/voucher-programmes/{_academy(bureau).programme}/allowance", good.body)
    return good._replace(body=None)


def _month(bureau: Bureau) -> Good:
    good, one = _known_terms(bureau), _academy(bureau).train()
    assert bureau.settings is not None
    rows(bureau.settings, "UPDATE completion SET decided_at = '2026-01-15Z' WHERE voucher = $1", one.voucher)
    return good._replace(body={"month": "2026-01"})


CERTIFICATES: Mapping[str, Callable[[Bureau], Good]] = {
    "my_training": lambda bureau: Good(_phone(bureau)),
    "training_record": _training_record,
    "my_credentials": lambda bureau: Good(_phone(bureau)),
    "my_credential": _credential,
    "credential_status": lambda _: Good(path={"number": "0"}),
    "credential_bundle": lambda _: Good(),
    "credential_keys": lambda _: Good(),
    "credential_key": _credential_key,
    "voucher_statistics": _of_programme,
    "voucher_statistics_csv": _of_programme,
    "institution_statistics": lambda bureau: Good(bureau.terminal("online")),
    "institution_statistics_csv": lambda bureau: Good(bureau.terminal("online")),
    "allowance_set": _terms,
    "allowance_get": _known_terms,
    "allowance_hand_in": _month,
}
