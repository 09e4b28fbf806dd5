"""The server's side of physical cards: bridges and their pairing, reads of cards, and the evidence in one."""
