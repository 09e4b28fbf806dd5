"""Notifying merchants of what became of their orders: Standard Webhooks, from the outbox, for days if need be."""
