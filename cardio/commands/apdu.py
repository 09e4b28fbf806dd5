"""Commands and answers of ISO/IEC 7816-4 §5, with short lengths: no card of this kind has longer ones.

Neither shows its data in `repr`: it may be a PIN or a person's number.
"""

from dataclasses import dataclass, field

from cardio.errors import BadAnswer, NotAllowed

HEADER = 4
MAX_DATA = 255
MAX_LE = 256
MAX_ANSWER = MAX_LE + 2
SW_BYTES = 2
OK = 0x9000
NO_WORD = 0x60


@dataclass(frozen=True, slots=True)
class Command:
    """A command APDU: header, data (0 to 255 bytes), and `le`, the bytes that are expected (1 to 256, or None).

    Raises NotAllowed for what no command may be.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = field(default=b"", repr=False)
    le: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be encoded."""
        header = (self.cla, self.ins, self.p1, self.p2)
        le_fits = self.le is None or 1 <= self.le <= MAX_LE
        if min(header) < 0 or max(header) > MAX_DATA or len(self.data) > MAX_DATA or not le_fits:
            raise NotAllowed

    def encode(self, *, t0: bool = False) -> bytes:
        """Return the bytes: cases 1 to 4; in T=0, case 4 has no Le and its answer is fetched (ISO/IEC 7816-3 §12)."""
        head = bytes((self.cla, self.ins, self.p1, self.p2))
        if self.data:
            head += bytes((len(self.data),)) + self.data
        if self.le is not None and not (t0 and self.data):
            head += bytes((self.le & 0xFF,))
        return head

    @classmethod
    def parse(cls, raw: bytes) -> "Command":
        """Return the command in `raw`; raises NotAllowed for what is none."""
        check(raw)
        cla, ins, p1, p2 = raw[:HEADER]
        body = raw[HEADER:]
        if len(body) <= 1:
            return cls(cla, ins, p1, p2, le=(body[0] or MAX_LE) if body else None)
        data, rest = body[1 : 1 + body[0]], body[1 + body[0] :]
        return cls(cla, ins, p1, p2, data, (rest[0] or MAX_LE) if rest else None)


def check(raw: bytes) -> None:
    """Refuse what is no command (NotAllowed), by its lengths alone.

    A reader takes less than four bytes as an order to itself: one byte of 0 blocked for ever.
    """
    length = len(raw)
    if length < HEADER:
        raise NotAllowed
    if length > HEADER + 1 and (not raw[HEADER] or length - HEADER - 1 - raw[HEADER] not in {0, 1}):
        raise NotAllowed


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: its data, and the status word."""

    data: bytes = field(repr=False)
    sw: int

    def __repr__(self) -> str:
        """Show no data."""
        return f"Response({len(self.data)} bytes, {self.sw:04X})"

    @property
    def ok(self) -> bool:
        """Whether the card carried the command out."""
        return self.sw == OK

    def encode(self) -> bytes:
        """Return data and status word."""
        return self.data + self.sw.to_bytes(SW_BYTES)

    @classmethod
    def parse(cls, raw: bytes) -> "Response":
        """Return the answer in `raw`; raises BadAnswer where it is too short, too long, or has no status word.

        A status word begins with 6 or 9 (ISO/IEC 7816-4 §5.6), and not with 60, which is none.
        """
        if not SW_BYTES <= len(raw) <= MAX_ANSWER:
            raise BadAnswer
        sw = int.from_bytes(raw[-SW_BYTES:])
        if sw >> 12 not in {6, 9} or sw >> 8 == NO_WORD:
            raise BadAnswer
        return cls(raw[:-SW_BYTES], sw)
