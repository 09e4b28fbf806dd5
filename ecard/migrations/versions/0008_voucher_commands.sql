-- What is done with vouchers: one function a command.
SELECT;
