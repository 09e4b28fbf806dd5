-- Certificates of training.
SELECT;
