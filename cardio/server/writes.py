"""What an item puts on a card that has proven itself: the certificate of A1-04, a settlement of A2-52."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from cardio import writing
from cardio.errors import ValueUnfit
from cardio.files.tables import CERTIFICATE, SETTLEMENTS
from cardio.keys.model import UPDATE_DF02, UPDATE_DF04
from cardio.reading import Recognised
from cardio.script import Script
from cardio.server.errors import CardWriteRefused
from cardio.server.model import CERTIFICATE_ITEM, SETTLEMENT_ITEM, Policy
from cardio.writing import Mended, Written
from ecard.catalogue.model import Item
from ecard.runtime import Runtime

_PLACE = "card_session.to_write"
_fields = msgspec.json.Decoder(dict[str, str])
USAGE: Mapping[Policy, int] = {Policy.WRITE_A1_04: UPDATE_DF02, Policy.SETTLE_A2_52: UPDATE_DF04}
"""The key that opens the file for writing, by policy."""


class Outcome(NamedTuple):
    """What a write has done, in the words of the session's view."""

    written: str | None = None
    mended: str | None = None


def check_write(item: Item, values: Mapping[str, str]) -> None:
    """Check that `item` writes these fields and that each fits, before a card is asked for; raises CardWriteRefused."""
    try:
        if item.code == SETTLEMENT_ITEM:
            SETTLEMENTS.encode(values)
            return
        if item.code != CERTIFICATE_ITEM or not values or not values.keys() <= {one.name for one in CERTIFICATE}:
            raise CardWriteRefused(pointer="/write")
        for name, value in values.items():
            CERTIFICATE[name].encode(value)
    except ValueUnfit:
        raise CardWriteRefused(pointer="/write") from None


def seal_write(runtime: Runtime, values: Mapping[str, str] | None) -> bytes | None:
    """Return what is to be written, sealed until the session ends; None for nothing."""
    return runtime.vault.seal(_PLACE, msgspec.json.encode(values)) if values else None


def write_mac(runtime: Runtime, values: Mapping[str, str]) -> bytes:
    """Return what is kept of what is to be written, 32 bytes: enough to know it again, and not to find it out."""
    return runtime.vault.mac("card_session.write", msgspec.json.encode(dict(values), order="sorted"))


def open_write(runtime: Runtime, sealed: bytes) -> dict[str, str]:
    """Return what is to be written."""
    return _fields.decode(runtime.vault.open(_PLACE, sealed))


def script(policy: Policy, seen: Recognised, values: Mapping[str, str], opening: bytes) -> Script[Written]:
    """Return the script that writes, reads back, and finishes or undoes what was torn before."""
    write = writing.write_certificate if policy is Policy.WRITE_A1_04 else writing.write_settlement
    return write(seen, values, opening)


def outcome(done: Written) -> Outcome:
    """Return what was done in the words of the view."""
    mended = None if done.mended is Mended.NOTHING else done.mended.value
    return Outcome("written" if done.changed else "unchanged", mended)
