"""What a rehearsal goes through, and what it found; pure.

Each item of annexes 1 and 2 in each of the two forms: driven to its end where the form is permitted, shown to be
refused where it is not. Each item of annex 3 once, at a bank's outlet, in both forms.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from ecard.catalogue.model import Catalogue, Form, Item


class Kind(StrEnum):
    """What a row shows: 可用, 拒绝 or 赋权银行办理."""

    PERMITTED = "permitted"
    REFUSED = "refused"
    DELEGATED = "delegated"


class Row(NamedTuple):
    """An item in a form, and what must come of it."""

    item: Item
    kind: Kind
    form: Form | None = None

    @property
    def domain(self) -> str:
        """Under which heading it stands: the domain of annex 1, else the annex."""
        if self.item.annex == 1:
            return self.item.domain or ""
        return "其他民生保障" if self.item.annex == 2 else "赋权银行办理"  # noqa: PLR2004 - the annex


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a row: `reached` says what was shown, `wrong` what was not."""

    item: str
    title: str
    domain: str
    flow: str
    kind: Kind
    form: Form | None
    seconds: float
    reached: str = ""
    wrong: str = ""


def rows(catalogue: Catalogue, only: Sequence[str] = (), form: Form | None = None) -> list[Row]:
    """Return the rows of the catalogue, in its order: 352 for the catalogue as it is.

    `only` names items, `form` keeps what is driven in that form.
    """
    found: list[Row] = []
    for item in catalogue.items:
        if only and item.code not in only:
            continue
        if item.delegated is not None:
            found.append(Row(item, Kind.DELEGATED))
            continue
        found += [Row(item, Kind.PERMITTED if item.permits(one) else Kind.REFUSED, one) for one in Form]
    return [row for row in found if form is None or _plays(row, form)]


def _plays(row: Row, form: Form) -> bool:
    return row.form is form and row.kind is Kind.PERMITTED if row.form else row.item.permits(form)


def tally(found: Iterable[Found]) -> dict[str, tuple[int, int]]:
    """Return (green, red) for each domain, in the order met."""
    counts: dict[str, tuple[int, int]] = {}
    for one in found:
        green, red = counts.get(one.domain, (0, 0))
        counts[one.domain] = (green, red + 1) if one.wrong else (green + 1, red)
    return counts
