"""申请件 (case): its states, routes and levels, who may act on it; pure.

受理 acceptance (level 1) · 审核 review (level 2) · 终审 final review (level 3) · 退回补正 returned for supplement ·
不予通过 rejected · 撤回 withdrawn · 异议 appeal · 即办件 / 二级审核 / 三级审核 routes of one, two and three levels ·
授权 grant (bank, branch, item) · 回避 who applies does not decide.
"""

import datetime
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from ecard.cases.errors import ActNotOfItem, MaterialsMissing
from ecard.catalogue.model import Flow, Item, Route

FIRST_REVIEW = 2
"""The first level that is a reviewer's."""
MOST_MATERIALS = 20
MATERIAL_BYTES = 10 * 1024 * 1024
"""Bytes of the largest material."""


class CaseState(StrEnum):
    """Where a case stands."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REVIEWED = "reviewed"
    RETURNED = "returned"
    DONE = "done"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


UNDER_REVIEW = (CaseState.SUBMITTED, CaseState.ACCEPTED, CaseState.REVIEWED)
"""Where a decision is due."""


class CaseDecision(StrEnum):
    """What whoever is at a level may decide."""

    APPROVE = "approve"
    RETURN = "return"
    REJECT = "reject"


class CaseMotion(StrEnum):
    """What an applicant does with an open or a refused case."""

    SUPPLEMENT = "supplement"
    WITHDRAW = "withdraw"
    APPEAL = "appeal"


class CardAct(StrEnum):
    """What a counter does for an item of flow `manage`; which item has which stands in policy.toml."""

    ACCOUNT_ACTIVATE = "account_activate"
    ACCOUNT_LOSE = "account_lose"
    ACCOUNT_FIND = "account_find"
    ACCOUNT_PASSWORD_MODIFY = "account_password_modify"  # noqa: S105 - the name of an act
    ACCOUNT_PASSWORD_RESET = "account_password_reset"  # noqa: S105 - the name of an act
    ACCOUNT_CLOSE = "account_close"
    BOOK_APPLY = "book_apply"
    BOOK_REPLACE = "book_replace"
    BOOK_REISSUE = "book_reissue"
    STATEMENT_PRINT = "statement_print"
    CARD_APPLY = "card_apply"
    CARD_ENABLE = "card_enable"
    CARD_PASSWORD_MODIFY = "card_password_modify"  # noqa: S105 - the name of an act
    CARD_PASSWORD_RESET = "card_password_reset"  # noqa: S105 - the name of an act
    CARD_LOSE = "card_lose"
    CARD_FIND = "card_find"
    CARD_CANCEL = "card_cancel"


MODIFIES = frozenset({CardAct.ACCOUNT_PASSWORD_MODIFY, CardAct.CARD_PASSWORD_MODIFY})
"""Acts that take the old password and a new one."""
RESETS = frozenset({CardAct.ACCOUNT_PASSWORD_RESET, CardAct.CARD_PASSWORD_RESET})
"""Acts that take the face and a new password."""
WITHOUT_CARD = frozenset({CardAct.CARD_FIND, CardAct.CARD_APPLY, CardAct.CARD_ENABLE})
"""Acts on a card that cannot be shown, by documents and face: it is lost, so no visit comes of it."""


class Effect(StrEnum):
    """What the last approval of a case does beside ending it."""

    CERTIFY = "certify"
    CHANGE = "change"


class RouteRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many levels a route has, acceptance the first, and within how many working days it ends."""

    levels: int
    days: int


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Working days for acceptance and for a supplement; days for an appeal."""

    acceptance: int
    supplement: int
    appeal: int


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """policy.toml as it stands."""

    routes: Mapping[Route, RouteRule]
    terms: Terms
    flows: Mapping[Flow, Route]
    items: Mapping[str, Route]
    fallback: Mapping[str, str]
    materials: Mapping[str, int]
    effects: Mapping[str, Effect]
    acts: Mapping[str, tuple[CardAct, ...]]

    def route(self, item: Item) -> Route | None:
        """Return an item's route: annex 3's own, else its row, else its flow's; None for one that opens no case."""
        return item.route or self.items.get(item.code) or self.flows.get(item.flow)

    def rule(self, item: Item) -> RouteRule | None:
        """Return what the item's route asks; None for an item that opens no case."""
        route = self.route(item)
        return None if route is None else self.routes[route]

    def check_materials(self, item: Item, given: int) -> None:
        """Check that a case of `item` has materials enough; raises MaterialsMissing with `least`."""
        least = self.materials.get(item.code, 0)
        if given < least:
            raise MaterialsMissing(least=least)

    def item_of(self, act: CardAct) -> str:
        """Return the code of the item that has an act."""
        return next(code for code, acts in self.acts.items() if act in acts)

    def check_act(self, item: Item, act: CardAct) -> None:
        """Check that `act` is one of the item's; raises ActNotOfItem with `acts`."""
        acts = self.acts.get(item.code, ())
        if act not in acts:
            raise ActNotOfItem(acts=[one.value for one in acts])


def appeal_ends(ended_at: datetime.datetime, terms: Terms) -> datetime.datetime:
    """Return until when a refusal may be appealed against."""
    return ended_at + datetime.timedelta(days=terms.appeal)
