"""Verifying certificates with no network: a signed bundle, this small library, and nothing else.

    verifier = CredentialVerifier.load(bundle, anchors=…, now=time.time())
    verdict = verifier.verify(presented, now=time.time())

What it cannot know it says: `keys_as_of` and `status_as_of` date the verdict. Whether who shows a certificate is its
subject is not in it: `name`, where its owner let it stand, is compared with the card; `subject`, where it was made
for the verifier's agency, is the `sub` of that agency's assertions.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec

from ecard import tokens
from ecard.clock import SKEW
from ecard.keys import from_jwk
from ecard.tokens import PublicKey, TokenRefused, TokenType
from qr.errors import BundleRefused, BundleStale
from vouchers.credentials.errors import CredentialRefused, CredentialRevoked, CredentialStatusUnknown
from vouchers.credentials.status import Revoked

LONGEST = 16_384
"""Characters of the longest certificate that is read; ours have about 2,400."""


class _Named(msgspec.Struct, rename="camel"):
    identity_type: str
    identity_hash: str
    hashed: bool


class _Profile(msgspec.Struct):
    id: str
    name: str = ""


class _Achievement(msgspec.Struct):
    id: str
    name: str


class _Result(msgspec.Struct):
    value: str = ""


class _Subject(msgspec.Struct, rename="camel"):
    id: str
    achievement: _Achievement
    source: _Profile
    narrative: str
    result: list[_Result]
    identifier: list[_Named] = []


class _Status(msgspec.Struct, rename="camel"):
    type: str
    status_purpose: str
    status_list_index: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,6}(?!\n)$")]
    status_list_credential: str


class _Badge(msgspec.Struct, rename="camel"):
    """What is read of a certificate; what else stands in it is signed as well and not looked at."""

    id: str
    type: list[str]
    issuer: _Profile
    valid_from: datetime
    credential_subject: _Subject
    credential_status: _Status
    iss: str
    jti: str
    nbf: int
    sub: str
    exp: int | None = None


class Verdict(NamedTuple):
    """An accepted certificate: what it says, and how fresh the knowledge is that it is not revoked (Unix seconds)."""

    id: str
    subject: str
    name: str | None
    title: str
    course: str
    institution: str
    hours: str
    issued_at: int
    keys_as_of: int
    status_as_of: int


class CredentialVerifier:
    """Verifies certificates against one bundle."""

    def __init__(self, claims: Mapping[str, Any], now: float) -> None:
        """Take a bundle's claims; raises BundleRefused when a list in it is not signed by one of its keys."""
        self.issuer: str = claims["iss"]
        self.as_of: int = claims["iat"]
        self._until: int = claims["exp"]
        try:
            self._keys = {one["kid"]: PublicKey(*from_jwk(one)) for one in claims["keys"]}
            lists = [
                tokens.read(one, self._keys, typ=TokenType.STATUS_LIST, issuer=self.issuer, audience=None, now=now)
                for one in claims["lists"]
            ]
            self._lists = {one["id"]: Revoked(one["credentialSubject"]["encodedList"]) for one in lists}
        except (KeyError, TypeError, ValueError):
            raise BundleRefused(reason="claims") from None
        except TokenRefused as refused:
            raise BundleRefused(reason=refused.reason) from None

    @classmethod
    def load(cls, bundle: str, *, anchors: Mapping[str, PublicKey], now: float) -> "CredentialVerifier":
        """Return the verifier of `bundle` (GET /v1/credentials/bundle), signed by one of `anchors`.

        Raises BundleRefused (`reason`: a token's reason) or BundleStale.
        """
        try:
            issuer = str(tokens.unverified(bundle)[1].get("iss"))
            claims = tokens.read(bundle, anchors, typ=TokenType.CREDENTIALS, issuer=issuer, audience=None, now=now)
        except TokenRefused as refused:
            if refused.reason == "expired":
                raise BundleStale from None
            raise BundleRefused(reason=refused.reason) from None
        return cls(claims, now)

    def verify(self, presented: str, now: float) -> Verdict:
        """Return what a certificate (a compact JWS) proves at `now` (Unix seconds).

        Raises CredentialRefused, CredentialRevoked, CredentialStatusUnknown or BundleStale.
        """
        if now >= self._until:
            raise BundleStale
        badge = self._read(presented)
        if badge.nbf > now + SKEW:
            raise CredentialRefused(reason="early")
        if badge.exp is not None and now >= badge.exp:
            raise CredentialRefused(reason="late")
        self._check_status(badge.credential_status)
        subject = badge.credential_subject
        names = [one.identity_hash for one in subject.identifier if one.identity_type == "name" and not one.hashed]
        return Verdict(
            id=badge.id,
            subject=badge.sub,
            name=names[0] if names else None,
            title=subject.achievement.name,
            course=subject.narrative,
            institution=subject.source.name,
            hours=subject.result[0].value if subject.result else "",
            issued_at=badge.nbf,
            keys_as_of=self.as_of,
            status_as_of=self.as_of,
        )

    def _read(self, presented: str) -> _Badge:
        """Return a certificate that one of the issuer's keys signed and whose claims agree (OB 3.0 §8.2.4.1)."""
        if len(presented) > LONGEST:
            raise CredentialRefused(reason="malformed")
        try:
            badge = msgspec.convert(tokens.verified(presented, self._keys, types=(TokenType.ID,)), _Badge)
        except TokenRefused as refused:
            raise CredentialRefused(reason=refused.reason) from None
        except msgspec.ValidationError:
            raise CredentialRefused(reason="claims") from None
        said = (badge.iss, badge.jti, badge.sub, badge.nbf, badge.iss)
        meant = (badge.issuer.id, badge.id, badge.credential_subject.id, badge.valid_from.timestamp(), self.issuer)
        if said != meant or not {"VerifiableCredential", "OpenBadgeCredential"} <= set(badge.type):
            raise CredentialRefused(reason="claims")
        return badge

    def _check_status(self, status: _Status) -> None:
        if (status.type, status.status_purpose) != ("BitstringStatusListEntry", "revocation"):
            raise CredentialRefused(reason="claims")
        known = self._lists.get(status.status_list_credential)
        if known is None:
            raise CredentialStatusUnknown
        try:
            if known.at(int(status.status_list_index)):
                raise CredentialRevoked(status_as_of=self.as_of)
        except IndexError:
            raise CredentialRefused(reason="claims") from None
