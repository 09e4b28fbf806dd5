"""Scripts that read and test a card.

One identification takes three round trips, four on a card of the old dialect:

    recognise   SELECT, EF05                                     who issued it, which version, its 卡识别码
    prove       INTERNAL AUTHENTICATE, 2 × GET CHALLENGE         its answer to 16 bytes that the *verifier* chose
    holder      EXTERNAL AUTHENTICATE where asked, EF06          number and name, to be compared with the registry's

Between them whoever verifies asks its key module (`cardio.keys`): a script speaks to the card alone. What `holder`
reads is not protected on its way, so it is compared, never believed.
"""

import datetime
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

from cardio.commands import iso, words
from cardio.commands.apdu import Command, Response
from cardio.commands.iso import Dialect
from cardio.errors import (
    BadAnswer,
    BankApplicationMissing,
    NotSocialSecurityCard,
    PinLastTry,
    PinLocked,
    PinWrong,
    Refused,
)
from cardio.files import fields, tlv
from cardio.files.fields import Kind
from cardio.files.tables import HOLDER, ISSUER, File
from cardio.keys.model import INTERNAL_KEY, READ_SSSE, Proof
from cardio.profile.versions import NAME, Algorithm, Profile, algorithm_of, profile_of
from cardio.script import Batch, Script, batch

BANK_NAMES = (bytes.fromhex("A000000333010101"), bytes.fromhex("A000000333010102"))
"""Debit and credit."""
PAN_TAG, AFL_TAG, FORMAT_1 = 0x5A, 0x94, 0x80
PAN_MIN, PAN_MAX = 12, 19
_LONGEST_SCRIPT = 32
"""Records of a bank application that are read at most."""
_IDENTITY = ("number", "name", "sex")


@dataclass(frozen=True)
class Recognised:
    """What a card says of itself (EF05): nothing of it is proven."""

    card_id: bytes
    """卡识别码, 16 bytes."""
    region: str
    """Its first six digits: the area that issued it."""
    card_no: str = field(repr=False)
    version: str
    algorithm: Algorithm
    issuer: str
    issued: datetime.date | None
    expires: datetime.date | None
    dialect: Dialect
    profile: Profile


@dataclass(frozen=True)
class Holder:
    """What EF06 says of the holder, to be compared with the registry."""

    number: str = field(repr=False)
    name: str = field(repr=False)
    sex: str = field(repr=False)


def recognise() -> Script[Recognised]:
    """Select the application and read EF05.

    Raises NotSocialSecurityCard, AlgorithmUnknown, BadAnswer, Refused. Two round trips on a card that names records
    by their tag.
    """
    select = iso.select_name(NAME)
    dialect = Dialect.NUMBER
    answers = yield batch(select, *_reads(ISSUER, dialect))
    if not answers[0].ok:
        raise NotSocialSecurityCard
    fci = answers[0].data
    if len(answers) > 2 and answers[-1].sw in words.NOT_FOUND:  # noqa: PLR2004 - both SELECTs were answered
        dialect = Dialect.TAG
        answers = yield batch(*_reads(ISSUER, dialect))
        found = _values(ISSUER, answers[1:])
    else:
        found = _values(ISSUER, answers[2:])
    profile = profile_of(found["version"])
    card_id = bytes.fromhex(found["card_id"])
    region = card_id[:3].hex()
    if not region.isdecimal():
        raise BadAnswer
    return Recognised(
        card_id=card_id,
        region=region,
        card_no=found["card_no"],
        version=profile.version,
        algorithm=algorithm_of(fci, profile),
        issuer=found["issuer"],
        issued=_day(found["issued_on"]),
        expires=_day(found["expires_on"]),
        dialect=dialect,
        profile=profile,
    )


def prove(seen: Recognised, challenge: bytes) -> Script[Proof]:
    """Have the card answer the verifier's 16 bytes; it also gives its own challenges where it wants a proof itself.

    The answer is not compared here: who verifies does that, with `cardio.keys.check`. Raises Refused, BadAnswer.
    """
    asks = [iso.internal_authenticate(INTERNAL_KEY, challenge)]
    if seen.profile.holder_needs_key:
        asks += [iso.get_challenge(), iso.get_challenge()]
    answers = yield batch(*asks)
    parts = [words.ask(one) for one in answers]
    if len(parts) != len(asks) or any(len(part) != iso.CHALLENGE for part in parts):
        raise BadAnswer
    return Proof(challenge, parts[0], b"".join(parts[1:]) or None)


def holder(seen: Recognised, opening: bytes | None = None) -> Script[Holder]:
    """Read number, name and sex, after EXTERNAL AUTHENTICATE with `opening` where the key module gave one.

    Raises NotAllowed-like words of the card as Refused, BadAnswer.
    """
    opens = [iso.external_authenticate(READ_SSSE, opening)] if opening else []
    names = (*_IDENTITY, "name_more") if seen.profile.has_name_more else _IDENTITY
    reads = _reads(HOLDER, seen.dialect, names)
    answers = yield batch(*opens, *reads)
    for one in answers[: len(opens)]:
        words.ask(one)
    found = _values(HOLDER, answers[len(opens) + 1 :], names, optional=("name_more",))
    if not found["number"] or not found["name"]:
        raise BadAnswer
    return Holder(found["number"], found["name"] + found.get("name_more", ""), found["sex"])


