"""What holds of medical settlements at every moment (`ecard ledger check`)."""

from ecard.errors import Text
from pay.ledger.checks import Check

CHECKS = (
    Check(
        "M1",
        Text("每笔结算的分项之和等于总额", "a settlement's legs are its total, always"),
        """
        SELECT format('settlement %s: total %s, legs %s, reversed %s of %s', s.id, s.total, l.amount, l.reversed,
                      s.reversed)
        FROM medical_settlement s LEFT JOIN LATERAL (
            SELECT sum(amount) AS amount, sum(reversed) AS reversed FROM medical_leg WHERE settlement = s.id) l ON true
        WHERE s.state <> 'recorded' AND (s.total, s.reversed) IS DISTINCT FROM (l.amount, l.reversed) LIMIT 1
        """,
    ),
    Check(
        "M2",
        Text("已确认的结算各分项都已记账", "each leg of a settlement that is confirmed is posted, in one journal"),
        """
        SELECT format('settlement %s', s.id) FROM medical_settlement s JOIN medical_encounter e ON e.id = s.encounter
        CROSS JOIN LATERAL (
            SELECT -coalesce(sum(l.amount) FILTER (WHERE a.book = 'insurance_fund'), 0) AS funds,
                   -coalesce(sum(l.amount) FILTER (WHERE a.book = 'personal_account'), 0) AS personal,
                   -coalesce(sum(l.amount) FILTER (WHERE a.book = 'patient_share'), 0) AS cash
            FROM ledger_leg l JOIN account a ON a.id = l.account WHERE l.journal = s.journal) j
        CROSS JOIN LATERAL (
            SELECT sum(amount) FILTER (WHERE place <= 5) AS funds, sum(amount) FILTER (WHERE place = 6) AS personal,
                   sum(amount) FILTER (WHERE place = 7) AS cash FROM medical_leg WHERE settlement = s.id) g
        WHERE s.journal IS NOT NULL AND (j.funds, j.personal, j.cash) IS DISTINCT FROM (g.funds, g.personal, g.cash)
        LIMIT 1
        """,
    ),
    Check(
        "M3",
        Text(
            "冲正各分项之和等于冲正额, 且与结算所记一致", "reversals mirror legs, and no leg goes back more than once"
        ),
        """
        SELECT format('settlement %s leg %s', l.settlement, l.place) FROM medical_leg l LEFT JOIN (
            SELECT r.settlement, u.place, sum(u.part) AS part FROM medical_reversal r
            CROSS JOIN LATERAL unnest(r.parts) WITH ORDINALITY AS u (part, place)
            WHERE r.state <> 'refused' GROUP BY r.settlement, u.place) p
            ON (p.settlement, p.place) = (l.settlement, l.place)
        WHERE l.reversed <> coalesce(p.part, 0)
        UNION ALL
        SELECT format('reversal %s', r.id) FROM medical_reversal r
        WHERE r.amount <> (SELECT sum(p) FROM unnest(r.parts) p)
            OR (r.state = 'done') <> (r.journal IS NOT NULL) LIMIT 1
        """,
    ),
    Check(
        "M4",
        Text("年度累计等于各结算计入之和", "a year's sums are what its settlements have added"),
        """
        SELECT format('a year of region %s, care %s: %s', y.region, y.care, y.sums) FROM medical_year y
        CROSS JOIN LATERAL generate_series(1, 7) AS n
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(s.added[n] - coalesce((SELECT sum(r.taken[n]) FROM medical_reversal r
                WHERE r.settlement = s.id AND r.state = 'done'), 0)), 0) AS counted
            FROM medical_settlement s JOIN medical_encounter e ON e.id = s.encounter
            WHERE (e.holder, e.region_insured, e.scheme, e.care, s.year)
                  = (y.holder, y.region, y.scheme, y.care, y.year)
              AND s.state IN ('confirming', 'uploaded', 'confirmed', 'reversed')) c
        WHERE y.sums[n] <> c.counted LIMIT 1
        """,
    ),
    Check(
        "M5",
        Text("现金部分先付, 应退现金不超过已收", "cash came first, and no more of it goes back than an order took"),
        """
        SELECT format('settlement %s', s.id) FROM medical_settlement s LEFT JOIN pay_order o ON o.id = s.order_id
        WHERE s.cash_back > CASE WHEN o.state IN ('paid', 'partially_refunded', 'refunded') THEN o.amount ELSE 0 END
           OR s.state IN ('confirming', 'confirmed', 'reversed') AND s.record_no IS NULL AND s.cash_at IS NULL
              AND (SELECT amount FROM medical_leg WHERE settlement = s.id AND place = 7) > 0 LIMIT 1
        """,
    ),
    Check(
        "M6",
        Text("个人账户冻结、脱网欠款与其结算一致", "holds and debts are those of settlements that wait, or are owed"),
        """
        SELECT format('settlement %s', s.id) FROM medical_settlement s LEFT JOIN hold h ON h.id = s.hold
        WHERE s.hold IS NOT NULL AND (h.state <> 'open' OR s.state NOT IN ('confirming', 'uploaded'))
           OR s.state = 'debt' AND s.debt_journal IS NULL
        UNION ALL
        SELECT format('region pair %s', n.a || ':' || n.b) FROM medical_netting n
        CROSS JOIN LATERAL (SELECT coalesce(sum(abs(l.amount)), 0) AS moved FROM ledger_leg l JOIN account a
            ON a.id = l.account AND a.book = 'region_clearing' WHERE l.journal = n.journal) j
        WHERE j.moved <> abs(n.owed_by_a) + abs(n.owed_by_b) LIMIT 1
        """,
    ),
)
