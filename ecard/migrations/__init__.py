"""The schema's history, one line of it: expand first, contract in a later release."""
