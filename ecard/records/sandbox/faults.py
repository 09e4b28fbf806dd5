"""What the sandbox's systems can be told to do wrong: a person's address says which, and how.

    sandbox-records:pension=slow,medical=down,social=twice,fund=wrong

`slow` answers after longer than anybody waits, `down` says at once that it cannot, `twice` gives each row twice,
`wrong` gives rows that are none of its section.
"""

from collections.abc import Mapping
from enum import StrEnum

PREFIX = "sandbox-records:"
SLOW_SECONDS = 30.0


class Fault(StrEnum):
    """How a system fails."""

    SLOW = "slow"
    DOWN = "down"
    TWICE = "twice"
    WRONG = "wrong"


def faults_of(address: str) -> Mapping[str, Fault]:
    """Return which systems fail for the person of this address.

    >>> faults_of("sandbox-records:pension=slow,medical=down,x=y")
    {'pension': <Fault.SLOW: 'slow'>, 'medical': <Fault.DOWN: 'down'>}
    >>> faults_of("银川市兴庆区")
    {}
    """
    if not address.startswith(PREFIX):
        return {}
    named = (one.partition("=") for one in address.removeprefix(PREFIX).split(","))
    return {system: Fault(how) for system, _, how in named if how in set(Fault)}
