-- Benefits paid out to cards' bank accounts.
SELECT;
