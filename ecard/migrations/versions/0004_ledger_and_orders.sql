-- Money: the ledger, merchants, orders and refunds. Amounts are integers in 分; times are the database's own.

ALTER TABLE operator DROP CONSTRAINT operator_role_check;
ALTER TABLE operator ADD CHECK (role IN ('registrar', 'cards', 'security', 'finance'));
