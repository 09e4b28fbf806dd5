"""What holds of orders at every moment, for `ecard ledger check`: one living attempt, one journal, no odd state."""

from collections.abc import Sequence

from ecard.errors import Text
from pay.ledger.checks import Check

CHECKS: Sequence[Check] = (
    Check(
        "C5",
        Text(
            "已付订单恰有一笔成功的银行请求与一张凭证", "a paid order has one attempt that succeeded, and one journal"
        ),
        """
        SELECT format('order %s in state %s: %s attempts, %s journals', o.id, o.state, a.n, j.n)
        FROM pay_order o
        CROSS JOIN LATERAL (SELECT count(*) AS n FROM bank_attempt a
            WHERE a.subject = o.id AND a.kind = 'pay' AND a.outcome = 'ok' AND a.amount = o.amount) a
        CROSS JOIN LATERAL (SELECT count(*) AS n FROM journal j
            WHERE j.ref = o.id AND j.kind = 'payment' AND j.ref_kind = 'order') j
        CROSS JOIN LATERAL (SELECT (o.state IN ('paid', 'partially_refunded', 'refunded'))::integer AS n) wanted
        WHERE a.n <> wanted.n OR j.n <> wanted.n
        ORDER BY o.id LIMIT 1
        """,
    ),
    Check(
        "C5",
        Text(
            "退款合计不超过已付金额, 且与订单所记一致",
            "an order's refunds add up to what it says, and to no more than was paid",
        ),
        """
        SELECT format('order %s says %s, its refunds %s', o.id, o.refunded, coalesce(r.total, 0))
        FROM pay_order o LEFT JOIN LATERAL (SELECT sum(r.amount) AS total FROM refund r
            WHERE r.order_id = o.id AND r.state <> 'failed') r ON true
        WHERE o.refunded <> coalesce(r.total, 0) OR o.refunded > o.amount ORDER BY o.id LIMIT 1
        """,
    ),
    Check(
        "C5",
        Text("每笔退款与其银行请求、冻结一致", "a refund stands as its attempt and its hold do"),
        """
        SELECT format('refund %s in state %s: attempt %s, hold %s', r.id, r.state, a.outcome, h.state)
        FROM refund r LEFT JOIN bank_attempt a ON a.subject = r.id LEFT JOIN hold h ON h.id = r.hold
        WHERE (r.state, a.outcome, h.state) NOT IN (
            ('processing', 'sent', 'open'), ('unknown', 'unknown', 'open'), ('suspended', 'unknown', 'open'),
            ('done', 'ok', 'posted'), ('failed', 'failed', 'voided'), ('failed', 'reversed', 'voided'))
            OR a.id IS NULL OR h.id IS NULL
        ORDER BY r.id LIMIT 1
        """,
    ),
    Check(
        "C8",
        Text("订单状态与其银行请求一致", "an order stands as its attempt does"),
        """
        SELECT format('order %s in state %s: attempt %s', o.id, o.state, coalesce(a.outcome, 'none'))
        FROM pay_order o LEFT JOIN bank_attempt a ON a.subject = o.id AND a.kind = 'pay'
        WHERE (o.state, coalesce(a.outcome, 'none')) NOT IN (
            ('created', 'none'), ('user_confirming', 'none'), ('closed', 'none'),
            ('processing', 'sent'), ('unknown', 'unknown'), ('reversing', 'unknown'), ('suspended', 'unknown'),
            ('paid', 'ok'), ('partially_refunded', 'ok'), ('refunded', 'ok'),
            ('failed', 'failed'), ('reversed', 'reversed'))
        ORDER BY o.id LIMIT 1
        """,
    ),
    Check(
        "C8",
        Text("退款进度与订单状态一致", "an order is refunded as far as its refunds are done"),
        """
        SELECT format('order %s in state %s: %s of %s given back', o.id, o.state, coalesce(r.done, 0), o.amount)
        FROM pay_order o LEFT JOIN LATERAL (SELECT sum(r.amount) AS done FROM refund r
            WHERE r.order_id = o.id AND r.state = 'done') r ON true
        WHERE o.state IN ('paid', 'partially_refunded', 'refunded') AND o.state <> CASE
            WHEN coalesce(r.done, 0) = 0 THEN 'paid' WHEN r.done < o.amount THEN 'partially_refunded'
            ELSE 'refunded' END
        ORDER BY o.id LIMIT 1
        """,
    ),
)
