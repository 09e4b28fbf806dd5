"""Ways to a card: PC/SC, and virtual cards in this process."""
