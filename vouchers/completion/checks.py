"""What must hold between classes, vouchers, orders and audits, for `ecard ledger check`."""

from collections.abc import Sequence

from ecard.errors import Text
from pay.ledger.checks import Check

CHECKS: Sequence[Check] = (
    Check(
        "T1",
        Text("每班已占名额等于在班人数, 且不超过容量", "each class's seats are as many as sit in it"),
        """
        SELECT format('class %s', c.id) FROM training_class c
        LEFT JOIN (SELECT class, count(*) AS seats FROM enrolment WHERE dropped_at IS NULL GROUP BY class) e
            ON e.class = c.id
        WHERE c.taken <> coalesce(e.seats, 0) LIMIT 1
        """,
    ),
    Check(
        "T2",
        Text("在班的券都绑定在该班, 未退、未过期、未作废", "whoever sits in a class has a voucher bound to it"),
        """
        SELECT format('enrolment %s, voucher %s is %s', e.id, v.id, v.state)
        FROM enrolment e JOIN voucher v ON v.id = e.voucher
        WHERE e.dropped_at IS NULL AND (v.class IS DISTINCT FROM e.class OR v.holder IS DISTINCT FROM e.holder
            OR v.state IN ('issued', 'claimed', 'expired', 'cancelled')) LIMIT 1
        """,
    ),
    Check(
        "T3",
        Text("自费订单与培训费、券面两腿相符", "each own share is its order's amount, and stands as its order does"),
        """
        SELECT format('order %s is %s, tuition %s', o.id, o.state, t.state)
        FROM tuition t JOIN pay_order o ON o.id = t.order_id JOIN enrolment e ON e.id = t.enrolment
        JOIN training_class c ON c.id = e.class JOIN voucher v ON v.id = e.voucher
        WHERE (o.amount, o.merchant, o.payer, t.fee, t.subsidy)
                IS DISTINCT FROM (t.own, c.institution, e.card, c.fee, v.face)
           OR (t.state = 'paid') <> (o.state IN ('paid', 'partially_refunded')) LIMIT 1
        """,
    ),
    Check(
        "T4",
        Text(
            "通过的结业申报由两人审核, 券按较低金额",
            "two passed what is passed, and the voucher has the lower amount",
        ),
        """
        SELECT format('completion %s', n.id) FROM completion n JOIN voucher v ON v.id = n.voucher
        LEFT JOIN (SELECT completion, count(DISTINCT actor) AS eyes, min(amount) AS found FROM completion_audit
                   WHERE passed GROUP BY completion) a ON a.completion = n.id
        WHERE n.state = 'passed' AND (coalesce(a.eyes, 0) <> 2 OR a.found > n.amount OR v.amount <> a.found) LIMIT 1
        """,
    ),
)
