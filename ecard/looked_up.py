"""Applications on this platform as a source of look-ups: the two packages know nothing of each other."""

from collections.abc import Mapping, Sequence

from ecard.cases import store
from ecard.cases.model import CaseState
from ecard.catalogue.model import Catalogue
from ecard.db import Pool
from ecard.records.model import Person, Row
from ecard.workdays import BEIJING

_MOST = 200
_STATES = {
    CaseState.SUBMITTED: "已提交",
    CaseState.ACCEPTED: "已受理",
    CaseState.REVIEWED: "审核中",
    CaseState.RETURNED: "待补正",
    CaseState.DONE: "已办结",
    CaseState.REJECTED: "不予通过",
    CaseState.WITHDRAWN: "已撤回",
}


class CaseRecords:
    """What a person has applied for, and how it stands."""

    def __init__(self, pool: Pool, catalogue: Catalogue) -> None:
        self._pool, self._catalogue = pool, catalogue

    async def ask(self, person: Person, sections: Sequence[str]) -> Mapping[str, Sequence[Row]]:
        """Return the person's applications, youngest first."""
        found = await store.of_holder(self._pool, person.holder, _MOST)
        rows = [
            {
                "number": str(one["id"]),
                "item": self._catalogue.get(one["item"]).title,
                "opened": one["opened_at"].astimezone(BEIJING).date().isoformat(),
                "state": _STATES[CaseState(one["state"])],
            }
            for one in found
        ]
        return dict.fromkeys(sections, rows)
