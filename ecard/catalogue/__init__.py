"""The application catalogue (社会保障卡“一卡通”应用目录): all 192 items as data, one row each.

A row says what the item is, word for word from the three annexes, and what goes on once the holder is
known: the flow, the fields that may be disclosed, the consent sentence, the least issuing level and
evidence. It is the only source of scopes, consent text, code scene, audit row and API documentation,
so a new item is a new row in ``data/`` and no Python.
"""
