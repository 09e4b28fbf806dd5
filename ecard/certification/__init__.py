"""Certification of entitlement: that a payee lives and is who is paid, good for twelve months."""
