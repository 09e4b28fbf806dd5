"""待遇发放 (disbursement): batches of programmes, approved by two operators as they stand, paid to cards' accounts."""
