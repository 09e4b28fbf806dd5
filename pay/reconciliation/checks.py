"""What holds of reconciliation at every moment (`ecard ledger check`)."""

from ecard.errors import Text
from pay.ledger.checks import Check

CHECKS = (
    Check(
        "C6",
        Text("挂账余额等于未关闭的差错之和", "suspense is the sum of the breaks that are not closed"),
        """
        SELECT format('bank %s: suspense %s, open breaks %s', coalesce(s.owner, b.bank), coalesce(s.balance, 0),
                      coalesce(b.amount, 0))
        FROM (SELECT owner, balance FROM account_balance WHERE owner_kind = 'reconciliation' AND book = 'suspense') s
        FULL JOIN (SELECT bank, sum(amount)::bigint AS amount FROM recon_break WHERE state <> 'closed' GROUP BY bank) b
            ON b.bank = s.owner
        WHERE coalesce(s.balance, 0) <> coalesce(b.amount, 0) LIMIT 1
        """,
    ),
    Check(
        "C6",
        Text("每个差错的凭证金额与其相符", "each break's journal says its amount"),
        """
        SELECT format('break %s', b.id) FROM recon_break b
        WHERE NOT EXISTS (SELECT FROM ledger_leg l JOIN account a ON a.id = l.account
                          WHERE l.journal = b.journal AND a.owner_kind = 'reconciliation' AND a.owner = b.bank
                          AND l.amount = b.amount) LIMIT 1
        """,
    ),
    Check(
        "C6",
        Text("每条对账明细都属于一个文件", "each line of a bank belongs to a file"),
        """
        SELECT format('line %s of %s', l.ref, l.day) FROM recon_line l
        WHERE NOT EXISTS (SELECT FROM recon_file f WHERE f.id = l.file AND f.bank = l.bank AND f.day = l.day) LIMIT 1
        """,
    ),
)
