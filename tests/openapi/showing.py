"""Requests that the operations of credentials with selective disclosure fulfil."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ecard.client import Phone
from ecard.client.claims import ask, bound, issue
from tests.bureau import Bureau
from tests.openapi.request import Good


@cache
def _phone(bureau: Bureau) -> Phone:
    return bureau.phone()


@cache
def _credential(bureau: Bureau) -> dict[str, Any]:
    return issue(_phone(bureau), _phone(bureau).do("A2-13"))


def _asked(bureau: Bureau) -> dict[str, Any]:
    return ask(bureau.terminal(), "driving_licence", ["vehicle_classes"], "租车")


def _taken(bureau: Bureau) -> dict[str, Any]:
    made = _asked(bureau)
    _phone(bureau).call("GET", f"/v1/me/claim-requests/{made['id']}")
    return made


def _number(made: dict[str, Any]) -> dict[str, str]:
    return {"number": made["id"]}


def _given_up(bureau: Bureau) -> Good:
    return Good(_phone(bureau), path=_number(issue(_phone(bureau), _phone(bureau).do("A2-13"))))


def _revoked(bureau: Bureau) -> Good:
    made = issue(_phone(bureau), _phone(bureau).do("A2-13"))
    return Good(bureau.registrar, {"reason": "驾驶证被吊销"}, _number(made))


def _shown(bureau: Bureau) -> Good:
    asked, credential = _taken(bureau), _credential(bureau)["credential"]
    to = {"audience": asked["audience"], "nonce": asked["nonce"]}
    text = bound(_phone(bureau), credential, ["vehicle_classes"], **to)
    return Good(_phone(bureau), {"presentation": text}, _number(asked))


def _ask(bureau: Bureau) -> Good:
    body = {"type": "driving_licence", "claims": ["vehicle_classes"], "purpose": "租车"}
    return Good(bureau.terminal(), body)


SHOWING: Mapping[str, Callable[[Bureau], Good]] = {
    "claim_types": lambda _: Good(),
    "claim_issue": lambda bureau: Good(
        _phone(bureau), {"visit": _phone(bureau).do("A2-13"), "type": "driving_licence"}
    ),
    "my_claims": lambda bureau: Good(_phone(bureau)),
    "my_claim_revoke": _given_up,
    "claim_revoke": _revoked,
    "claim_ask": _ask,
    "claim_answer": lambda bureau: Good(bureau.terminal(), path=_number(_asked(bureau))),
    "claim_wanted": lambda bureau: Good(_phone(bureau), path=_number(_taken(bureau))),
    "claim_show": _shown,
    "claim_status": lambda _: Good(path={"number": "0"}),
    "claim_issuer": lambda _: Good(),
}
