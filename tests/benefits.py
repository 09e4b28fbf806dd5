"""A programme with its agency's server, its operators and its payees, made over the API as they would."""

import itertools
import secrets
import time
from collections.abc import Sequence
from typing import Any

import pytest

from ecard.client import Operator, Terminal
from tests.bureau import Bureau, Person, new_uscc

ALLOWANCE = "A1-77"
"""职业技能提升培训生活费（含交通费）补贴领取."""
REWARD = "A1-26"
"""基金监督举报奖励领取: an item that discloses no name."""
CLOSED = "6200009999999999998"
"""An account that the simulated bank holds for closed."""
SOON = 60.0
"""Seconds in which a few lines are paid, on a busy machine."""
_numbers = itertools.count(secrets.randbelow(10**6) * 1000)


class Office:
    """A programme, the agency that hands in for it, and two operators of finance."""

    def __init__(self, bureau: Bureau, *, budget: int = 1_000_000_00, **changed: Any) -> None:
        self.bureau = bureau
        self.agency = bureau.registrar.register_agency("测试就业局", new_uscc())
        self.server: Terminal = bureau.registrar.register_terminal(self.agency, "online")
        self.finance: Operator = bureau.finance
        self.second: Operator = bureau.security.register_operator("复核", "finance")
        self.programme: dict[str, Any] = self.finance.call(
            "POST", "/v1/benefit-programmes", {**self.asked(), **changed}
        ).json()
        if budget:
            self.give(budget)

    def asked(self) -> dict[str, Any]:
        """Return the body that adds a programme."""
        return {
            "name": f"培训生活费补贴{next(_numbers)}",
            "item": ALLOWANCE,
            "agencies": [str(self.agency)],
            "components": ["living", "travel"],
            "line_limit": 5_000_00,
            "notice_days": 0,
        }

    def give(self, amount: int) -> None:
        """Give the programme money."""
        path = f"/v1/benefit-programmes/{self.programme['id']}/budget"
        self.finance.call("POST", path, {"source": "unemployment_fund", "amount": amount})

    def fund(self) -> int:
        """Return what the programme's fund has left, 分."""
        found = self.finance.call("GET", "/v1/benefit-programmes").json()
        return next(int(one["fund"]) for one in found if one["id"] == self.programme["id"])

    def open(
        self, period: str = "2026-01", number: str | None = None, server: Terminal | None = None
    ) -> dict[str, Any]:
        """Return a new batch."""
        body = {"programme": self.programme["id"], "period": period, "number": number or f"B{next(_numbers)}"}
        made: dict[str, Any] = (server or self.server).call("POST", "/v1/benefit-batches", body).json()
        return made

    def upload(self, batch: dict[str, Any], lines: Sequence[dict[str, Any]], part: int = 1) -> dict[str, Any]:
        """Return what came of a part."""
        path = f"/v1/benefit-batches/{batch['id']}/parts/{part}"
        made: dict[str, Any] = self.server.call("PUT", path, {"lines": list(lines)}).json()
        return made

    def submit(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return the batch that is handed in."""
        made: dict[str, Any] = self.server.call("POST", f"/v1/benefit-batches/{batch['id']}/submission").json()
        return made

    def handed_in(self, lines: Sequence[dict[str, Any]], period: str = "2026-01") -> dict[str, Any]:
        """Return a batch of these lines that is handed in."""
        batch = self.open(period)
        taken = self.upload(batch, lines)
        assert taken["refused"] == [], taken
        return self.submit(batch)

    def approve(self, batch: dict[str, Any], level: int, by: Operator | None = None) -> dict[str, Any]:
        """Return the batch as an approval leaves it."""
        operator = by or (self.finance if level == 1 else self.second)
        body = {"level": level, "manifest": batch["manifest"]}
        made: dict[str, Any] = operator.call("POST", f"/v1/benefit-reviews/{batch['id']}/approvals", body).json()
        return made

    def approved(self, lines: Sequence[dict[str, Any]], period: str = "2026-01") -> dict[str, Any]:
        """Return a batch of these lines that is approved at both levels."""
        batch = self.handed_in(lines, period)
        self.approve(batch, 1)
        self.approve(batch, 2)
        return batch

    def release(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Release a batch."""
        path = f"/v1/benefit-reviews/{batch['id']}/release"
        made: dict[str, Any] = self.finance.call("POST", path, {"manifest": batch["manifest"]}).json()
        return made

    def released(self, lines: Sequence[dict[str, Any]], period: str = "2026-01") -> dict[str, Any]:
        """Return a batch of these lines that is released."""
        batch = self.approved(lines, period)
        self.release(batch)
        return batch

    def batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return a batch as it stands."""
        found: dict[str, Any] = self.server.call("GET", f"/v1/benefit-batches/{batch['id']}").json()
        return found

    def lines(self, batch: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what became of a batch's lines."""
        found: list[dict[str, Any]] = self.server.call("GET", f"/v1/benefit-batches/{batch['id']}/lines").json()
        return found

    def until(self, batch: dict[str, Any], *states: str) -> list[dict[str, Any]]:
        """Return a batch's lines once the last try of each is in one of these states."""
        deadline = time.monotonic() + SOON
        while True:
            found = self.lines(batch)
            last = {line["n"]: line["state"] for line in found}
            if set(last.values()) <= set(states):
                return found
            if time.monotonic() > deadline:
                pytest.fail(f"still {last}")
            time.sleep(0.1)

    def act(
        self, line: dict[str, Any], what: str, body: dict[str, Any] | None = None, by: Operator | None = None
    ) -> Any:
        """Return what an operator's act on a line leads to."""
        return (by or self.finance).call("POST", f"/v1/benefit-lines/{line['id']}/{what}", body).json()


def line(person: Person, amount: int = 30000, component: str = "living", **more: Any) -> dict[str, Any]:
    """Return a line for a person."""
    named = {"id_no": person.facts["id_no"], "name": person.facts["name"]}
    return {**named, "component": component, "amount": amount, **more}
