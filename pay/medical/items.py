"""Which items are settled how, from `data/items.toml`; and the sandbox's rules."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from pay.medical.errors import CareNotOfItem, NotInsured
from pay.medical.model import Care, Insured, Scheme

_DATA = Path(__file__).parent / "data"


class Settled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an item is settled."""

    care: tuple[Care, ...]
    scheme: Literal["basic", "injury", "maternity"]
    one_stop: bool = False
    charged_as: str | None = None

    def scheme_of(self, insured: Insured) -> Scheme:
        """Return the scheme that pays for a person; raises NotInsured."""
        wanted = insured.basic() if self.scheme == "basic" else Scheme(self.scheme)
        if wanted is None or wanted not in insured.schemes:
            raise NotInsured
        return wanted


@cache
def items() -> Mapping[str, Settled]:
    """Return how each item is settled, by its code."""
    return msgspec.convert(tomllib.loads((_DATA / "items.toml").read_text("utf-8")), dict[str, Settled])


def settled(item: str, care: Care) -> Settled:
    """Return how an item is settled for a kind of care; raises CareNotOfItem."""
    found = items().get(item)
    if found is None or care not in found.care:
        raise CareNotOfItem(accepted=[one.value for one in found.care] if found else [])
    return found


def charged_as(item: str) -> str:
    """Return the item that an order for an item's cash is of."""
    found = items().get(item)
    return item if found is None or found.charged_as is None else found.charged_as


def sandbox_rules() -> list[dict[str, object]]:
    """Return the bodies that load the sandbox's regions and their rules (`POST /v1/medical/rules`)."""
    regions: list[dict[str, object]] = tomllib.loads((_DATA / "sandbox.toml").read_text("utf-8"))["region"]
    return regions
