"""Grants 授权: what holders allowed clients, remembered, listed and withdrawn."""
