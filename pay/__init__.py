"""移动支付 (mobile payment): one ledger, orders paid by code, unknown outcomes resolved, every fen accounted for."""
