"""The audit log: rows that anyone may append, sealed by short periods so that a change shows."""
