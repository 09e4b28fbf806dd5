"""Credentials on the e-card with selective disclosure: a driving licence, a degree, shown no further than asked."""
