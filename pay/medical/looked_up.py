"""Settlements on this platform as a source of look-ups (`ecard.records`): who paid which part of what."""

from collections.abc import Mapping, Sequence

from ecard.db import Pool
from ecard.records.model import Person, Row
from ecard.workdays import BEIJING
from pay.medical import store
from pay.medical.model import Care, LegKind, MedicalState
from pay.medical.store import Settlement

_MOST = 200
_STATES = {
    MedicalState.CONFIRMING: "结算中",
    MedicalState.CONFIRMED: "已结算",
    MedicalState.REVERSED: "已退费",
    MedicalState.RECORDED: "脱网结算",
    MedicalState.UPLOADED: "脱网结算已上传",
    MedicalState.DEBT: "待补缴",
}
"""The states that a holder is shown; a trial that came to nothing is none."""
_OWN = (LegKind.PERSONAL, LegKind.CASH)


class MedicalRecords:
    """What was settled for a person here: births apart from all other care."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def ask(self, person: Person, sections: Sequence[str]) -> Mapping[str, Sequence[Row]]:
        """Return the person's settlements, youngest first."""
        found = await store.mine(self._pool, person.holder, None, _MOST)
        shown = [one for one in found if one.state in _STATES]
        return {
            name: [_row(one) for one in shown if (one.care is Care.MATERNITY) is (name == "settlements.maternity")]
            for name in sections
        }


def _row(one: Settlement) -> Row:
    borne = dict(zip(LegKind, (had - gone for had, gone in zip(one.amounts, one.gone, strict=True)), strict=False))
    return {
        "number": str(one.id),
        "date": (one.confirmed_at or one.created_at).astimezone(BEIJING).date().isoformat(),
        "place": one.institution,
        "total": one.total - one.reversed,
        "pooled": sum(amount for kind, amount in borne.items() if kind not in _OWN),
        "account": borne.get(LegKind.PERSONAL, 0),
        "cash": borne.get(LegKind.CASH, 0),
        "state": _STATES[MedicalState(one.state)],
    }
