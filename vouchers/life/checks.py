"""What must hold between vouchers, their events and the ledger, for `ecard ledger check`."""

from collections.abc import Sequence

from ecard.errors import Text
from pay.ledger.checks import Check

CHECKS: Sequence[Check] = (
    Check(
        "V1",
        Text("每张有效的面值券恰有一笔等于面值的冻结", "each living voucher has one open hold, of its face"),
        """
        (SELECT format('voucher %s is %s', v.id, v.state) FROM voucher v LEFT JOIN hold h ON h.id = v.hold
         WHERE v.face > 0 AND v.state NOT IN ('redeemed', 'settled', 'expired', 'cancelled', 'reversed')
           AND (h.id IS NULL OR h.state <> 'open' OR h.amount <> v.face OR h.ref <> v.id) LIMIT 1)
        UNION ALL
        (SELECT format('hold %s of voucher %s', h.id, h.ref) FROM hold h LEFT JOIN voucher v ON v.hold = h.id
         WHERE h.ref_kind = 'voucher' AND h.state = 'open' AND (v.id IS NULL OR h.ref <> v.id
             OR v.state IN ('redeemed', 'settled', 'expired', 'cancelled', 'reversed')) LIMIT 1)
        """,
    ),
    Check(
        "V2",
        Text(
            "已核销的券按审核金额恰入账一次, 冲回的券已原路退回",
            "a redeemed voucher was paid once, a reversed one taken back",
        ),
        """
        (SELECT format('voucher %s is %s', v.id, v.state) FROM voucher v
             LEFT JOIN merchant m ON m.agency = v.institution
         WHERE v.state IN ('redeemed', 'settled', 'reversed') AND (
             (v.amount = 0) <> (v.journal IS NULL)
             OR v.amount > 0 AND (SELECT coalesce(sum(l.amount), 0) FROM journal j
                 JOIN ledger_leg l ON l.journal = j.id AND l.account = m.payable
                 WHERE j.id = v.journal AND j.kind = 'voucher_redeemed' AND j.ref = v.id) <> v.amount
             OR (v.state = 'reversed') <> EXISTS (SELECT FROM journal j WHERE j.reverses = v.journal)
                AND v.journal IS NOT NULL) LIMIT 1)
        UNION ALL
        (SELECT format('journal %s of voucher %s', j.id, j.ref) FROM journal j LEFT JOIN voucher v ON v.journal = j.id
         WHERE j.kind = 'voucher_redeemed' AND (v.id IS NULL OR v.id <> j.ref) LIMIT 1)
        """,
    ),
    Check(
        "V3",
        Text("每张券的每一步都有记录", "each step of each voucher is on record"),
        """
        SELECT format('voucher %s', v.id) FROM voucher v
        LEFT JOIN (SELECT voucher, count(*) AS steps, max(seq) AS last FROM voucher_event GROUP BY voucher) e
            ON e.voucher = v.id
        WHERE (v.version, v.version) IS DISTINCT FROM (coalesce(e.steps, 0), coalesce(e.last, 0)) LIMIT 1
        """,
    ),
    Check(
        "V4",
        Text("每人持有的券不超过项目限领张数", "nobody has more vouchers of a programme than it gives one person"),
        """
        SELECT format('programme %s', v.programme) FROM voucher v JOIN voucher_programme p ON p.id = v.programme
        WHERE v.holder IS NOT NULL AND v.state NOT IN ('expired', 'cancelled', 'reversed')
          AND (p.once OR v.state NOT IN ('redeemed', 'settled'))
        GROUP BY v.programme, v.holder, p.per_person HAVING count(*) > p.per_person OR count(v.slot) < count(*) LIMIT 1
        """,
    ),
)
