"""What tests of cases share: reviewers who are people, a bank with a counter, a visit of any item."""

from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from ecard.client import Operator, Phone, Terminal, cases
from tests.bureau import PASSWORD, Bureau, new_person, new_uscc


class Bank(NamedTuple):
    """A bank's outlet: its agency and a counter."""

    agency: UUID
    counter: Terminal


def bank(bureau: Bureau, *items: str, **more: Any) -> Bank:
    """Return a new bank with all 必选 items granted, and those named."""
    agency = bureau.registrar.register_agency("测试银行", new_uscc())
    cases.grant(bureau.registrar, agency)
    if items:
        cases.grant(bureau.registrar, agency, items, **more)
    return Bank(agency, bureau.registrar.register_terminal(agency, "counter"))


def reviewer(bureau: Bureau, **person: str) -> Operator:
    """Return a new reviewer who is a known person."""
    return cases.new_reviewer(bureau.security, bureau.cards, {**new_person().facts, **person})


@cache
def reviewers(bureau: Bureau) -> tuple[Operator, ...]:
    """Return four reviewers, the same for all tests of a session."""
    return tuple(reviewer(bureau) for _ in range(4))


def visit(terminal: Terminal, phone: Phone, item: str, *, proven: bool = True) -> str:
    """Return a visit of `item` at a terminal, by a code of the phone that says the password was just proven."""
    if proven:
        phone.prove(PASSWORD)
    return str(terminal.visit(item, phone.code())["visit"])
