"""Makes a paper: the sheet of a look-up, drawn and signed. All of it computes, and nothing here waits.

It is imported when something is printed: drawing and signing bring libraries that take seconds to load.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from ecard import tokens
from ecard.cards.model import Profile
from ecard.catalogue.model import Item
from ecard.keyring.model import Key
from ecard.records.layout import Layout
from ecard.records.model import GAPS, ColumnKind, Paper, Part, said
from ecard.records.papers.certificates import ORGANISATION
from ecard.records.papers.drawing import draw
from ecard.records.papers.model import Sheet, Table, claims, code_of, statement
from ecard.records.papers.sealing import seal
from ecard.tokens import TokenType

LABELS: Mapping[str, str] = {
    "name": "姓名",
    "id_type": "证件类型",
    "id_no": "社会保障号码",
    "sex": "性别",
    "birth_date": "出生日期",
    "ethnicity": "民族",
    "mobile": "手机号码",
    "address": "住址",
    "card_no": "社会保障卡卡号",
    "issuing_area": "发卡地区",
    "bank_name": "开户银行",
    "bank_account": "银行账号",
    "fare_class": "乘车类别",
}
"""What a sheet calls the fields of a holder."""


class Signing(NamedTuple):
    """What a paper is signed with: the key, and the certificates (DER) of it and of its issuer."""

    key: Key
    certificate: bytes
    issuer: bytes


class Issue(NamedTuple):
    """Under which number, when (Unix seconds), and at which address (the issuer's) a paper is issued."""

    number: UUID
    at: int
    address: str


class Made(NamedTuple):
    """A paper: its bytes, their SHA-256, its pages."""

    pdf: bytes
    sha256: bytes
    pages: int


def make(
    layout: Layout, item: Item, paper: Paper, profile: Profile, parts: Sequence[Part], issue: Issue, by: Signing
) -> Made:
    """Return the paper of what was looked up."""
    sheet = Sheet(
        number=issue.number,
        item=item.code,
        title=paper.title,
        text=paper.text,
        issuer=ORGANISATION,
        issued_at=issue.at,
        complete=all(part.reason is None for part in parts),
        holder=tuple((LABELS[field.value], getattr(profile, field.value)) for field in item.fields),
        tables=tuple(_table(layout, part) for part in parts),
        facts=tuple(_facts(layout, paper, parts)),
    )
    said_of = statement(sheet, profile.name, profile.id_no)
    token = tokens.mint(by.key.signer, by.key.kid, TokenType.DOCUMENT, claims(said_of))
    drawn, pages = draw(sheet, code_of(issue.address, issue.number, token), token)
    pdf = seal(drawn, by.key, by.certificate, by.issuer)
    return Made(pdf, sha256(pdf).digest(), pages)


def _table(layout: Layout, part: Part) -> Table:
    section = layout.sections[part.section]
    return Table(
        title=section.zh,
        columns=tuple(column.zh for column in section.columns),
        money=tuple(n for n, one in enumerate(section.columns) if one.kind in {ColumnKind.MONEY, ColumnKind.COUNT}),
        rows=tuple(tuple(said(one.kind, row[one.name]) for one in section.columns) for row in part.rows),
        gap=f"未取得：{GAPS[part.reason]}" if part.reason is not None else "",
    )


def _facts(layout: Layout, paper: Paper, parts: Sequence[Part]) -> Iterator[tuple[str, str]]:
    """Yield what the code says beside the number, of what is there."""
    rows = {part.section: part.rows for part in parts}
    for fact in paper.facts:
        section, _, name = fact.rpartition(".")
        if rows.get(section):
            column = next(one for one in layout.sections[section].columns if one.name == name)
            yield column.zh, said(column.kind, rows[section][0][name])
