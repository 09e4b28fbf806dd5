"""缴费 (bills): an agency's bill is looked up, paid as an order, and marked paid at the agency, once."""
