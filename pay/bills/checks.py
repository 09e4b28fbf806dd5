"""What must hold between bills and their orders, for `ecard ledger check`."""

from collections.abc import Sequence

from ecard.errors import Text
from pay.ledger.checks import Check

CHECKS: Sequence[Check] = (
    Check(
        "B1",
        Text("账单的缴费状态与其订单一致", "each bill stands as its order does"),
        """
        SELECT format('bill %s is %s, order %s is %s', b.id, b.state, o.id, o.state)
        FROM bill b JOIN pay_order o ON o.id = b.order_id
        WHERE (b.state IN ('paid', 'marked')) <> (o.state IN ('paid', 'partially_refunded', 'refunded'))
              AND b.state <> 'elsewhere'
           OR b.state = 'ordered' AND o.state IN ('failed', 'reversed', 'closed')
           OR o.kind <> 'bill' OR o.amount <> b.amount OR o.payer IS DISTINCT FROM b.card LIMIT 1
        """,
    ),
    Check(
        "B2",
        Text("每笔已付的缴费订单恰对应一张账单", "each bill order that was paid is one bill's"),
        """
        SELECT format('order %s', o.id) FROM pay_order o
        WHERE o.kind = 'bill' AND o.state IN ('paid', 'partially_refunded', 'refunded')
          AND (SELECT count(*) FROM bill b WHERE b.order_id = o.id AND b.state IN ('paid', 'marked', 'elsewhere')) <> 1
        LIMIT 1
        """,
    ),
    Check(
        "B3",
        Text("在别处缴清的账单, 所收款项都已或正在退回", "what was taken for a bill paid elsewhere goes back in full"),
        """
        SELECT format('bill %s', b.id) FROM bill b JOIN pay_order o ON o.id = b.order_id
        WHERE b.state = 'elsewhere' AND o.refunded <> o.amount LIMIT 1
        """,
    ),
)
