-- Rides, billers and order codes.
SELECT 1;
