"""Regions, their rules and their institutions, as operators of finance load them."""

import datetime
import secrets
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from auth.clients.model import address_allowed
from ecard.audit import store as audit
from ecard.callers import Operator
from ecard.db import Db, Tx
from ecard.errors import NotFound
from ecard.ids import new_id
from ecard.runtime import Runtime
from pay.medical.connector import KEY
from pay.medical.errors import RegionUnknown, RulesDiffer, RulesRefused
from pay.medical.schemas import (
    MedicalInstitutionRequest,
    MedicalRule,
    MedicalRuleEntry,
    MedicalRulesAnswer,
    MedicalRulesRequest,
)
from pay.medical.splitting import check_rule

# A region's server stays where none is named, and gets a new key where one is.
_REGION = """
    INSERT INTO medical_region AS r (code, name, url, key) VALUES ($1, $2, $3, $4) ON CONFLICT (code) DO UPDATE
    SET name = EXCLUDED.name, url = coalesce(EXCLUDED.url, r.url), key = coalesce(EXCLUDED.key, r.key)
"""
_KEY_BYTES = 32
_ADD = """
    INSERT INTO medical_rule (id, region, scheme, care, valid_from, valid_until, body, by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (region, scheme, care, valid_from) DO NOTHING RETURNING true
"""
_SAME = """
    SELECT body, valid_until FROM medical_rule WHERE (region, scheme, care, valid_from) = ($1, $2, $3, $4)
"""
_LIST = """
    SELECT id, region, scheme, care, valid_from, valid_until, body FROM medical_rule
    WHERE $1::text IS NULL OR region = $1 ORDER BY region, scheme, care, valid_from
"""
_INSTITUTION = """
    INSERT INTO medical_institution (agency, region, grade, by) VALUES ($1, $2, $3, $4)
    ON CONFLICT (agency) DO UPDATE SET region = EXCLUDED.region, grade = EXCLUDED.grade, by = EXCLUDED.by, at = now()
"""
_NOT_OF_A_RULE = ("scheme", "care", "valid_from", "valid_until")


async def load(tx: Tx, runtime: Runtime, asked: MedicalRulesRequest, by: Operator | None) -> MedicalRulesAnswer:
    """Add a region with its rules; those that stand already, word for word, stay.

    Raises RulesRefused (a rule contradicts itself, the address is not allowed), RulesDiffer (another one begins on
    that day).
    """
    if asked.url is not None and not address_allowed(asked.url, sandbox=runtime.settings.sandbox):
        raise RulesRefused(pointer="/url")
    for place, rule in enumerate(asked.rules):
        check_rule(rule, f"/rules/{place}")
        if rule.valid_until is not None and rule.valid_until <= rule.valid_from:
            raise RulesRefused(pointer=f"/rules/{place}/valid_until")
    key = None if asked.url is None else secrets.token_bytes(_KEY_BYTES)
    kept = None if key is None else runtime.vault.seal(KEY, key)
    await tx.execute(_REGION, asked.region, asked.name, asked.url, kept)
    added = 0
    for place, rule in enumerate(asked.rules):
        if await _add(tx, asked.region, rule, by):
            added += 1
        elif not await _same(tx, asked.region, rule):
            raise RulesDiffer(pointer=f"/rules/{place}")
    detail: dict[str, object] = {"region": asked.region, "added": added}
    await audit.insert(tx, kind="medical_rules", outcome="ok", actor=by.actor if by else None, detail=detail)
    return MedicalRulesAnswer(region=asked.region, added=added, key=None if key is None else key.hex())


def _body(rule: MedicalRule) -> dict[str, object]:
    whole: dict[str, object] = msgspec.to_builtins(rule)
    return {name: value for name, value in whole.items() if name not in _NOT_OF_A_RULE}


async def _add(tx: Tx, region: str, rule: MedicalRule, by: Operator | None) -> bool:
    named = (new_id(), region, rule.scheme, rule.care, rule.valid_from, rule.valid_until)
    return await tx.fetchval(_ADD, *named, _body(rule), by.actor if by else None) is not None


async def _same(tx: Tx, region: str, rule: MedicalRule) -> bool:
    row = await tx.fetchrow(_SAME, region, rule.scheme, rule.care, rule.valid_from)
    return (row["body"], row["valid_until"]) == (_body(rule), rule.valid_until)


async def rules(db: Db, region: str | None) -> Sequence[MedicalRuleEntry]:
    """Return the rules of a region, or of all."""
    return [_entry(**row) for row in await db.fetch(_LIST, region)]


def _entry(
    id: UUID,  # noqa: A002 - the column's name
    region: str,
    body: dict[str, object],
    **named: str | datetime.date | None,
) -> MedicalRuleEntry:
    return MedicalRuleEntry(id=id, region=region, rule=msgspec.convert({**body, **named}, MedicalRule))


async def designate(tx: Tx, agency: UUID, asked: MedicalInstitutionRequest, by: Operator) -> None:
    """Let a merchant settle in a region; raises NotFound (no such merchant), RegionUnknown."""
    try:
        await tx.execute(_INSTITUTION, agency, asked.region, asked.grade, by.actor)
    except asyncpg.ForeignKeyViolationError as broken:
        if "region" in (broken.constraint_name or ""):
            raise RegionUnknown(pointer="/region") from None
        raise NotFound from None
    detail: dict[str, object] = {"agency": str(agency), "region": asked.region, "grade": asked.grade.value}
    await audit.insert(tx, kind="medical_institution", outcome="ok", actor=by.actor, detail=detail)
