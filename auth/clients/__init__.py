"""Clients 接入应用: the relying parties that log holders in, registered by the bureau."""
