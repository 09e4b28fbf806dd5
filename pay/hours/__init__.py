"""The volunteer time bank: service earns minutes, which are spent on public services."""
