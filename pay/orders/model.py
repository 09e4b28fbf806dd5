"""订单 (order): its states and moves, and the class of the evidence that it is paid on; pure.

    created ──▶ processing ──▶ paid ──▶ partially_refunded ──▶ refunded
       │  user_confirming ▲ │
       └──▶ closed ◀──┘     ├──▶ failed                      by the bank's word alone
                            └──▶ unknown ──▶ reversing ──▶ reversed, paid or failed
                                        any of the three ──▶ suspended: a person decides

The classes are those of 银发〔2017〕296号 with the limit of a day: A two factors with an electronic signature, by
agreement; B two factors, 5,000 yuan; C one factor, 1,000 yuan; D a static code, 500 yuan.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from ecard.catalogue.model import Item, Strength
from ecard.desk.model import Evidence, check

NUMBER = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""A merchant's own number of an order or a refund."""
CONFIRM_SECONDS = 120
"""Seconds that a till waits for the password."""
IN_FLIGHT_SECONDS = 10
"""Seconds for which an attempt without an answer is taken to be under way in the request that made it."""


class OrderState(StrEnum):
    """How an order stands."""

    CREATED = "created"
    USER_CONFIRMING = "user_confirming"
    PROCESSING = "processing"
    UNKNOWN = "unknown"
    REVERSING = "reversing"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    REVERSED = "reversed"
    CLOSED = "closed"
    SUSPENDED = "suspended"


class RefundState(StrEnum):
    """How a refund stands."""

    PROCESSING = "processing"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"
    SUSPENDED = "suspended"


class OrderKind(StrEnum):
    """How an order came about."""

    CODE = "code"
    APP = "app"
    ORDER_CODE = "order_code"
    STATIC_CODE = "static_code"
    BILL = "bill"
    RIDE = "ride"
    MEDICAL = "medical"


_DECIDED = frozenset({OrderState.PAID, OrderState.FAILED, OrderState.REVERSED})
_GIVEN_BACK = frozenset({OrderState.PARTIALLY_REFUNDED, OrderState.REFUNDED})
MOVES: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.CREATED: frozenset({OrderState.PROCESSING, OrderState.CLOSED}),
    OrderState.USER_CONFIRMING: frozenset({OrderState.PROCESSING, OrderState.CLOSED}),
    OrderState.PROCESSING: _DECIDED | {OrderState.UNKNOWN, OrderState.REVERSING, OrderState.SUSPENDED},
    OrderState.UNKNOWN: _DECIDED | {OrderState.REVERSING, OrderState.SUSPENDED},
    OrderState.REVERSING: _DECIDED | {OrderState.SUSPENDED},
    OrderState.SUSPENDED: _DECIDED,
    OrderState.PAID: _GIVEN_BACK,
    OrderState.PARTIALLY_REFUNDED: _GIVEN_BACK,
    OrderState.REFUNDED: frozenset(),
    OrderState.FAILED: frozenset(),
    OrderState.REVERSED: frozenset(),
    OrderState.CLOSED: frozenset(),
}
"""From each state, where an order may go next; the SQL's guards are these."""


class Class(StrEnum):
    """风险防范能力等级 (class of evidence), strongest first."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


def class_of(evidence: Evidence) -> Class:
    """Return the class of what was shown at the till.

    Two factors are the phone and its password (or more). A signature is the phone's own, over its code: a
    ticket is signed by the issuer, and digits by nobody.
    """
    if not evidence.strength.meets(Strength.KNOWLEDGE):
        return Class.C
    return Class.A if evidence.kind == "device_code" else Class.B


def check_evidence(item: Item, evidence: Evidence, setting: str) -> bool:
    """Check that `item` takes this evidence at a place of this setting; return whether the password must follow.

    What proves possession alone does where the item asks for knowledge: the password is then asked for on the
    phone. Raises FormNotAccepted, WrongScene, WrongPlace or TooWeak.
    """
    if evidence.strength.meets(item.strength) or not evidence.strength.meets(Strength.POSSESSION):
        check(item, evidence, setting)
        return False
    check(item, msgspec.structs.replace(evidence, strength=Strength.KNOWLEDGE), setting)
    return True
