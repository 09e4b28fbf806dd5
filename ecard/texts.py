"""Text that others see: what it says must be what it shows."""

import unicodedata

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that show nothing."""


def shows(text: str) -> bool:
    r"""Return whether every character of `text` is one to be seen: no controls, no marks of direction, no blanks.

    >>> shows("网上办事大厅 1号"), shows("agency\u202eycnega"), shows("\u3164")
    (True, False, False)
    """
    seen = all(one == " " or unicodedata.category(one)[0] not in "CZ" for one in text)
    return seen and not _BLANK.intersection(text) and bool(text.strip())
