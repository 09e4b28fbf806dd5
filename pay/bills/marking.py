"""销账: an agency is told that a bill is paid, from the outbox, until it has heard; what it took elsewhere goes back.

The message is written in the transaction that books the payment. It may be told twice, so the agency goes by the
order's id. Each is a task of its own, and an agency that is being told is given no other message of that round: one
that is slow is slow for itself.
"""

import asyncio
import logging
from uuid import UUID

from ecard import outbox
from ecard.ids import new_id
from ecard.outbox import Message, Topic
from pay.banks.bank import Credit
from pay.bills import store
from pay.bills.model import BillState, Marked, Paid, Silent
from pay.bills.service import Office
from pay.orders.asking import Till, ask

TOPIC = Topic("bill", "biller", (15.0, 60.0, 300.0, 1800.0, *[6 * 3600.0] * 120), together=4)
"""For a month; then a person should look, and the sweep begins anew."""
PERIOD = 1.0
_AGAIN_SECONDS = 600
_MOST = 30
_REASON = "账单已在收费单位缴清"
log = logging.getLogger("pay.bills")


class Marking:
    """The messages under way in this process."""

    def __init__(self, office: Office, till: Till) -> None:
        self._office = office
        self._till = till
        self._tasks: dict[asyncio.Task[None], str] = {}

    async def round(self, group: asyncio.TaskGroup) -> None:
        """Begin to tell what is due, and wait for nothing of it."""
        if len(self._tasks) >= _MOST:
            return
        busy = sorted(set(self._tasks.values()))
        for message in await outbox.take(self._office.runtime.pool, TOPIC, without=busy):
            task = group.create_task(self._tell(message))
            self._tasks[task] = message.body["biller"]
            task.add_done_callback(self._tasks.pop)

    async def _tell(self, message: Message) -> None:
        try:
            if await mark(self._office, self._till, UUID(message.body["bill"])):
                await outbox.done(self._office.runtime.pool, message.id)
        except Exception as error:  # noqa: BLE001 - whatever it was, the other messages go on
            log.warning("a bill was not marked: %s", type(error).__name__)


async def mark(office: Office, till: Till, number: UUID) -> bool:
    """Tell the agency of a paid bill; return whether that is done with: heard, or the money is on its way back."""
    pool = office.runtime.pool
    row = await store.to_mark(pool, number)
    if row is None:
        return True
    connection = await store.find(pool, row["biller"])
    if connection is None:
        return False
    facts = office.facts(row["facts"])
    paid = Paid(order=row["order_id"], bill_no=facts.owed.bill_no, amount=row["amount"], paid_at=row["paid_at"])
    try:
        made = await office.biller(connection).mark_paid(paid)
    except Silent:
        log.info("a biller did not answer")
        return False
    if made is Marked.MARKED:
        await store.marked(pool, number)
        return True
    attempt = new_id()
    refund = await store.refund(pool, new_id(), attempt, row["order_id"], row["biller"], number, row["amount"], _REASON)
    if refund["outcome"] == "ok":
        await ask(till, refund["bank"], attempt, Credit(refund["bank_ref"], refund["of_ref"], row["amount"], _REASON))
    await store.elsewhere(pool, number, BillState.PAID)
    return True


async def mark_for_ever(office: Office, till: Till) -> None:
    """Tell each second what is due; until cancelled."""
    marking, rounds = Marking(office, till), 0
    async with asyncio.TaskGroup() as group:
        while True:
            await asyncio.sleep(PERIOD)
            try:
                await marking.round(group)
                if rounds % _AGAIN_SECONDS == 0:
                    await store.tell_on(office.runtime.pool)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
                log.warning("bills not marked: %s", type(error).__name__)
            rounds += 1
