"""Certificates and bundles made as the platform makes them, for what must be tried without a server."""

import datetime
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from ecard import tokens
from ecard.ids import new_id
from ecard.keyring.model import key_url
from ecard.keys import Suite, generate, to_jwk
from ecard.tokens import PublicKey, TokenType
from vouchers.credentials import status
from vouchers.credentials.model import Certificate, badge, key_set

ISSUER = "https://ecard.example"
NOW = 1_790_000_000.0
ISSUED = datetime.datetime.fromtimestamp(NOW - 86400, datetime.UTC)


def certificate(**changed: Any) -> Certificate:
    """Return a certificate's facts."""
    facts = Certificate(
        id=new_id(),
        programme=new_id(),
        title="育婴员初级",
        content="婴幼儿照护的基本知识与操作",
        level="basic",
        course="育婴员 2026 年第 3 班",
        institution=UUID(int=7),
        institution_name="测试职业培训学校",
        hours=24,
        ended_on=datetime.date(2026, 9, 18),
        list=0,
        place=131_070,
        issued_at=ISSUED,
        revoked_at=None,
    )
    return msgspec.structs.replace(facts, **changed)


class Issuer:
    """A platform's keys: one of certificates, one anchor."""

    def __init__(self, suite: Suite = Suite.ES256) -> None:
        self.signer, _ = generate(suite)
        self.anchor, _ = generate(suite)
        self.anchors = {"anchor-1": PublicKey(suite, self.anchor.public)}

    def show(self, facts: Certificate, *, name: str | None = None, **changed: Any) -> str:
        """Return a signed certificate; `changed` replaces claims of it before it is signed."""
        claims = badge(facts, issuer=ISSUER, subject="urn:uuid:0d0c2f9a-5f0e-8000-8000-000000000001", name=name)
        return tokens.mint(self.signer, key_url(ISSUER, "k1"), TokenType.ID, {**claims, **changed})

    def list(self, places: Iterable[int] = (), number: int = 0, now: float = NOW) -> str:
        """Return a signed status list in which `places` are revoked."""
        made = status.credential(ISSUER, number, places, now)
        return tokens.mint(self.signer, key_url(ISSUER, "k1"), TokenType.STATUS_LIST, made)

    def bundle(self, *lists: str, now: float = NOW, typ: TokenType = TokenType.CREDENTIALS, **changed: Any) -> str:
        """Return a signed bundle with these lists (the first, empty one by default)."""
        claims = {
            "iss": ISSUER,
            "iat": int(now),
            "exp": int(now) + status.LIFE,
            "keys": key_set(ISSUER, {"k1": to_jwk(self.signer.suite, self.signer.public)}),
            "lists": lists or [self.list(now=now)],
        }
        return tokens.mint(self.anchor, "anchor-1", typ, {**claims, **changed})
