"""What must hold between rides, orders and the ledger, for `ecard ledger check`."""

from collections.abc import Sequence

from ecard.errors import Text
from pay.ledger.checks import Check

CHECKS: Sequence[Check] = (
    Check(
        "R1",
        Text("行程的支付状态与其订单一致", "each ride stands as its order does"),
        """
        SELECT format('ride %s is %s, order %s is %s', r.id, r.state, o.id, o.state)
        FROM ride r JOIN pay_order o ON o.id = r.order_id
        WHERE (r.state = 'paid') <> (o.state IN ('paid', 'partially_refunded', 'refunded'))
           OR r.state = 'capturing' AND o.state IN ('failed', 'reversed', 'closed')
           OR o.kind <> 'ride' OR o.amount <> r.fare OR o.payer <> r.card LIMIT 1
        """,
    ),
    Check(
        "R1",
        Text("每笔已付的乘车订单恰对应一个行程", "each ride order that was paid is one ride's"),
        """
        SELECT format('order %s', o.id) FROM pay_order o
        WHERE o.kind = 'ride' AND o.state IN ('paid', 'partially_refunded', 'refunded')
          AND (SELECT count(*) FROM ride r WHERE r.order_id = o.id AND r.state = 'paid') <> 1 LIMIT 1
        """,
    ),
    Check(
        "R2",
        Text("行程补贴之和等于按小时汇总的补贴", "the rides' subsidies are what their hours sum up to"),
        """
        SELECT format('operator %s, hour %s', coalesce(r.operator, s.operator), coalesce(r.hour, s.hour))
        FROM (SELECT operator, city, date_trunc('hour', began_at) AS hour, sum(subsidy) AS amount, count(*) AS rides
              FROM ride WHERE subsidy > 0 GROUP BY 1, 2, 3) r
        FULL JOIN (SELECT operator, city, hour, sum(amount) AS amount, sum(rides) AS rides
                   FROM ride_subsidy GROUP BY 1, 2, 3) s USING (operator, city, hour)
        WHERE (r.amount, r.rides) IS DISTINCT FROM (s.amount, s.rides) LIMIT 1
        """,
    ),
    Check(
        "R3",
        Text("每笔已入账补贴由城市记给运营方", "each booked subsidy went from its city to its operator, once"),
        """
        SELECT format('subsidy %s', s.id) FROM ride_subsidy s JOIN merchant m ON m.agency = s.operator
        WHERE s.journal IS NOT NULL AND (
            SELECT coalesce(sum(l.amount), 0) FROM journal j JOIN ledger_leg l ON l.journal = j.id
            WHERE j.kind = 'ride_subsidy' AND j.ref = s.id AND l.account = m.payable) <> s.amount LIMIT 1
        """,
    ),
    Check(
        "R4",
        Text("每个行程有一至两次刷码, 每个码至多计费一次", "each ride has its one or two taps, each code at most one"),
        """
        (SELECT format('ride %s', r.id) FROM ride r LEFT JOIN tap t ON t.ride = r.id
         WHERE r.priced_at > now() - interval '170 days'
         GROUP BY r.id HAVING count(t.id) NOT BETWEEN 1 AND 2 LIMIT 1)
        UNION ALL
        (SELECT format('code of tap %s', min(id::text)) FROM tap WHERE state <> 'contested'
         GROUP BY once HAVING count(*) > 1 LIMIT 1)
        """,
    ),
)
