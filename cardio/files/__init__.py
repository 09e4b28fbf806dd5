"""What is in a card's files: data objects, kinds of fields, and the files themselves, declared as data."""
