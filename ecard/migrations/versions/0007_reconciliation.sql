-- Reconciliation, webhooks, settlement to merchants.
SELECT 1;
