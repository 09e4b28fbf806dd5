"""Key modules: where the keys are that a card's proof is compared with; never on the counter's PC."""
