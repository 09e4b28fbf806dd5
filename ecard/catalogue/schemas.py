"""The catalogue as JSON: one shape per annex, told apart by `annex`; HTTP and the command line share the bytes."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from ecard.catalogue.model import (
    Annex,
    Duty,
    Field,
    Flow,
    Form,
    Function,
    Item,
    Level,
    Proximity,
    Purpose,
    Route,
    Strength,
)


class ItemView(msgspec.Struct, frozen=True, kw_only=True, tag_field="annex"):
    """What every item shows: the source's columns, then the policy."""

    code: str
    no: int
    title: str
    description: str | None
    function: Function | None
    forms: tuple[Form, ...]
    flow: Flow
    scope: str
    fields: tuple[Field, ...]
    purpose: Purpose
    level: Level
    strength: Strength
    proximity: Proximity
    scene: Literal["identity", "pay", "ride", "voucher", "medical"]
    acr: str


class SocialSecurityItemView(ItemView, frozen=True, kw_only=True, tag=1):
    """An item of annex 1 (人社领域)."""

    domain: str


class PublicServiceItemView(ItemView, frozen=True, kw_only=True, tag=2):
    """An item of annex 2 (其他民生保障领域); `agencies` is empty where the source names none."""

    agencies: tuple[str, ...]


class DelegatedItemView(ItemView, frozen=True, kw_only=True, tag=3):
    """An item of annex 3 (赋权银行办理), which has no description and no function."""

    business: str
    group: str
    mandatory: bool
    route: Route
    delegated: tuple[Duty, ...]


AnyItemView = SocialSecurityItemView | PublicServiceItemView | DelegatedItemView

_VIEWS: dict[Annex, type[AnyItemView]] = {1: SocialSecurityItemView, 2: PublicServiceItemView, 3: DelegatedItemView}


def view(item: Item) -> AnyItemView:
    """Return the item as it is shown."""
    kind = _VIEWS[item.annex]
    shown = {name: getattr(item, name) for name in kind.__struct_fields__}
    return kind(**shown | {"scene": item.scene.name.lower()})


def document(items: Iterable[Item]) -> bytes:
    """Return the JSON array of the items, UTF-8."""
    return msgspec.json.encode([view(item) for item in items])


def document_of(item: Item) -> bytes:
    """Return the JSON object of one item, UTF-8."""
    return msgspec.json.encode(view(item))
