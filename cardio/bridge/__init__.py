"""`ecard-bridge`: the agent at the counter PC, which lends its card readers to the backend (ADR 0020).

It dials out and is driven: the backend sends commands in batches, the bridge lets through what the session's
policy allows and gives the card's answers back. It holds no key of a card and decides nothing about a person.
"""
