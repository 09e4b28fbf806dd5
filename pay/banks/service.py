"""Registering banks: whom we ask, with which key, and how patiently."""

import re

import msgspec

from ecard.audit import store as audit
from ecard.db import Tx
from ecard.errors import Invalid, NotFound
from ecard.keys import Suite, from_jwk, generate, load_signer, to_jwk
from ecard.vault import Vault
from pay.banks import store
from pay.banks.directory import OWN_KEY
from pay.banks.errors import LadderRefused
from pay.banks.model import Ladder
from pay.banks.store import BankRow

LAYOUT = "ecard-day-1"
_CODE = re.compile(r"[A-Z0-9]{2,16}")
_IIN = re.compile(r"[0-9]{1,12}")


class BankAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A bank to be registered: `iins` are the beginnings of its cards' accounts, `key` its public key (JWK)."""

    code: str
    name: str
    iins: tuple[str, ...]
    url: str
    key: dict[str, str]
    ladder: Ladder = Ladder()
    layout: str = LAYOUT


async def register(tx: Tx, vault: Vault, asked: BankAsked) -> dict[str, str]:
    """Add a bank and return the public key (JWK) that it is to verify our requests with.

    Raises BankExists, LadderRefused, and Invalid with the pointer of another field.
    """
    if not _CODE.fullmatch(asked.code):
        raise Invalid(pointer="/code")
    if not asked.iins or not all(_IIN.fullmatch(iin) for iin in asked.iins):
        raise Invalid(pointer="/iins")
    suite, public = public_key(asked.key)
    ladder = checked(asked.ladder)
    signer, der = generate(Suite.ES256)
    await store.insert(
        tx,
        BankRow(
            asked.code,
            asked.name,
            asked.iins,
            asked.url,
            suite,
            public,
            vault.seal(OWN_KEY, der),
            ladder,
            asked.layout,
            "",
            stopped=False,
        ),
    )
    await audit.insert(tx, kind="bank_registered", outcome="ok", actor=None, detail={"bank": asked.code})
    return to_jwk(signer.suite, signer.public)


async def change(
    tx: Tx, code: str, *, url: str | None = None, key: dict[str, str] | None = None, ladder: Ladder | None = None
) -> None:
    """Change what is not None: in force in every process within two seconds. Raises NotFound, LadderRefused."""
    public = public_key(key) if key else None
    if not await store.change(tx, code, url=url, key=public, ladder=checked(ladder) if ladder else None):
        raise NotFound
    changed = [name for name, value in {"url": url, "key": key, "ladder": ladder}.items() if value is not None]
    await audit.insert(tx, kind="bank_changed", outcome="ok", actor=None, detail={"bank": code, "changed": changed})


async def switch(tx: Tx, code: str, *, stop: bool) -> None:
    """Stop new payments at a bank, or let them go on; what was begun is resolved all the same. Raises NotFound."""
    if not await store.switch(tx, code, stop=stop):
        raise NotFound
    kind = "bank_stopped" if stop else "bank_started"
    await audit.insert(tx, kind=kind, outcome="ok", actor=None, detail={"bank": code})


def own_key(vault: Vault, row: BankRow) -> dict[str, str]:
    """Return the public half (JWK) of our key for a bank."""
    signer = load_signer(vault.open(OWN_KEY, row.own))
    return to_jwk(signer.suite, signer.public)


def public_key(jwk: dict[str, str]) -> tuple[Suite, bytes]:
    """Return a bank's public key; raises Invalid."""
    try:
        return from_jwk(jwk)
    except ValueError:
        raise Invalid(pointer="/key") from None


def checked(ladder: Ladder) -> Ladder:
    """Return the ladder; raises LadderRefused where a figure contradicts another."""
    problem = ladder.problem()
    if problem:
        raise LadderRefused(pointer=f"/ladder/{problem}", reason=problem)
    return ladder
