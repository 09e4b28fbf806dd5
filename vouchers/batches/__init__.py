"""批次 (batches): vouchers made and withdrawn by the thousand, once each."""
