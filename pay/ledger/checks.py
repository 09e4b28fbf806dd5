"""The invariants that hold at every moment, as SQL that finds what breaks them (`ecard ledger check`).

Each feature declares its own beside it; the command line composes them. All are asked in one snapshot, so a database
that is being written to answers as one that stands still.
"""

from collections.abc import Callable, Sequence

import msgspec

from ecard.db import Pool
from ecard.errors import Text


class Check(msgspec.Struct, frozen=True):
    """An invariant: `sql` returns a row for each break, its first column naming it; none while it holds.

    The name may hold ids and amounts, never what is sealed or secret.
    """

    code: str
    title: Text
    sql: str


class Broken(msgspec.Struct, frozen=True):
    """The first break of an invariant."""

    code: str
    title: Text
    what: str


CHECKS: Sequence[Check] = (
    Check(
        "C1",
        Text("每张凭证按单位借贷相抵", "each journal sums to zero in each unit"),
        """
        SELECT format('journal %s: %s %s too much', l.journal, sum(l.amount), a.unit)
        FROM ledger_leg l JOIN account a ON a.id = l.account
        GROUP BY l.journal, a.unit HAVING sum(l.amount) <> 0 ORDER BY l.journal LIMIT 1
        """,
    ),
    Check(
        "C1",
        Text("没有缺失的凭证、账户或分录", "no leg without journal and account, no journal without legs"),
        """
        (SELECT format('leg %s of journal %s on account %s', l.n, l.journal, l.account)
         FROM ledger_leg l LEFT JOIN journal j ON j.id = l.journal LEFT JOIN account a ON a.id = l.account
         WHERE j.id IS NULL OR a.id IS NULL LIMIT 1)
        UNION ALL
        (SELECT format('journal %s has no legs', j.id) FROM journal j
         WHERE NOT EXISTS (SELECT FROM ledger_leg l WHERE l.journal = j.id) LIMIT 1)
        """,
    ),
    Check(
        "C1",
        Text("冲正与原凭证逐户相抵", "a reversal mirrors its journal on each account"),
        """
        SELECT format('journal %s does not mirror %s on account %s', j.id, j.reverses, l.account)
        FROM journal j JOIN ledger_leg l ON l.journal IN (j.id, j.reverses)
        WHERE j.reverses IS NOT NULL GROUP BY j.id, j.reverses, l.account HAVING sum(l.amount) <> 0 LIMIT 1
        """,
    ),
    Check(
        "C2",
        Text("每户分录序号连续, 余额逐笔相接", "each account's entries are gapless and their balances follow"),
        """
        SELECT format('entry %s of account %s', seq, account) FROM (
            SELECT account, seq, amount, balance_after, row_number() OVER w AS place,
                   lag(balance_after, 1, 0::bigint) OVER w AS before
            FROM entry WINDOW w AS (PARTITION BY account ORDER BY seq)) e
        WHERE seq <> place OR balance_after <> before + amount ORDER BY account, seq LIMIT 1
        """,
    ),
    Check(
        "C2",
        Text("账户余额等于最后一笔分录的余额", "each account's balance is that after its last entry"),
        """
        SELECT format('account %s', a.id) FROM account a LEFT JOIN LATERAL (
            SELECT seq, balance_after FROM entry WHERE account = a.id ORDER BY seq DESC LIMIT 1) e ON true
        WHERE (a.seq, a.balance) IS DISTINCT FROM (coalesce(e.seq, 0), coalesce(e.balance_after, 0)) LIMIT 1
        """,
    ),
    Check(
        "C3",
        Text("未结冻结之和等于账户冻结额, 不破下限", "open holds are what each account holds back, none is overdrawn"),
        """
        SELECT format('account %s', a.id) FROM account a
        LEFT JOIN (SELECT account, sum(amount) AS held FROM hold WHERE state = 'open' GROUP BY account) h
            ON h.account = a.id
        WHERE a.held <> coalesce(h.held, 0) OR a.balance - a.held < a.floor LIMIT 1
        """,
    ),
    Check(
        "C8",
        Text(
            "已使用的冻结都有凭证, 且不超过冻结额", "a hold that was spent has its journal, and no more than was held"
        ),
        """
        SELECT format('hold %s', h.id) FROM hold h
        WHERE h.state = 'posted' AND NOT EXISTS (
            SELECT FROM ledger_leg l WHERE l.journal = h.journal AND l.account = h.account
            HAVING sum(l.amount) FILTER (WHERE l.amount < 0) BETWEEN -h.amount AND -1) LIMIT 1
        """,
    ),
)


async def first_break(pool: Pool, checks: Sequence[Check], told: Callable[[Check], None]) -> Broken | None:
    """Return the first break of `checks`, asked in order in one snapshot; `told` hears of each that holds."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        # Millions of entries take longer than a payment may.
        await connection.execute("SET LOCAL statement_timeout = 0")
        for check in checks:
            row = await connection.fetchrow(check.sql, timeout=_HOURS)
            if row is not None:
                return Broken(check.code, check.title, str(row[0]))
            told(check)
    return None


_HOURS = 4 * 3600.0
