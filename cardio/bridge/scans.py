"""What a scanner read, told apart by its form alone: our code, our digits, a payment app's code, anything else.

    EC1:…                 our dynamic code, up to 311 characters
    9 ‖ 17 digits ‖ Luhn  the 19 digits beside it
    10–15, 18 digits      a payment app's code; likewise 25–30 with 16–24 digits, and 62 with 19
    000201… hQVDUFYwMW…   payment codes of EMVCo (merchant- and consumer-presented)

A payment code is good for money whoever holds it: it is refused at the counter and its text goes nowhere.

>>> route("9000000000000000001").kind
'other'
>>> route("134567890123456789").kind
'payment'
"""

import re
from typing import NamedTuple

from cardio.bridge.messages import ScanKind, Scanned
from cardio.errors import Text

MAX_TEXT = 311
"""Characters of the longest code of ours."""

_DIGITS = 19
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_PAYMENT = re.compile(
    r"1[0-5][0-9]{16}|(?:2[5-9]|30)[0-9]{14,22}|62[0-9]{17}|000201[\x20-\x7e]+|hQVDUFYwMW[0-9A-Za-z+/=]*"
)
_FULL_WIDTH = re.compile("[\uff01-\uff5e\u3000]")


class Scan(NamedTuple):
    """A scan: its kind, its text where it is ours, and what the counter is told where it is not."""

    kind: ScanKind
    text: str | None
    refusal: Text | None

    def frame(self) -> Scanned:
        """Return the frame that tells the backend."""
        return Scanned(kind=self.kind, text=self.text)


_PAYMENT_REFUSED = Text(
    "这是支付码, 不是电子社保卡: 请持卡人打开电子社保卡的“展码”页面。此支付码未被记录或发送。",
    "A payment code, not an e-card: ask the holder for the e-card's code page. It was neither kept nor sent.",
)
_FULL_WIDTH_REFUSED = Text(
    "扫码内容为全角字符: 请关闭输入法 (切换到英文半角) 后重新扫描。",
    "The scan came in full-width characters: turn the input method off and scan again.",
)
_OTHER_REFUSED = Text("不是电子社保卡二维码。", "Not an e-card code.")


def _luhn(digits: str) -> bool:
    reverse = [int(digit) for digit in reversed(digits)]
    return (sum(reverse[::2]) + sum(_DOUBLED[digit] for digit in reverse[1::2])) % 10 == 0


def route(line: str) -> Scan:
    """Return what `line` is; the line's end and blanks around it do not count."""
    text = line.strip()
    if text.startswith("EC1:") and text.isascii() and len(text) <= MAX_TEXT:
        return Scan("code", text, None)
    is_number = text.isascii() and text.isdecimal() and len(text) == _DIGITS
    if is_number and text.startswith("9") and _luhn(text):
        return Scan("digits", text, None)
    if _PAYMENT.fullmatch(text):
        return Scan("payment", None, _PAYMENT_REFUSED)
    return Scan("other", None, _FULL_WIDTH_REFUSED if _FULL_WIDTH.search(text) else _OTHER_REFUSED)
