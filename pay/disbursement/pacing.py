"""How many pay-outs a process has under way at a bank: fewer as soon as answers stay out, more again as they come.

A bank that is asked for more than it answers in time leaves outcomes that must be asked for again, which is more to
ask it still. So the width is halved by a chunk in which more than a tenth was not heard, and grows by one with each
other (additive increase, multiplicative decrease: Chiu and Jain, 1989). Pure.
"""

WIDEST = 16
"""Pay-outs under way at once in a process, at most."""
_START = 4
_UNHEARD = 0.1


class Pace:
    """The width that a process has found for its banks."""

    def __init__(self) -> None:
        self.width = _START

    @property
    def chunk(self) -> int:
        """How many lines are committed, asked and booked together."""
        return 4 * self.width

    def note(self, asked: int, unheard: int) -> None:
        """Learn from a chunk.

        >>> pace = Pace()
        >>> pace.note(16, 0); pace.width
        5
        >>> pace.note(20, 3); pace.note(8, 8); pace.note(4, 4); pace.width
        1
        """
        if unheard > _UNHEARD * asked:
            self.width = max(1, self.width // 2)
        else:
            self.width = min(WIDEST, self.width + 1)
