"""待遇发放项目 (programme), 批次 (batch), 明细 (line): states and rules; pure.

    batch  draft → notice 公示 → level1 初审 → level2 复审 → releasing 发放 → done → closed;  a draft again when refused
    line   ready → sent → paid;  ready ⇄ held 暂缓;  sent → unknown → paid | returned 退票 → another line 补发;
           ready | held → cancelled;  paid → clawed back 追回

What was handed in is fixed by its manifest 清单: the Merkle root over its lines (RFC 9162 §2.1). It is the root that
operators approve, that release compares, and that a payee's proof leads to.
"""

import secrets
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from ecard.catalogue.model import Field, Flow, Item
from ecard.encoding import b64url
from ecard.errors import Text
from ecard.merkle import digest
from pay.disbursement.errors import ItemNotCertifying, ItemNotReceived

FORMAT = "ecard-benefit/1"
"""What the first member of a leaf says: its members are these and in this order, for ever."""
SALT = 16
"""Bytes that keep a leaf from being guessed by whoever is shown its hash in another's proof."""
MOST_LINES = 200_000
"""Lines of the largest batch."""
PART = 400
"""Lines of a part: what the largest body holds of lines with a name, a number and a reference."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = 19


class BenefitBatchState(StrEnum):
    """Where a batch stands."""

    DRAFT = "draft"
    NOTICE = "notice"
    LEVEL1 = "level1"
    LEVEL2 = "level2"
    RELEASING = "releasing"
    DONE = "done"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class BenefitState(StrEnum):
    """Where a line stands; `ready` waits for its batch, or for its turn."""

    READY = "ready"
    HELD = "held"
    SENT = "sent"
    UNKNOWN = "unknown"
    PAID = "paid"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class Bad(StrEnum):
    """Why a line that was handed in is not taken."""

    MALFORMED = "malformed"
    ID_NO = "id_no"
    UNKNOWN_PERSON = "unknown_person"
    NAME_DIFFERS = "name_differs"
    UNKNOWN_PAYEE = "unknown_payee"
    COMPONENT = "component"
    AMOUNT = "amount"
    DUPLICATE = "duplicate"


class Hold(StrEnum):
    """Why a line that is released is not paid yet."""

    DECEASED = "deceased"
    MOVED = "moved"
    NOT_CERTIFIED = "certification_lapsed"
    NO_ACCOUNT = "no_account"
    NO_BANK = "bank_not_connected"


class Leaf(NamedTuple):
    """A line as the manifest has it; `n` is its place in the batch, `amount` is 分."""

    n: int
    component: str
    payee: UUID
    amount: int
    salt: bytes

    def content(self, batch: UUID, programme: UUID, period: str) -> list[str | int]:
        """Return what is hashed, and what the payee's proof shows."""
        payee, salt = str(self.payee), b64url(self.salt)
        return [FORMAT, str(batch), self.n, str(programme), period, self.component, payee, self.amount, salt]


def leaves(batch: UUID, programme: UUID, period: str, lines: Sequence[Leaf]) -> list[bytes]:
    """Return the leaf hashes of a batch's lines, in their order."""
    return [digest(line.content(batch, programme, period)) for line in lines]


def check_receivable(item: Item) -> None:
    """Check that `item` is a benefit that is received; raises ItemNotReceived."""
    if item.flow is not Flow.RECEIVE:
        raise ItemNotReceived


def check_certifying(item: Item) -> None:
    """Check that `item` certifies entitlement; raises ItemNotCertifying."""
    if item.flow is not Flow.CERTIFY:
        raise ItemNotCertifying


def is_pseudonymous(item: Item) -> bool:
    """Return whether who hands in and who pays must not learn who is paid: the item discloses no name."""
    return Field.NAME not in item.fields


def new_token() -> str:
    """Return a payee's pseudonym: P, 19 random digits (base 32, 95 bits) and one that checks them."""
    digits = "".join(secrets.choice(_ALPHABET) for _ in range(_DIGITS))
    return f"P{digits}{_check(digits)}"


def is_token(text: str) -> bool:
    """Return whether `text` may be a pseudonym: its last digit fits the others.

    >>> token = new_token()
    >>> is_token(token), is_token(token[:-1]), is_token(token + "0")
    (True, False, False)
    """
    digits = text[1:-1]
    whole = text.startswith("P") and len(digits) == _DIGITS and set(digits) <= set(_ALPHABET)
    return whole and text[-1] == _check(digits)


def _check(digits: str) -> str:
    """Return the check digit (Luhn's way, modulo 32)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = _ALPHABET.index(digit) * (2 - place % 2)
        total += value // 32 + value % 32
    return _ALPHABET[-total % 32]


_WAITS: dict[str, Text] = {
    BenefitBatchState.NOTICE: Text("公示期内", "The public notice period runs"),
    BenefitBatchState.LEVEL1: Text("等待复审", "Waits for the second review"),
    BenefitBatchState.LEVEL2: Text("已审核, 等待拨付", "Approved, waits to be released"),
    BenefitState.READY: Text("已进入发放队列", "In the queue to be paid"),
    BenefitState.SENT: Text("已提交银行, 等待银行答复", "Sent to the bank, waits for its answer"),
    BenefitState.UNKNOWN: Text(
        "银行处理结果待确认, 系统会继续查询", "The bank's answer is not clear yet; it is asked again"
    ),
    BenefitState.RETURNED: Text(
        "银行退票: 请核对社保卡银行账户是否激活, 更正后自动补发",
        "The bank returned it: see that the card's bank account is active; it is then paid again",
    ),
    BenefitState.CANCELLED: Text("已取消, 请向发放单位咨询", "Cancelled; ask the agency that pays it"),
    Hold.DECEASED: Text(
        "待遇资格待核实, 请联系发放单位", "Eligibility is to be clarified; ask the agency that pays it"
    ),
    Hold.MOVED: Text("参保关系已转出, 请联系发放单位", "Moved to another region; ask the agency that pays it"),
    Hold.NOT_CERTIFIED: Text(
        "待遇领取资格认证已过期, 请先认证", "The certification of entitlement has lapsed; renew it"
    ),
    Hold.NO_ACCOUNT: Text("社保卡没有可用的银行账户", "The card has no bank account"),
    Hold.NO_BANK: Text("社保卡账户所属银行暂未接入", "The bank of the card's account is not connected"),
}
_REVIEWED = Text("等待初审", "Waits for the first review")


def waits_for(batch: BenefitBatchState, line: BenefitState, reason: str, *, on_notice: bool) -> tuple[str, Text] | None:
    """Return why a line is not paid yet, as a code and a sentence; None when it is paid."""
    if line is BenefitState.PAID:
        return None
    if line is BenefitState.HELD:
        return reason, _WAITS[reason]
    if line is not BenefitState.READY:
        return line.value, _WAITS[line]
    if batch is BenefitBatchState.NOTICE and not on_notice:
        return "review", _REVIEWED
    if batch in _WAITS:
        return batch.value, _WAITS[batch]
    return "queued", _WAITS[BenefitState.READY]
