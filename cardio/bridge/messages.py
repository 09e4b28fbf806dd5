"""The wire between bridge and backend: JSON text frames of a WebSocket, told apart by `type`.

Both sides refuse a field that they do not know: a limit that one side sends and the other overlooks would be
none. Commands and answers are hex. Nothing here ever carries a PIN. The same frames are spoken by a page on
the loopback (`cardio.bridge.loopback`), which then stands where the backend stands.
"""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

MAX_FRAME = 64 * 1024
"""Bytes of the longest frame that either side takes."""
MAX_BATCH = 64
"""Commands of one batch."""

Command = Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9A-Fa-f]{2}){4,261}$", description="a command APDU, hex")]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
Name = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*$")]
PolicyName = Literal["identify", "identify_pin", "pan", "write_a1_04", "settle_a2_52"]
ScanKind = Literal["code", "digits", "payment", "other"]
CardId = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-F]{32}$", description="卡识别码, 16 bytes, hex")]
Time = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
        r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)(?!\n)$",
        description="RFC 3339, whole seconds",
    ),
]
Fen = Annotated[int, msgspec.Meta(ge=0, le=10**12, description="money in 分")]


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """One frame; its `type` is the tag of its class."""


class ReaderState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reader, and the ATR of the card in it (hex), or None."""

    name: Name
    atr: Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9A-Fa-f]{2}){0,33}$")] | None = None


class Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the counter shows while it waits for a card, in both languages."""

    zh: Name
    en: Name


class Settlement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """医疗结算信息, made while the insurance system could not be reached (item A2-52); money in 分.

    `settled_at` is RFC 3339; `total` is the sum of the three parts: 统筹基金 `fund`, 个人账户 `account`, 现金 `cash`.
    """

    institution: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]{1,12}(?!\n)$")]
    serial: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    settled_at: Time
    total: Fen
    fund: Fen
    account: Fen
    cash: Fen

    def __post_init__(self) -> None:
        """Refuse parts that do not make the total (ValueError; msgspec names it a ValidationError)."""
        if self.total != self.fund + self.account + self.cash:
            msg = "total is not fund + account + cash"
            raise ValueError(msg)


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A settlement in the queue; `seq` counts from 1 on each bridge, `card_id` is the card's 16 bytes in hex."""

    id: UUID
    seq: Count
    item: Literal["A2-52"]
    made_at: Time
    card_id: CardId | None
    settlement: Settlement


# What the bridge says.


class Hello(Frame, frozen=True, tag="hello"):
    """The first frame of a link."""

    version: Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$")]
    readers: list[ReaderState]


class Readers(Frame, frozen=True, tag="readers"):
    """All readers, after each change."""

    readers: list[ReaderState]


class Opened(Frame, frozen=True, tag="opened"):
    """The session has its card."""

    session: UUID
    atr: str
    reader: Name


class Answers(Frame, frozen=True, tag="answers"):
    """The answers of batch `n`, status word last; 61xx and 6Cxx are resolved."""

    session: UUID
    n: Count
    answers: list[str]


class PinEntered(Frame, frozen=True, tag="pin"):
    """What the card said to the PIN that the holder entered at the counter; `left` counts the tries."""

    session: UUID
    n: Count
    verified: bool
    left: int | None = None


class Failed(Frame, frozen=True, tag="failed"):
    """The session is over; `code` is an error's of `cardio.errors` or `cardio.bridge.errors`."""

    session: UUID
    code: str


class Scanned(Frame, frozen=True, tag="scanned"):
    """What a scanner read; only our own code and digits carry their text."""

    kind: ScanKind
    text: Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$")] | None = None


class Queued(Frame, frozen=True, tag="queued"):
    """A record of the off-line queue, sent again until it is `kept`."""

    record: Record


# What the backend says.


class Welcome(Frame, frozen=True, tag="welcome"):
    """The link is admitted; the counter's page types the digits of `pairing` once, within `expires_in` seconds."""

    pairing: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6,12}$")]
    expires_in: Count


class Pairing(Frame, frozen=True, tag="pairing"):
    """New digits in place of the former."""

    pairing: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6,12}$")]
    expires_in: Count


class Paired(Frame, frozen=True, tag="paired"):
    """A terminal's page drives this bridge from now on."""

    terminal: Name


class Unpaired(Frame, frozen=True, tag="unpaired"):
    """No page drives it any more."""


class Open(Frame, frozen=True, tag="open"):
    """Begin a session with one card; `reader` None is the one that has a card."""

    session: UUID
    policy: PolicyName
    item: Annotated[str, msgspec.Meta(pattern=r"^A[123]-\d{2,3}$")]
    reader: Name | None = None
    prompt: Prompt | None = None


class Apdus(Frame, frozen=True, tag="apdus"):
    """Batch `n` of a session; `stop_on_error` ends it after the first status that is not 9000."""

    session: UUID
    n: Count
    commands: Annotated[list[Command], msgspec.Meta(min_length=1, max_length=MAX_BATCH)]
    stop_on_error: bool = True


class AskPin(Frame, frozen=True, tag="pin"):
    """Have the holder enter the PIN at the counter."""

    session: UUID
    n: Count


class Close(Frame, frozen=True, tag="close"):
    """The session is over; the card is released."""

    session: UUID


class Kept(Frame, frozen=True, tag="kept"):
    """A record of the queue is stored for good."""

    id: UUID


SessionFrame = Apdus | AskPin | Close
FromServer = Welcome | Pairing | Paired | Unpaired | Open | Apdus | AskPin | Close | Kept
FromBridge = Hello | Readers | Opened | Answers | PinEntered | Failed | Scanned | Queued

_FROM_SERVER: msgspec.json.Decoder[FromServer] = msgspec.json.Decoder(FromServer)
_FROM_BRIDGE: msgspec.json.Decoder[FromBridge] = msgspec.json.Decoder(FromBridge)


class NotUnderstood(ValueError):
    """A frame that is none of these; the text says where, never what stood there."""


def encode(frame: Frame) -> str:
    """Return the text frame."""
    return msgspec.json.encode(frame).decode()


def from_server(text: str | bytes) -> FromServer:
    """Return what the backend said; raises NotUnderstood."""
    try:
        return _FROM_SERVER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood(_where(error)) from None


def from_bridge(text: str | bytes) -> FromBridge:
    """Return what a bridge said; raises NotUnderstood."""
    try:
        return _FROM_BRIDGE.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood(_where(error)) from None


def _where(error: Exception) -> str:
    # msgspec ends its message with the place: "… - at `$.commands[0]`".
    _, found, place = str(error).rpartition(" - at ")
    return place.strip("`") if found else "$"
