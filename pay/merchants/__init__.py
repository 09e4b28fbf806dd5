"""商户: a registered agency that may take money, for which items, up to what, and where it is settled to."""
