"""凭据 (receipts): what a holder paid, with the proof that it stands in the sealed books."""
