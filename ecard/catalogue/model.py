"""The catalogue's terms and rules; pure.

Item 应用事项 · annex 附件 (1 人社领域, 2 其他民生保障领域, 3 赋权银行办理) · domain 业务领域 ·
function 功能分类 · form 用卡形式 · agency 相关单位 · business 业务分类 · group 主项业务 ·
mandatory 必选事项 · route 办件类型 · delegated 可申请权限 · flow 办理流程 · scene 用码场景 ·
purpose 授权说明 · level 签发等级 · strength 核验强度 · proximity 在场方式.
"""

import hashlib
from collections.abc import Iterable
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Annotated, Literal

import msgspec

from ecard.catalogue.errors import ItemUnknown

Annex = Literal[1, 2, 3]
Level = Literal[1, 2]
# One line of text: not blank, no white space at the ends, no run of spaces. (?!\s): a bare $ would let a
# final line end pass, and \Z is unknown to JSON Schema.
Line = Annotated[str, msgspec.Meta(pattern=r"^\S+(?: \S+)*(?!\s)$")]


class Form(StrEnum):
    """Which card the holder shows: 实体卡 or 电子卡."""

    PHYSICAL = "physical"
    ELECTRONIC = "electronic"


class Function(StrEnum):
    """What annexes 1 and 2 say that the card is used for."""

    IDENTITY = "身份凭证"
    INQUIRY = "自助查询"
    MONEY = "缴费和待遇领取"
    SETTLEMENT = "就医结算"
    RECORD = "信息记录"


class Route(StrEnum):
    """How many reviews an item of annex 3 passes: none, two levels or three."""

    IMMEDIATE = "即办件"
    TWO_LEVEL = "二级审核"
    THREE_LEVEL = "三级审核"


class Duty(StrEnum):
    """What a bank's outlet may do with an item of annex 3: accept it, review it."""

    ACCEPT = "受理"
    REVIEW = "审核"


class Flow(StrEnum):
    """What goes on once the holder is known; each member is a module elsewhere and a row of flows.toml."""

    IDENTIFY = "identify"
    LOGIN = "login"
    APPLY = "apply"
    QUERY = "query"
    PAY = "pay"
    RECEIVE = "receive"
    SETTLE = "settle"
    RIDE = "ride"
    RECORD = "record"
    CERTIFY = "certify"
    VOUCHER = "voucher"
    CREDENTIAL = "credential"
    TIMEBANK = "timebank"
    MANAGE = "manage"


class Field(StrEnum):
    """A field of the holder that an item may disclose."""

    NAME = "name"
    ID_TYPE = "id_type"
    ID_NO = "id_no"
    SEX = "sex"
    BIRTH_DATE = "birth_date"
    ETHNICITY = "ethnicity"
    MOBILE = "mobile"
    ADDRESS = "address"
    CARD_NO = "card_no"
    ISSUING_AREA = "issuing_area"
    BANK_NAME = "bank_name"
    BANK_ACCOUNT = "bank_account"
    FARE_CLASS = "fare_class"


class Scene(IntEnum):
    """The scene of a code; the value is the byte inside the QR code, so none may ever change."""

    IDENTITY = 1
    PAY = 2
    RIDE = 3
    VOUCHER = 4
    MEDICAL = 5


class Strength(StrEnum):
    """How strongly the holder's presence is proved, weakest first; compare with `meets`, never with ``<``.

    `presented` is a card that was read and could not be asked to prove itself: what was read may be a copy.
    """

    PRESENTED = "presented"
    POSSESSION = "possession"
    KNOWLEDGE = "knowledge"
    BIOMETRIC = "biometric"

    @property
    def rank(self) -> int:
        """0 for the weakest; a plain comparison would compare spellings."""
        return list(Strength).index(self)

    @property
    def proven(self) -> bool:
        """Whether anything is proven at all."""
        return self is not Strength.PRESENTED

    def meets(self, least: "Strength") -> bool:
        """Whether evidence of this strength is enough where `least` is asked."""
        return self.rank >= least.rank


