"""Holders, their cards, and the phones that show them."""
