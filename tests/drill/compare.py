"""After each drill: every order comes to rest, and tills, orders, ledger and the bank's own book say the same."""

import time

from tests.drill.load import Acknowledged
from tests.drill.site import Site

SECONDS = 120.0
"""In which every order is decided once the fault is over."""
_OPEN = "SELECT count(*) FROM bank_attempt WHERE outcome IN ('sent', 'unknown')"
_ATTEMPTS = """
    SELECT a.kind, a.bank_ref, a.amount, a.outcome, o.state, o.out_trade_no, o.id::text AS order
    FROM bank_attempt a JOIN pay_order o ON o.id = a.order_id
"""
_ORDERS = "SELECT id::text AS id, out_trade_no, state, amount FROM pay_order"
_REFUNDS = "SELECT out_refund_no, state, amount FROM refund"
_PAID = {"paid", "partially_refunded", "refunded"}


def at_rest(site: Site) -> float:
    """Return the seconds until nothing is undecided any more; more than SECONDS where something stays so."""
    started = time.monotonic()
    while time.monotonic() - started <= SECONDS:
        if site.sql(_OPEN)[0][0] == 0:
            break
        time.sleep(0.2)
    return time.monotonic() - started


def breaks(site: Site, told: Acknowledged) -> list[str]:
    """Return what does not agree, nothing where all does."""
    found = [*_acknowledged(site, told), *_booked(site)]
    broken = site.ledger_check()
    return [*found, broken] if broken else found


def _acknowledged(site: Site, told: Acknowledged) -> list[str]:
    """Return what tills were told and is not so."""
    found = [f"{number}: a retry was answered otherwise" for number in told.changed]
    orders = {row["out_trade_no"]: row for row in site.sql(_ORDERS)}
    for number, order in told.orders.items():
        row = orders.get(number)
        if row is None or (row["id"], row["amount"]) != (order["id"], order["amount"]):
            found.append(f"{number}: acknowledged and lost")
        elif order["state"] in _PAID and row["state"] not in _PAID:
            found.append(f"{number}: acknowledged as paid, is {row['state']}")
        elif order["state"] in {"failed", "reversed"} and row["state"] != order["state"]:
            found.append(f"{number}: acknowledged as {order['state']}, is {row['state']}")
    refunds = {row["out_refund_no"]: row for row in site.sql(_REFUNDS)}
    for number, refund in told.refunds.items():
        if number not in refunds or refunds[number]["amount"] != refund["amount"]:
            found.append(f"{number}: a refund was acknowledged and lost")
    return found


def _booked(site: Site) -> list[str]:
    """Return where our attempts and the bank's own book differ, in both directions."""
    book = site.bank.book()
    found, paid, ours = [], dict[str, int](), set()
    for row in site.sql(_ATTEMPTS):
        ours.add(row["bank_ref"])
        theirs = book.get(row["bank_ref"])
        state = theirs["state"] if theirs else "nothing"
        booked = state == "ok"
        if booked != (row["outcome"] == "ok"):
            found.append(f"{row['bank_ref']}: ours {row['outcome']}, the bank's {state}")
        if booked and theirs and theirs["amount"] != row["amount"]:
            found.append(f"{row['bank_ref']}: the amounts differ")
        if row["kind"] == "pay":
            paid[row["order"]] = paid.get(row["order"], 0) + booked
            if booked != (row["state"] in _PAID):
                found.append(f"order {row['order']} is {row['state']}, the bank's {state}")
    found += [f"order {order} was charged {times} times" for order, times in paid.items() if times > 1]
    known = {ref for ref, tx in book.items() if tx["kind"] != "bar"}
    return found + [f"{ref}: in the bank's book alone" for ref in known - ours]
