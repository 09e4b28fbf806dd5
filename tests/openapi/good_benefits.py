"""For every operation of disbursement a request that it fulfils (`good.py` has the others)."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from tests.benefits import CLOSED, Office, line
from tests.bureau import Bureau
from tests.openapi.request import Good
from tests.shop import new_number

_CLAIM = {"amount": 100, "reason": "多发"}


@cache
def _office(bureau: Bureau) -> Office:
    return Office(bureau)


@cache
def _rewards(bureau: Bureau) -> Office:
    return Office(bureau, item="A1-26", budget=0)


def _due(bureau: Bureau, **changed: str) -> dict[str, Any]:
    return line(bureau.register(**changed))


def _programme(bureau: Bureau) -> dict[str, str]:
    return {"programme": _office(bureau).programme["id"]}


def _batch(bureau: Bureau) -> dict[str, str]:
    return {"batch": _office(bureau).open()["id"]}


def _part(bureau: Bureau) -> Good:
    return Good(_office(bureau).server, {"lines": [_due(bureau)]}, {**_batch(bureau), "part": "1"})


def _submitted(bureau: Bureau) -> Good:
    office = _office(bureau)
    batch = office.open()
    office.upload(batch, [_due(bureau)])
    return Good(office.server, path={"batch": batch["id"]})


def _handed_in(bureau: Bureau, **more: Any) -> Good:
    office = _office(bureau)
    batch = office.handed_in([_due(bureau)])
    return Good(office.finance, {"manifest": batch["manifest"], **more}, {"batch": batch["id"]})


def _cancelled(bureau: Bureau) -> Good:
    return _handed_in(bureau)._replace(body=None)


def _released(bureau: Bureau) -> Good:
    office = _office(bureau)
    batch = office.approved([_due(bureau)])
    return Good(office.finance, {"manifest": batch["manifest"]}, {"batch": batch["id"]})


def _closed(bureau: Bureau) -> Good:
    office = _office(bureau)
    batch = office.released([_due(bureau, address="sandbox-deceased")])
    office.until(batch, "held")
    return Good(office.finance, path={"batch": batch["id"]})


def _of_line(bureau: Bureau, state: str, body: dict[str, Any] | None = None, **changed: str) -> Good:
    office = _office(bureau)
    [made] = office.until(office.released([_due(bureau, **changed)]), state)
    return Good(office.finance, body, {"line": made["id"]})


def _recovery(bureau: Bureau) -> Good:
    office, (_, _, path) = _office(bureau), _of_line(bureau, "paid")
    assert path is not None
    for operator in (office.finance, office.second):
        office.act({"id": path["line"]}, "clawback", _CLAIM, by=operator)
    return Good(office.finance, {"amount": 100, "bank": "SANDBOX", "bank_ref": new_number()}, path)


def _mine(bureau: Bureau) -> Good:
    person = bureau.register()
    _office(bureau).approved([line(person)])
    phone = bureau.phone(person)
    return Good(phone, path={"benefit": phone.call("GET", "/v1/me/benefits").json()[0]["id"]})


GOOD: Mapping[str, Callable[[Bureau], Good]] = {
    "benefit_approve": lambda bureau: _handed_in(bureau, level=1),
    "benefit_batch": lambda bureau: Good(_office(bureau).server, path=_batch(bureau)),
    "benefit_batch_open": lambda bureau: Good(
        _office(bureau).server, {**_programme(bureau), "period": "2026-01", "number": new_number()}
    ),
    "benefit_batch_submit": _submitted,
    "benefit_batch_withdraw": lambda bureau: _cancelled(bureau)._replace(caller=_office(bureau).server),
    "benefit_batches_list": lambda bureau: Good(_office(bureau).server),
    "benefit_budget_add": lambda bureau: Good(bureau.finance, {"source": "city", "amount": 100}, _programme(bureau)),
    "benefit_cancel": _cancelled,
    "benefit_clawback": lambda bureau: _of_line(bureau, "paid", _CLAIM),
    "benefit_close": _closed,
    "benefit_line_cancel": lambda bureau: _of_line(bureau, "held", address="sandbox-deceased"),
    "benefit_line_redrive": lambda bureau: _of_line(bureau, "returned", bank_account=CLOSED),
    "benefit_lines_list": lambda bureau: Good(_office(bureau).server, path=_batch(bureau)),
    "benefit_notices": lambda _: Good(),
    "benefit_part_put": _part,
    "benefit_programme_add": lambda bureau: Good(bureau.finance, _office(bureau).asked()),
    "benefit_programme_end": lambda bureau: Good(
        bureau.finance, path={"programme": Office(bureau, budget=0).programme["id"]}
    ),
    "benefit_programmes_list": lambda bureau: Good(bureau.finance),
    "benefit_recover": _recovery,
    "benefit_refused_list": lambda bureau: Good(_office(bureau).server, path=_batch(bureau)),
    "benefit_reject": lambda bureau: _handed_in(bureau, reason="金额有误"),
    "benefit_release": _released,
    "benefit_review": lambda bureau: Good(bureau.finance, path=_batch(bureau)),
    "benefit_review_lines": lambda bureau: Good(bureau.finance, path=_batch(bureau)),
    "benefit_reviews_list": lambda bureau: Good(bureau.finance),
    "my_benefit": _mine,
    "my_benefit_payee": lambda bureau: Good(bureau.phone(), {"programme": _rewards(bureau).programme["id"]}),
    "my_benefit_proof": _mine,
    "my_benefits": lambda bureau: Good(bureau.phone()),
}
