"""对账文件: the bank's day file, layout `ecard-day-1`. UTF-8, one record a line, fields between `|`, lines end in LF.

    H|ecard-day-1|<bank>|<day YYYYMMDD>|CNY
    D|<n>|<kind>|<reference>|<original reference or empty>|<amount 分>|<direction>|<account's last four>|<time UTC>
    T|<number of D lines>|<sum of D>|<sum of C>

`kind` is pay, reverse, refund or payout; `n` counts from 1; `direction` is D where the holder's or the merchant's
account was debited (pay) and C where it was credited. Amounts are positive integers in 分, sums are too.
A payment that was reversed has two lines, perhaps in two days.
"""

from collections.abc import Sequence

from pay.banks.simulator.book import Line

LAYOUT = "ecard-day-1"


def render(bank: str, day: str, lines: Sequence[Line]) -> bytes:
    """Return the file of one business day."""
    parts = [f"H|{LAYOUT}|{bank}|{day}|CNY"]
    sums = {"D": 0, "C": 0}
    for n, line in enumerate(lines, 1):
        direction = "D" if line.amount < 0 else "C"
        sums[direction] += abs(line.amount)
        amount, tail = abs(line.amount), line.account[-4:]
        parts.append(f"D|{n}|{line.kind}|{line.ref}|{line.of or ''}|{amount}|{direction}|{tail}|{line.at}")
    parts.append(f"T|{len(lines)}|{sums['D']}|{sums['C']}")
    return ("\n".join(parts) + "\n").encode()
