"""The certificate of employment and entrepreneurship (A1-04): on record, on the physical card, and shown."""
