"""What holds of volunteers' time at every moment (`ecard ledger check`)."""

from ecard.errors import Text
from pay.ledger.checks import Check

CHECKS = (
    Check(
        "H1",
        Text(
            "志愿时长只来自服务、只用于兑换, 不在志愿者之间转移",
            "volunteers' time is earned and spent, not given",
        ),
        """
        SELECT format('journal %s', l.journal) FROM ledger_leg l JOIN account a ON a.id = l.account
        WHERE l.journal IN (SELECT x.journal FROM ledger_leg x JOIN account y ON y.id = x.account
                            WHERE y.owner_kind = 'volunteer')
        GROUP BY l.journal
        HAVING count(*) FILTER (WHERE a.owner_kind = 'volunteer') <> 1
            OR count(*) FILTER (WHERE a.book = 'issue' AND a.owner = 'volunteer_hours') <> 1 OR count(*) <> 2 LIMIT 1
        """,
    ),
    Check(
        "H2",
        Text("志愿者余额等于已计时减已兑换", "each volunteer has what was credited less what was spent"),
        """
        SELECT format('account %s', a.id) FROM account_balance a
            LEFT JOIN (SELECT holder, sum(minutes) AS earned FROM volunteer_service WHERE state = 'credited'
                       GROUP BY holder) s ON s.holder::text = a.owner
            LEFT JOIN (SELECT holder, sum(spent) AS spent FROM hour_redemption GROUP BY holder) r
                ON r.holder::text = a.owner
        WHERE a.owner_kind = 'volunteer' AND a.balance <> coalesce(s.earned, 0) - coalesce(r.spent, 0) LIMIT 1
        """,
    ),
    Check(
        "H3",
        Text("已预留的兑换都有未结的冻结", "what is set aside for a service is held, and no other time"),
        """
        SELECT format('hold %s', h.id) FROM hold h JOIN account a ON a.id = h.account
            LEFT JOIN hour_redemption r ON r.hold = h.id AND r.state = 'held' AND r.minutes = h.amount
        WHERE a.owner_kind = 'volunteer' AND h.state = 'open' AND r.id IS NULL LIMIT 1
        """,
    ),
)
