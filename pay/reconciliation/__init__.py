"""对账 (reconciliation): the bank's day file against orders and ledger; every difference is booked until explained."""
