-- Training vouchers: programmes, batches, vouchers, what happened to each.
SELECT;
