-- Applications under review: cases, their steps, materials, who may accept and review; what holds against direct SQL.

ALTER TABLE operator DROP CONSTRAINT operator_role_check;
ALTER TABLE operator ADD CHECK (role IN ('registrar', 'cards', 'security', 'finance', 'training', 'reviewer'));
