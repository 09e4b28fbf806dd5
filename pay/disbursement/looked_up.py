"""Benefits paid out by this platform, as a source of look-ups (`ecard.records`): what really came, and when."""

from collections.abc import Mapping, Sequence
from typing import Any

from ecard.catalogue.model import Catalogue
from ecard.db import Pool
from ecard.records.model import Person, Row
from ecard.workdays import BEIJING
from pay.disbursement import lines
from pay.disbursement.model import BenefitState

DOMAINS = {
    "benefits.pension": "养老保险待遇",
    "benefits.injury": "工伤保险待遇",
    "benefits.unemployment": "失业保险待遇",
}
"""The domain of the catalogue whose items' benefits a section lists."""
_MOST = 200
_STATES = {
    BenefitState.READY: "待发放",
    BenefitState.HELD: "暂缓发放",
    BenefitState.SENT: "发放中",
    BenefitState.UNKNOWN: "银行处理中",
    BenefitState.PAID: "已到账",
    BenefitState.RETURNED: "已退票",
    BenefitState.CANCELLED: "已取消",
}


class BenefitRecords:
    """What was paid under the person's own name; what is paid under a pseudonym is nobody's to see at a counter."""

    def __init__(self, pool: Pool, catalogue: Catalogue) -> None:
        self._pool, self._catalogue = pool, catalogue

    async def ask(self, person: Person, sections: Sequence[str]) -> Mapping[str, Sequence[Row]]:
        """Return the person's benefits of each section's domain, youngest first."""
        found = await lines.mine(self._pool, [person.holder], None, _MOST)
        return {
            name: [self._row(one) for one in found if self._catalogue.get(one["item"]).domain == DOMAINS[name]]
            for name in sections
        }

    def _row(self, one: Mapping[str, Any]) -> Row:
        state = BenefitState(one["state"])
        paid = one["done_at"] if state is BenefitState.PAID else None
        return {
            "number": str(one["id"]),
            "item": self._catalogue.get(one["item"]).title,
            "component": one["component"],
            "period": one["period"],
            "amount": one["amount"],
            "paid": None if paid is None else paid.astimezone(BEIJING).date().isoformat(),
            "state": _STATES[state],
        }
