"""What must hold between batches, their vouchers and the ledger, for `ecard ledger check`."""

from collections.abc import Sequence

from ecard.errors import Text
from pay.ledger.checks import Check

CHECKS: Sequence[Check] = (
    Check(
        "V5",
        Text("每批次的券恰为已发放的那些, 各一张", "a batch's vouchers are those that it says were issued, each once"),
        """
        SELECT format('batch %s', b.id) FROM voucher_batch b
        LEFT JOIN (SELECT batch, count(*) AS made, count(DISTINCT n) AS places, max(n) AS last FROM voucher
                   GROUP BY batch) v ON v.batch = b.id
        WHERE (coalesce(v.made, 0), coalesce(v.places, 0)) <> (b.issued, b.issued)
           OR v.last >= b.issued + b.skipped LIMIT 1
        """,
    ),
    Check(
        "V6",
        Text(
            "批次托管余额等于有效券与未发放券面值之和",
            "a batch's escrow is the face of what lives and what is not made yet",
        ),
        """
        SELECT format('batch %s', b.id) FROM voucher_batch b
        LEFT JOIN LATERAL (SELECT sum(a.balance) AS balance, sum(a.held) AS held FROM account a
                           WHERE a.id = ANY (b.escrows)) a ON true
        LEFT JOIN LATERAL (SELECT count(*) AS vouchers FROM voucher v WHERE v.batch = b.id
            AND v.state NOT IN ('redeemed', 'settled', 'expired', 'cancelled', 'reversed')) v ON true
        WHERE b.face > 0 AND (coalesce(a.held, 0) <> b.face * v.vouchers
            OR coalesce(a.balance, 0) <> b.face * (v.vouchers
                + CASE b.state WHEN 'issuing' THEN b.quantity - b.issued - b.skipped ELSE 0 END)) LIMIT 1
        """,
    ),
)
