-- Banks: attempts, unknown outcomes, suspense.
SELECT 1;