def challenges() -> Script[bytes]:
    """Return the card's two challenges, 16 bytes, for a key module's `external`; good for one try. Raises Refused."""
    answers = yield batch(iso.get_challenge(), iso.get_challenge())
    parts = [words.ask(one) for one in answers]
    if any(len(part) != iso.CHALLENGE for part in parts):
        raise BadAnswer
    return b"".join(parts)


def tries_left() -> Script[int | None]:
    """Return how often a wrong PIN may still be entered; None where the card does not say. Uses none up."""
    answers = yield batch(iso.ask_tries())
    return words.tries_left(answers[0].sw)


def verify_pin(pin: str, *, told: bool = False) -> Script[None]:
    """Prove the PIN to the card; it stays proven until the card is released.

    With one try left, or where the card does not say how many, it is not sent (PinLastTry) unless the caller says that
    the holder was `told`. Raises PinMalformed, PinLocked, PinWrong with what is left, Refused.
    """
    command = iso.verify(pin)
    left = yield from tries_left()
    if left == 0:
        raise PinLocked
    if not told and (left is None or left == 1):
        raise PinLastTry(left)
    answers = yield batch(command)
    answer = answers[0]
    if answer.ok:
        return
    left = words.tries_left(answer.sw)
    if left is None:
        raise Refused(answer.sw, words.explain(answer.sw))
    raise PinWrong(left) if left else PinLocked


def pan() -> Script[str]:
    """Read the account number (PAN) of the card's bank application, debit before credit.

    Raises BankApplicationMissing, BadAnswer (no PAN, or one whose check digit is wrong).
    """
    for name in BANK_NAMES:
        answers = yield batch(iso.select_name(name), iso.get_processing_options())
        if len(answers) == 2 and all(one.ok for one in answers):  # noqa: PLR2004 - SELECT and GPO
            break
    else:
        raise BankApplicationMissing
    reads = _located(answers[1].data)
    answers = yield Batch(tuple(reads), stop_on_error=False)
    for one in answers:
        found = tlv.find(one.data, PAN_TAG) if one.ok else None
        if found is not None:
            return _checked(fields.decode(Kind.CN, found))
    raise BadAnswer


@functools.cache
def _reads(file: File, dialect: Dialect, names: tuple[str, ...] | None = None) -> tuple[Command, ...]:
    items = [one for one in file if names is None or one.name in names]
    if names is not None:
        items.sort(key=lambda one: names.index(one.name))
    places = [(one.record if dialect is Dialect.NUMBER else one.tag, one.length) for one in items]
    return iso.select_ef(file.ef), *(iso.read_record(dialect, place, length) for place, length in places)


def _values(
    file: File, answers: Sequence[Response], names: Sequence[str] | None = None, *, optional: Sequence[str] = ()
) -> dict[str, str]:
    """Return the values in the answers to `_reads`; raises Refused for the first that the card would not give."""
    wanted = [one.name for one in file] if names is None else names
    found = {}
    for name, answer in zip(wanted, answers, strict=False):
        if name in optional and answer.sw in words.NOT_FOUND:
            continue
        found[name] = file[name].decode(words.ask(answer))
    if any(name not in found for name in wanted if name not in optional):
        raise BadAnswer
    return found


def _located(options: bytes) -> list[Command]:
    """Return the reads that an application file locator names (EMV Book 3 §10.2); raises BadAnswer."""
    whole = next(tlv.objects(options), None)
    locator = None
    if whole is not None:
        locator = whole.value[2:] if whole.tag == FORMAT_1 else tlv.find(options, AFL_TAG)
    if not locator or len(locator) % 4:
        raise BadAnswer
    reads = []
    for at in range(0, len(locator), 4):
        sfi, first, last, _ = locator[at : at + 4]
        if sfi & 0x07 or not 1 <= sfi >> 3 <= 30 or not 1 <= first <= last:  # noqa: PLR2004 - SFI 1 to 30
            raise BadAnswer
        reads += [iso.read_sfi(sfi >> 3, number) for number in range(first, last + 1)]
    if len(reads) > _LONGEST_SCRIPT:
        raise BadAnswer
    return reads


def _checked(digits: str) -> str:
    doubled = [int(one) * (1 + at % 2) for at, one in enumerate(reversed(digits))]
    if not PAN_MIN <= len(digits) <= PAN_MAX or sum(one // 10 + one % 10 for one in doubled) % 10:
        raise BadAnswer
    return digits


def _day(value: str) -> datetime.date | None:
    return datetime.date.fromisoformat(f"{value[:4]}-{value[4:6]}-{value[6:]}") if value else None
