"""What a card says, held against the registry: the person is who the registry has under the card's own number.

Nothing of a holder comes from the counter. The card's number is looked up; what else was read is only compared,
since whoever passes it on could have changed it. What the card proves is the key of its chip, by the number in its
ATR: only where the registry has that chip under that card's number, the number is proven as well. A refusal that
says something about a card is audited with it.
"""

import hmac
from typing import NamedTuple

from cardio.keys.model import serial_of
from cardio.reading import Holder, Recognised
from cardio.server.model import REFUSALS, Why
from cardio.server.sessions import SessionRow
from ecard.audit import store as audit
from ecard.cards.model import Profile, Status
from ecard.cards.profiles import card_id_index, chip_index, open_profile
from ecard.cards.service import today
from ecard.cards.store import CardRow, by_card_id
from ecard.catalogue.model import Item
from ecard.runtime import Runtime


class Refusal(Exception):
    """The card is refused; `why` is one of REFUSALS, `card` the registered card that it names, if there is one."""

    def __init__(self, why: Why, card: int | None = None) -> None:
        super().__init__(why.value)
        self.why, self.card = why, card


class Read(NamedTuple):
    """What was read for an item, of a card of this ATR; `holder` None where the card keeps it closed to us."""

    item: Item
    seen: Recognised
    holder: Holder | None
    atr: bytes
    authentic: bool


class Judged(NamedTuple):
    """The registered card, and what the registry knows of its holder."""

    card: int
    profile: Profile

    def __repr__(self) -> str:
        """Return the type alone: what is inside belongs in no log."""
        return "Judged(…)"


async def known(runtime: Runtime, card_id: bytes) -> CardRow | None:
    """Return the registered card whose chip has this number."""
    return await by_card_id(runtime.pool, card_id_index(runtime.vault, card_id.hex()))


async def judge(runtime: Runtime, read: Read) -> Judged:
    """Return the registered card of a read; raises Refusal: unknown, dead, expired, or not what it says."""
    row = await known(runtime, read.seen.card_id)
    if row is None:
        raise Refusal(Why.UNKNOWN)
    if row.status != Status.ACTIVE:
        raise Refusal(Why.SUSPENDED, row.seq)
    if read.seen.expires is not None and read.seen.expires < today(runtime):
        raise Refusal(Why.EXPIRED, row.seq)
    profile = open_profile(runtime.vault, row.profile)
    if row.chip_index != chip_index(runtime.vault, serial_of(read.atr).hex()) or not _alike(read, profile):
        raise Refusal(Why.MISMATCH, row.seq)
    return Judged(row.seq, profile)


def _alike(read: Read, profile: Profile) -> bool:
    if read.seen.card_no.upper() != profile.card_no.upper():
        return False
    holder = read.holder
    return holder is None or (holder.number.upper(), holder.name) == (profile.id_no.upper(), profile.name)


def check_account(judged: Judged, pan: str) -> None:
    """Check that the bank account on the card is the registered one, to which the money goes; raises Refusal."""
    if not hmac.compare_digest(pan.encode(), judged.profile.bank_account.encode()):
        raise Refusal(Why.ACCOUNT, judged.card)


async def note(runtime: Runtime, row: SessionRow, why: str, card: int | None) -> None:
    """Put the refusal of a card into the audit log; what merely went wrong at the counter is none."""
    if why in REFUSALS:
        await audit.insert(
            runtime.pool,
            kind="card_read",
            outcome=why,
            actor=row.terminal,
            card=card,
            item=row.item,
            detail={"session": str(row.id), "bridge": str(row.bridge)},
        )


async def note_written(
    runtime: Runtime, row: SessionRow, card: int, fields: list[str], outcome: str, mended: str | None = None
) -> None:
    """Put a write to a card into the audit log, begun and then done: the fields' names, none of their values."""
    detail: dict[str, object] = {"session": str(row.id), "bridge": str(row.bridge), "fields": fields, "mended": mended}
    await audit.insert(
        runtime.pool, kind="card_written", outcome=outcome, actor=row.terminal, card=card, item=row.item, detail=detail
    )
