"""SD-JWT (RFC 9901): claims that are hidden behind salted digests, and disclosed one by one; pure.

    <issuer-signed JWT>~<disclosure>~…~<disclosure>~                 what an issuer hands out
    <issuer-signed JWT>~<disclosure>~…~<key-binding JWT>             what a holder presents

A disclosure is base64url of the JSON array [salt, name, value], or [salt, value] for an element of an array. Its
digest is taken over its text, so how it was written is never read again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from ecard.encoding import b64url, unb64url

ALGORITHM = "sha-256"
_SD, _ALG, _ELEMENT = "_sd", "_sd_alg", "..."


class Malformed(ValueError):
    """The text is no SD-JWT, or its disclosures do not belong to it (§7.1)."""


class Disclosure(NamedTuple):
    """A disclosed claim; `name` is None for an element of an array."""

    text: str
    name: str | None
    value: Any

    @property
    def digest(self) -> str:
        """What the issuer signed of it (§4.2.3)."""
        return b64url(sha256(self.text.encode()).digest())


class Parts(NamedTuple):
    """A text taken apart; `binding` is the key-binding JWT, empty where there is none."""

    jwt: str
    disclosures: tuple[str, ...]
    binding: str

    @property
    def bound(self) -> str:
        """What a key-binding JWT is bound to: all before it, the last tilde included (§4.3.1)."""
        return "".join(f"{part}~" for part in (self.jwt, *self.disclosures))


def disclosure(salt: str, name: str, value: object) -> Disclosure:
    """Return a new disclosure of a claim."""
    return Disclosure(b64url(msgspec.json.encode([salt, name, value])), name, value)


def parse(text: str) -> Disclosure:
    """Return what a disclosure says; raises Malformed."""
    try:
        said = msgspec.json.decode(unb64url(text))
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise Malformed from None
    match said:
        case [str(), str(name), value] if name not in {_SD, _ELEMENT}:
            return Disclosure(text, name, value)
        case [str(), value]:
            return Disclosure(text, None, value)
        case _:
            raise Malformed


def split(compact: str) -> Parts:
    """Take a text apart; raises Malformed for one without a tilde."""
    jwt, *rest = compact.split("~")
    if not rest or not jwt or not all(rest[:-1]):
        raise Malformed
    return Parts(jwt, tuple(rest[:-1]), rest[-1])


def conceal(claims: Mapping[str, object], salt: Callable[[], str]) -> tuple[dict[str, Any], list[Disclosure]]:
    """Return the members of a payload that hide `claims`, and their disclosures.

    Digests are sorted, so that their order says nothing (§4.2.4.1).
    """
    made = [disclosure(salt(), name, value) for name, value in claims.items()]
    return {_SD: sorted(one.digest for one in made), _ALG: ALGORITHM}, made


def select(compact: str, names: Collection[str]) -> Parts:
    """Return an SD-JWT with the disclosures of these top-level claims alone, to be bound; raises Malformed."""
    parts = split(compact)
    return Parts(parts.jwt, tuple(text for text in parts.disclosures if parse(text).name in names), "")


def sd_hash(parts: Parts) -> str:
    """Return the hash that a key-binding JWT says of what is presented (§4.3.1)."""
    return b64url(sha256(parts.bound.encode()).digest())


def reveal(payload: Mapping[str, Any], texts: Iterable[str]) -> dict[str, Any]:
    """Return the processed payload: with what is disclosed, without digests (§7.1).

    Raises Malformed for a digest that stands twice, a claim that is there already, a disclosure of the wrong kind, and
    one that nothing refers to.
    """
    if payload.get(_ALG, ALGORITHM) != ALGORITHM:
        raise Malformed
    disclosed = [parse(text) for text in texts]
    walk = _Walk({one.digest: one for one in disclosed})
    if len(walk.known) != len(disclosed):
        raise Malformed
    try:
        found = walk.mapping({name: value for name, value in payload.items() if name != _ALG})
    except RecursionError:
        raise Malformed from None
    if walk.used != walk.known.keys():
        raise Malformed
    return found


class _Walk:
    """One pass over a payload and what its digests lead to."""

    def __init__(self, known: dict[str, Disclosure]) -> None:
        self.known = known
        self.used: set[str] = set()
        self._met: set[str] = set()

    def any(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.mapping(value)
        return self.sequence(value) if isinstance(value, list) else value

    def mapping(self, members: Mapping[str, Any]) -> dict[str, Any]:
        if _ELEMENT in members:
            raise Malformed
        found = {name: self.any(value) for name, value in members.items() if name != _SD}
        digests = members.get(_SD, [])
        if not isinstance(digests, list):
            raise Malformed
        for digest in digests:
            one = self._of(digest, is_claim=True)
            if one is not None:
                if one.name is None or one.name in found:
                    raise Malformed
                found[one.name] = self.any(one.value)
        return found

    def sequence(self, elements: list[Any]) -> list[Any]:
        found = []
        for element in elements:
            if isinstance(element, dict) and element.keys() == {_ELEMENT}:
                one = self._of(element[_ELEMENT], is_claim=False)
                found += [] if one is None else [self.any(one.value)]
            else:
                found.append(self.any(element))
        return found

    def _of(self, digest: object, *, is_claim: bool) -> Disclosure | None:
        if not isinstance(digest, str) or digest in self._met:
            raise Malformed
        self._met.add(digest)
        one = self.known.get(digest)
        if one is not None:
            self.used.add(digest)
            if (one.name is not None) is not is_claim:
                raise Malformed
        return one
