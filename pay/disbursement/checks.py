"""What holds of benefits at every moment (`ecard ledger check`)."""

from ecard.errors import Text
from pay.ledger.checks import Check

CHECKS = (
    Check(
        "D1",
        Text("在途待遇等于待遇清算户余额", "what is on its way to payees is what the benefits' clearing holds"),
        """
        SELECT format('bank %s: clearing %s, on the way %s', coalesce(c.owner, l.bank), coalesce(c.balance, 0),
                      coalesce(l.amount, 0))
        FROM (SELECT owner, balance FROM account_balance WHERE owner_kind = 'benefit_bank'
              AND book = 'settlement_clearing') c
        FULL JOIN (SELECT bank, sum(amount)::bigint AS amount FROM benefit_line WHERE state IN ('sent', 'unknown')
                   GROUP BY bank) l ON l.bank = c.owner
        WHERE coalesce(c.balance, 0) <> coalesce(l.amount, 0) LIMIT 1
        """,
    ),
    Check(
        "D2",
        Text("每个批次预留的资金等于其未付明细", "each batch has set aside what its lines that are not paid need"),
        """
        SELECT format('batch %s: escrow %s, open %s', b.id, a.balance, coalesce(l.open, 0))
        FROM benefit_batch b JOIN account_balance a ON a.id = b.escrow LEFT JOIN (
            SELECT x.batch, sum(x.amount)::bigint AS open FROM benefit_line x
            WHERE x.state IN ('ready', 'held', 'cancelled')
               OR (x.state = 'returned' AND NOT EXISTS (SELECT FROM benefit_line y WHERE y.redrive_of = x.id))
            GROUP BY x.batch) l ON l.batch = b.id
        WHERE a.balance <> CASE WHEN b.state = 'closed' THEN 0 ELSE coalesce(l.open, 0) END LIMIT 1
        """,
    ),
    Check(
        "D3",
        Text("每笔已付待遇恰有一次成功的出款", "each benefit that is paid has exactly one pay-out that was"),
        """
        SELECT format('line %s', l.id) FROM benefit_line l LEFT JOIN bank_attempt a
            ON a.subject = l.id AND a.outcome = 'ok' AND a.amount = l.amount
        GROUP BY l.id, l.state HAVING count(a.id) <> CASE WHEN l.state = 'paid' THEN 1 ELSE 0 END LIMIT 1
        """,
    ),
    Check(
        "D4",
        Text("已发放的批次都经两人审核, 且与清单相符", "what is released was approved by two people, as it stands"),
        """
        SELECT format('batch %s', b.id) FROM benefit_batch b
        WHERE b.state IN ('releasing', 'done', 'closed') AND (
            (SELECT count(DISTINCT a.by) FROM benefit_approval a WHERE (a.batch, a.round) = (b.id, b.round)) < 2
            OR (SELECT (count(*), sum(l.amount)) FROM benefit_line l WHERE l.batch = b.id AND l.try = 1)
               IS DISTINCT FROM (SELECT (m.lines::bigint, m.total::numeric) FROM benefit_manifest m
                                 WHERE (m.batch, m.round) = (b.id, b.round))) LIMIT 1
        """,
    ),
    Check(
        "D5",
        Text("应追回款等于追回应收户", "what is owed back is what the receivables of clawbacks hold"),
        """
        SELECT format('programme %s: receivable %s, owed %s', coalesce(a.owner, c.programme), coalesce(a.balance, 0),
                      coalesce(c.owed, 0))
        FROM (SELECT owner, balance FROM account_balance WHERE owner_kind = 'benefit_clawback'
              AND book = 'receivable') a
        FULL JOIN (SELECT l.programme::text AS programme, sum(x.amount - x.recovered)::bigint AS owed
                   FROM benefit_clawback x JOIN benefit_line l ON l.id = x.line WHERE x.journal IS NOT NULL
                   GROUP BY l.programme) c ON c.programme = a.owner
        WHERE coalesce(a.balance, 0) <> -coalesce(c.owed, 0) LIMIT 1
        """,
    ),
)
