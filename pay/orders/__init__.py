"""订单: a holder's payment to a merchant, from the scanned code or the confirmed order to its refund."""
