"""证书 (certificate of training) as an Open Badge; pure.

The payload is that of Open Badges 3.0 (1EdTech) §8.2.2: the credential of the W3C's data model 2.0 with `iss`, `jti`,
`nbf` and `sub` beside it. A certificate is a row of facts: it is written out and signed whenever its owner shows it,
so that a name stands in it only if the owner says so, and a key that was revoked takes no certificate with it.

What it never says: a resident number, a card's number, a telephone number. Its subject is an opaque name of this one
certificate, or the pairwise `sub` that one agency knows its owner by; two certificates do not tell that they are of
the same person.
"""

import datetime
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from ecard.keyring.model import key_url

W3C = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
_SCHEMA = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"
_ISSUER_NAME = "职业技能电子培训券 · 电子社会保障卡平台"
_LEVELS = {"basic": "普及型", "advanced": "提升型"}
_BEIJING = datetime.timezone(datetime.timedelta(hours=8))


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a certificate, as they were when the second audit passed.

    `title` and `content` are the programme's, `course` is the class's name, `hours` those attended; `place` is where
    the certificate stands in status list `list`.
    """

    id: UUID
    programme: UUID
    title: str
    content: str
    level: str
    course: str
    institution: UUID
    institution_name: str
    hours: int
    ended_on: datetime.date
    list: int
    place: int
    issued_at: datetime.datetime
    revoked_at: datetime.datetime | None


def list_url(issuer: str, number: int) -> str:
    """Return where a status list is published."""
    return f"{issuer}/v1/credentials/status/{number}"


def badge(certificate: Certificate, *, issuer: str, subject: str, name: str | None) -> dict[str, Any]:
    """Return the payload of a certificate for `subject` (a URI); with `name`, it says whose it is.

    The institution is the `source`: who assessed on the issuer's behalf. Hours are a result of our own type, since
    those of the vocabulary are marks and credits (`ext:` §B.1.24).
    """
    url, hours = list_url(issuer, certificate.list), f"urn:uuid:{certificate.programme}#hours"
    whose: dict[str, Any] = {"type": ["AchievementSubject"], "id": subject}
    if name is not None:
        whose["identifier"] = [
            {"type": "IdentityObject", "identityType": "name", "hashed": False, "identityHash": name}
        ]
    issued = _time(certificate.issued_at)
    return {
        "@context": [W3C, OPEN_BADGES],
        "id": f"urn:uuid:{certificate.id}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": f"{certificate.title}培训合格证书",
        "issuer": {"id": issuer, "type": ["Profile"], "name": _ISSUER_NAME, "url": issuer},
        "validFrom": issued,
        "awardedDate": issued,
        "credentialSubject": {
            **whose,
            "achievement": {
                "id": f"urn:uuid:{certificate.programme}",
                "type": ["Achievement"],
                "achievementType": "CertificateOfCompletion",
                "name": certificate.title,
                "description": certificate.content,
                "specialization": _LEVELS.get(certificate.level, certificate.level),
                "inLanguage": "zh-CN",
                "criteria": {"narrative": "按班级要求签到并完成规定学时, 经两级审核通过。"},
                "resultDescription": [
                    {"id": hours, "type": ["ResultDescription"], "name": "学时", "resultType": "ext:ClassHours"}
                ],
            },
            "source": {
                "id": f"urn:uuid:{certificate.institution}",
                "type": ["Profile"],
                "name": certificate.institution_name,
            },
            "narrative": certificate.course,
            "activityEndDate": _day(certificate.ended_on),
            "result": [{"type": ["Result"], "resultDescription": hours, "value": str(certificate.hours)}],
        },
        "credentialSchema": [{"id": _SCHEMA, "type": "1EdTechJsonSchemaValidator2019"}],
        "credentialStatus": {
            "id": f"{url}#{certificate.place}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(certificate.place),
            "statusListCredential": url,
        },
        "iss": issuer,
        "jti": f"urn:uuid:{certificate.id}",
        "nbf": int(certificate.issued_at.timestamp()),
        "sub": subject,
    }


def key_set(issuer: str, keys: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    """Return the JWKs of some keys, each by the name that certificates call it (RFC 7517)."""
    return [{"kid": key_url(issuer, kid), "use": "sig", **jwk} for kid, jwk in keys.items()]


def _time(at: datetime.datetime) -> str:
    return f"{at.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _day(day: datetime.date) -> str:
    """Return the first second of a day of Beijing, since Open Badges has times and no days."""
    return datetime.datetime.combine(day, datetime.time(), _BEIJING).isoformat()
