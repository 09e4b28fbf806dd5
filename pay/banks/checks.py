"""What must hold of attempts and of suspense at every moment (`ecard ledger check`)."""

from ecard.errors import Text
from pay.ledger.checks import Check

CHECKS = (
    Check(
        "C5",
        Text("未决的银行交易都有下次查询时间", "every undecided attempt at a bank will be asked about again"),
        """
        SELECT format('attempt %s', id) FROM bank_attempt
        WHERE outcome IN ('sent', 'unknown') AND next_check_at IS NULL
           OR outcome NOT IN ('sent', 'unknown') AND next_check_at IS NOT NULL LIMIT 1
        """,
    ),
    Check(
        "C6",
        Text("银行挂账余额等于未决金额之和", "what stands in suspense for banks is what their attempts leave open"),
        """
        SELECT format('bank %s: %s in suspense, %s open', coalesce(b.bank, o.bank), coalesce(b.amount, 0),
                      coalesce(o.amount, 0))
        FROM (SELECT a.owner AS bank, sum(l.amount) AS amount FROM account a JOIN ledger_leg l ON l.account = a.id
              WHERE a.owner_kind = 'attempts' AND a.book = 'suspense' GROUP BY a.owner) b
        FULL JOIN (SELECT t.bank, sum(s.amount) AS amount FROM bank_suspension s JOIN bank_attempt t ON t.id = s.attempt
                   WHERE s.closed_at IS NULL GROUP BY t.bank) o ON o.bank = b.bank
        WHERE coalesce(b.amount, 0) <> coalesce(o.amount, 0) LIMIT 1
        """,
    ),
    Check(
        "C6",
        Text("挂账与其订单、退款状态一致", "a suspension is open exactly while its attempt is undecided"),
        """
        SELECT format('attempt %s', a.id) FROM bank_suspension s JOIN bank_attempt a ON a.id = s.attempt
        WHERE (s.closed_at IS NULL) <> (a.outcome IN ('sent', 'unknown')) LIMIT 1
        """,
    ),
)
