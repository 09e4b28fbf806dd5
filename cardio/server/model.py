"""桥 (bridge), 配对 (pairing), 读卡会话 (card session): states and rules; pure.

    opening ──card──▶ reading ◀──▶ pin
       │                 ├──▶ proven   the card has proven itself
       │                 ├──▶ read     it could not be asked to: weaker evidence
       └────────┬────────┘
                └──▶ failed, by `why`

Used and expired are seen from elsewhere: from `evidence_use`, and from the clock.
"""

import secrets
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from ecard.catalogue.model import Flow, Item, Scene, Strength
from ecard.errors import Text

SESSION_SECONDS = 60
"""Life of a session: from its opening to the visit that uses it."""
PAIRING_SECONDS = 300
"""Life of the eight digits on a bridge's screen."""
CHALLENGE_BYTES = 16
TOKEN_SECONDS = 60
"""Longest life of the token that a bridge connects with."""


class SessionState(StrEnum):
    """Where a session stands, for the counter's page."""

    OPENING = "opening"
    READING = "reading"
    PIN = "pin"
    PROVEN = "proven"
    READ = "read"
    FAILED = "failed"
    USED = "used"
    EXPIRED = "expired"


class Policy(StrEnum):
    """What a bridge lets the server do with a card in one session; each bridge has its own list for each."""

    IDENTIFY = "identify"
    IDENTIFY_PIN = "identify_pin"
    PAN = "pan"
    WRITE_A1_04 = "write_a1_04"
    SETTLE_A2_52 = "settle_a2_52"


CERTIFICATE_ITEM, SETTLEMENT_ITEM = "A1-04", "A2-52"
"""The two items that write to the card."""


class Why(StrEnum):
    """Why the server ends a session; what happens at the reader has the codes of `cardio.errors`."""

    REPLACED = "replaced"
    BRIDGE_LOST = "bridge_lost"
    UNPAIRED = "unpaired"
    BAD_ANSWER = "bad_answer"
    TIMED_OUT = "timed_out"
    UNKNOWN = "card_unknown"
    NOT_GENUINE = "not_authentic"
    MISMATCH = "card_mismatch"
    EXPIRED = "card_expired"
    SUSPENDED = "card_suspended"
    ACCOUNT = "account_mismatch"
    PIN_LOCKED = "pin_locked"


TEXTS = {
    Why.REPLACED: Text("已开始新的读卡", "Another read was begun"),
    Why.BRIDGE_LOST: Text("与读卡服务的连接已断开", "The bridge's connection was lost"),
    Why.UNPAIRED: Text("本终端与读卡服务的配对已解除", "The terminal's pairing with the bridge has ended"),
    Why.BAD_ANSWER: Text("读卡服务或卡片的应答无法识别", "The bridge's or the card's answer makes no sense"),
    Why.TIMED_OUT: Text("读卡超时", "The read took too long"),
    Why.UNKNOWN: Text("该卡未登记", "The card is not registered"),
    Why.NOT_GENUINE: Text("卡片未通过真伪认证", "The card did not prove that it is genuine"),
    Why.MISMATCH: Text("卡内信息与登记信息不一致", "What the card holds differs from the registry"),
    Why.EXPIRED: Text("卡片已过有效期", "The card has expired"),
    Why.SUSPENDED: Text("该社会保障卡已挂失、锁定或注销", "The card is reported lost, locked or cancelled"),
    Why.ACCOUNT: Text("卡上银行账户与登记信息不一致", "The bank account on the card is not the registered one"),
    Why.PIN_LOCKED: Text("卡片密码已锁定", "The PIN is locked"),
}
REFUSALS = frozenset(
    {Why.UNKNOWN, Why.NOT_GENUINE, Why.MISMATCH, Why.EXPIRED, Why.SUSPENDED, Why.ACCOUNT, Why.PIN_LOCKED}
)
"""Those that say something about a card, and stand in the audit log."""


def policy_of(item: Item) -> Policy:
    """Return what is done with a card for `item`: writing, the bank account, the PIN, or reading alone."""
    if item.code == CERTIFICATE_ITEM:
        return Policy.WRITE_A1_04
    if item.code == SETTLEMENT_ITEM:
        return Policy.SETTLE_A2_52
    if item.scene is Scene.PAY or item.flow is Flow.PAY:
        return Policy.PAN
    return Policy.IDENTIFY_PIN if asks_pin(item) else Policy.IDENTIFY


def asks_pin(item: Item) -> bool:
    """Return whether `item` asks for more than the card itself."""
    return item.strength.meets(Strength.KNOWLEDGE)


def challenge(session: UUID, item: str, terminal: UUID, bridge: UUID, random: bytes) -> bytes:
    """Return the 16 bytes that the card must answer to: they stand for this session and no other.

    Truncated SHA-256 over session, terminal, bridge, 32 random bytes and the item.
    """
    said = session.bytes + terminal.bytes + bridge.bytes + random + item.encode()
    return sha256(b"ecard card challenge v1" + said).digest()[:CHALLENGE_BYTES]


def once_key(challenge: bytes) -> bytes:
    """Return what a read burns when it is used."""
    return sha256(b"card" + challenge).digest()[:16]


def new_pairing() -> str:
    """Return eight digits for a bridge's screen."""
    return f"{secrets.randbelow(10**8):08d}"


def strength(*, authentic: bool, pin: bool) -> Strength:
    """Return what a read proves: a PIN counts with a genuine card alone."""
    if not authentic:
        return Strength.PRESENTED
    return Strength.KNOWLEDGE if pin else Strength.POSSESSION


def amr(*, authentic: bool, pin: bool, account: bool) -> list[str]:
    """Return how it was proven: RFC 8176's `sc`, `hwk` and `pin`, our `pan`; `read` of what was read alone."""
    proven = ["sc", "hwk"] if authentic else ["read"]
    return proven + ["pin"] * pin + ["pan"] * account
