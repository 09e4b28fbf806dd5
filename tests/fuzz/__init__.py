"""Fuzzing by coverage (atheris): what parses a card's answers raises only declared errors."""
