-- Merchants, orders and refunds.
SELECT 1;
