"""What differs between the card's versions 1.0, 2.0 and 3.0, as data."""
