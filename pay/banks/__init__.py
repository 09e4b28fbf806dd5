"""Banks: who moves the money, what they answer, and what is done when they do not."""
