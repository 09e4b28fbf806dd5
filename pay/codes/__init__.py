"""订单码: an order that a merchant shows and a holder scans, in the form of EMVCo's merchant-presented mode."""