class Proximity(StrEnum):
    """Where the holder must be, loosest first: also online, at a registered terminal, at an attended counter."""

    ANY = "any"
    TERMINAL = "terminal"
    COUNTER = "counter"

    @property
    def rank(self) -> int:
        """0 for the loosest."""
        return list(Proximity).index(self)

    def meets(self, least: "Proximity") -> bool:
        """Whether this place is close enough where `least` is asked."""
        return self.rank >= least.rank


class Purpose(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sentence that the holder consents to, in both languages."""

    zh: Line
    en: Line


class FlowEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A row of flows.toml: a flow, its labels, the scene of the code that it takes, and the operations that do it."""

    name: Flow
    zh: Line
    en: Line
    scene: Scene
    operations: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1)]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item: the source's columns word for word, then the policy.

    `domain` stands in annex 1 only, `agencies` in annex 2 (empty where the source names none), and
    `business` to `delegated` in annex 3, which has no description and no function.
    """

    code: Line
    annex: Annex
    no: int
    title: Line
    description: Line | None = None
    function: Function | None = None
    forms: Annotated[tuple[Form, ...], msgspec.Meta(min_length=1)]
    domain: Line | None = None
    agencies: tuple[Line, ...] | None = None
    business: Line | None = None
    group: Line | None = None
    mandatory: bool | None = None
    route: Route | None = None
    delegated: Annotated[tuple[Duty, ...], msgspec.Meta(min_length=1)] | None = None
    flow: Flow
    scene: Scene
    fields: tuple[Field, ...]
    purpose: Purpose
    level: Level
    strength: Strength
    proximity: Proximity

    @property
    def scope(self) -> str:
        """The OAuth scope that stands for this item (RFC 6749 §3.3)."""
        return f"ecard_item:{self.code}"

    @property
    def acr(self) -> str:
        """The least authentication context class, such as ``l2-knowledge`` (OpenID Connect Core §2)."""
        return f"l{self.level}-{self.strength}"

    def permits(self, form: Form) -> bool:
        """Whether this item may be done with this form of the card."""
        return form in self.forms


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """A filter over the catalogue; what is None does not filter."""

    annex: Annex | None = None
    form: Form | None = None
    flow: Flow | None = None
    function: Function | None = None
    domain: str | None = None
    agency: str | None = None
    q: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None

    def matches(self, item: Item) -> bool:
        """Whether `item` passes every filter; `q` is looked for in the code, the title and the description."""
        text = f"{item.code}\n{item.title}\n{item.description or ''}".casefold()
        return (
            self.annex in (None, item.annex)
            and (self.form is None or item.permits(self.form))
            and self.flow in (None, item.flow)
            and self.function in (None, item.function)
            and self.domain in (None, item.domain)
            and (self.agency is None or self.agency in (item.agencies or ()))
            and (self.q is None or self.q.casefold() in text)
        )


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """All items in the order of the annexes; equal only to itself, so that it can be a cache's key."""

    items: tuple[Item, ...]
    flows: tuple[FlowEntry, ...]

    @cached_property
    def version(self) -> str:
        """SHA-256 of the canonical JSON of the whole catalogue, 64 hexadecimal digits."""
        return hashlib.sha256(msgspec.json.encode((self.items, self.flows), order="deterministic")).hexdigest()

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """The domains of annex 1, in the order of the source."""
        return _distinct(item.domain for item in self.items if item.domain)

    @cached_property
    def agencies(self) -> tuple[str, ...]:
        """The agencies of annex 2, in the order of the source."""
        return _distinct(agency for item in self.items for agency in item.agencies or ())

    def get(self, code: str) -> Item:
        """Return the item of this code; raises ItemUnknown."""
        item = self._by_code.get(code)
        if item is None:
            raise ItemUnknown
        return item

    def flow(self, name: Flow) -> FlowEntry:
        """Return the labels and the scene of a flow."""
        return next(entry for entry in self.flows if entry.name is name)

    def select(self, selection: Selection) -> tuple[Item, ...]:
        """Return the items that pass the filter, in order."""
        return tuple(item for item in self.items if selection.matches(item))

    @cached_property
    def _by_code(self) -> dict[str, Item]:
        return {item.code: item for item in self.items}


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
