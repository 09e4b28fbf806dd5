"""What holds of settlements at every moment (`ecard ledger check`)."""

from ecard.errors import Text
from pay.ledger.checks import Check

CHECKS = (
    Check(
        "C5",
        Text("在途结算等于结算清算户余额", "what is on its way to merchants is what settlement clearing holds"),
        """
        SELECT format('bank %s: clearing %s, on the way %s', coalesce(c.owner, s.bank), coalesce(c.balance, 0),
                      coalesce(s.amount, 0))
        FROM (SELECT owner, balance FROM account_balance WHERE owner_kind = 'bank' AND book = 'settlement_clearing') c
        FULL JOIN (SELECT bank, sum(amount)::bigint AS amount FROM settlement WHERE state = 'processing'
                   GROUP BY bank) s ON s.bank = c.owner
        WHERE coalesce(c.balance, 0) <> coalesce(s.amount, 0) LIMIT 1
        """,
    ),
    Check(
        "C5",
        Text("每笔已付结算恰有一次成功的出款", "each settlement that is paid has exactly one pay-out that was"),
        """
        SELECT format('settlement %s', s.id) FROM settlement s
        WHERE (SELECT count(*) FROM bank_attempt a WHERE a.subject = s.id AND a.outcome = 'ok' AND a.amount = s.amount)
              <> CASE WHEN s.state = 'paid' THEN 1 ELSE 0 END LIMIT 1
        """,
    ),
)
