"""Issuing the e-card (签发), opening payment, unbinding, and the one status of both forms."""

import datetime
import hmac
from typing import NamedTuple
from uuid import UUID

import jwt

from ecard import tokens
from ecard.access import store as actors
from ecard.audit import store as audit
from ecard.callers import Channel, Holder
from ecard.cards import password, store
from ecard.cards.checks import Checks
from ecard.cards.errors import (
    BankNotReady,
    CardNotUsable,
    FaceMismatch,
    FaceRequired,
    IdentityMismatch,
    ProofRefused,
    StatusConflict,
)
from ecard.cards.model import (
    HOLDER_MOVES,
    Action,
    Level,
    Profile,
    Status,
    check_move,
    mask_name,
    mask_number,
)
from ecard.cards.profiles import card_id_index, card_no_index, chip_index, id_index, open_profile, seal_profile
from ecard.cards.schemas import Acted, CardFace, CardStatus, HolderRequest, Issued, IssueRequest, StatusRequest
from ecard.db import Tx
from ecard.errors import Conflict, Invalid, NotFound
from ecard.ids import new_id
from ecard.keys import from_jwk
from ecard.limits import Limit
from ecard.numbers import resident_id
from ecard.numbers.errors import BadNumber
from ecard.runtime import Runtime
from ecard.tokens import PublicKey, TokenType

DEVICE_ISSUER = "urn:ecard:device"
PROOF_SECONDS = 60
"""Longest life of a device's proof of possession."""
CHIP_DIGITS = 16
"""The last 8 historical bytes of a card's ATR: the chip's number, by which its keys are diversified."""
CHINA = datetime.timezone(datetime.timedelta(hours=8), "Asia/Shanghai")
ISSUING = Limit("issue", 10, 3600, guarded=True)
"""Issuing attempts for one person in an hour: names and card numbers must not be guessed."""


class Applicant(NamedTuple):
    """A person whose checks have passed, about to be given the e-card on a phone."""

    card: int
    profile: Profile
    first: bool
    password: str
    key: PublicKey

    def __repr__(self) -> str:
        """Return the type alone: what is inside belongs in no log."""
        return "Applicant(…)"


def today(runtime: Runtime) -> datetime.date:
    """Return the day in China."""
    return datetime.datetime.fromtimestamp(runtime.clock.time(), CHINA).date()


def _checked_id_no(runtime: Runtime, id_no: str) -> str:
    try:
        return resident_id.validate(id_no, today(runtime))
    except BadNumber as bad:
        raise Invalid(pointer="/id_no", reason=bad.reason.value) from None


async def check_applicant(runtime: Runtime, checks: Checks, asked: IssueRequest, by: Channel) -> Applicant:
    """Make the 三实 checks of a first issue, or the password check where the e-card exists.

    No transaction is open while an authority is asked. Raises IdentityMismatch (which part differs is
    not said), CardNotUsable, FaceRequired, FaceMismatch, ProofRefused, PasswordWrong, PasswordLocked …
    """
    id_no = _checked_id_no(runtime, asked.id_no)
    index = id_index(runtime.vault, id_no)
    await runtime.limiter.hit(ISSUING, index.hex())
    key = _device_key(runtime, asked.device_proof)
    row = await store.by_person(runtime.pool, index)
    if row is None:
        raise IdentityMismatch
    profile = open_profile(runtime.vault, row.profile)
    if profile.name != asked.name:
        raise IdentityMismatch
    if row.level > Level.NONE:
        await password.prove(runtime, row.seq, asked.password, actor=by.actor)
        if row.status != Status.ACTIVE:
            raise CardNotUsable
        return Applicant(row.seq, profile, first=False, password="", key=key)
    # Before anything else is said of the request: that would tell a stranger that name and number fit.
    if not hmac.compare_digest((asked.card_no or "").encode(), profile.card_no.encode()):
        raise IdentityMismatch
    if row.status != Status.ACTIVE:
        raise CardNotUsable
    hashed = await password.hashed(runtime.vault, asked.password)
    if asked.face is None:
        raise FaceRequired(pointer="/face")
    if not await checks.real_name(asked.name, id_no):
        raise IdentityMismatch
    if not await checks.face(profile, asked.face):
        raise FaceMismatch
    return Applicant(row.seq, profile, first=True, password=hashed, key=key)


def _device_key(runtime: Runtime, proof: str) -> PublicKey:
    """Return the public key that signed `proof` (a JWT with the key in its header), proving possession."""
    try:
        header = jwt.get_unverified_header(proof)
        key = PublicKey(*from_jwk(header.get("jwk") or {}))
        claims = tokens.read(
            proof,
            {str(header.get("kid", "")): key},
            typ=TokenType.DEVICE_PROOF,
            issuer=DEVICE_ISSUER,
            audience=runtime.settings.issuer,
            now=runtime.clock.time(),
        )
    except (jwt.InvalidTokenError, tokens.TokenRefused, ValueError, AttributeError):
        raise ProofRefused(pointer="/device_proof") from None
    if claims["exp"] - claims["iat"] > PROOF_SECONDS:
        raise ProofRefused(pointer="/device_proof")
    return key


async def issue(tx: Tx, runtime: Runtime, applicant: Applicant, by: Channel) -> Issued:
    """Give the e-card to the applicant's phone in the channel; a phone bound there before is revoked."""
    row = await store.by_seq(tx, applicant.card, lock=True)
    if row is None or row.status != Status.ACTIVE:
        raise CardNotUsable
    if (row.level == Level.NONE) != applicant.first:
        raise Conflict  # another phone was faster
    if applicant.first:
        await store.open_card(tx, applicant.card, applicant.password)
    await store.unbind(tx, applicant.card, by.actor)
    device = new_id()
    await actors.insert_actor(tx, device, "holder", applicant.key.suite, applicant.key.public)
    sign_no, sign_seq = new_id().hex, new_id().hex
    await store.bind(tx, device, applicant.card, by.actor, sign_no)
    action = Action.ISSUED if applicant.first else Action.JOINED
    await audit.insert(
        tx,
        kind="e_card_issued",
        outcome="ok",
        actor=by.actor,
        card=applicant.card,
        detail={"action": action.value, "device": str(device)},
    )
    return Issued(
        action_type="001" if applicant.first else "002",
        device=device,
        sign_no=sign_no,
        sign_seq=sign_seq,
        sign_level=max(row.level, Level.IDENTITY),
        sign_date=today(runtime).strftime("%Y%m%d"),
        name=mask_name(applicant.profile.name),
        id_no=mask_number(applicant.profile.id_no),
    )


async def check_bank(runtime: Runtime, checks: Checks, holder: Holder) -> None:
    """Ask the bank before level 2; raises BankNotReady, CheckUnavailable."""
    row = await store.by_seq(runtime.pool, holder.card)
    if row is None or await store.account_out(runtime.pool, holder.card):
        raise BankNotReady
    if not await checks.bank_ready(open_profile(runtime.vault, row.profile)):
        raise BankNotReady


async def open_payment(tx: Tx, holder: Holder, busi_seq: UUID) -> Acted:
    """Open level 2 (二级签发, 动作 005) with the password just proven; again changes nothing."""
    await password.spend(tx, busi_seq, holder.actor)
    row = await store.by_seq(tx, holder.card, lock=True)
    if row is None or row.status != Status.ACTIVE:
        raise CardNotUsable
    await store.open_payment(tx, holder.card)
    await audit.insert(tx, kind="payment_opened", outcome="ok", actor=holder.actor, card=holder.card)
    return Acted(action_type=Action.PAYMENT_OPENED.value, sign_seq=new_id().hex, sign_level=Level.PAYMENT)


async def unbind(tx: Tx, holder: Holder, busi_seq: UUID) -> None:
    """Leave this channel (解除关联, 动作 003): its phone is revoked, other channels stay."""
    await password.spend(tx, busi_seq, holder.actor)
    await store.unbind(tx, holder.card, holder.channel)
    await audit.insert(tx, kind="e_card_unbound", outcome="ok", actor=holder.actor, card=holder.card)


async def face(runtime: Runtime, holder: Holder) -> CardFace:
    """Return the holder's own card, masked."""
    row = await store.by_seq(runtime.pool, holder.card)
    if row is None:
        raise NotFound
    profile = open_profile(runtime.vault, row.profile)
    return CardFace(
        action_type=Action.CARD_FACE.value,
        name=mask_name(profile.name),
        id_no=mask_number(profile.id_no),
        card_no=mask_number(profile.card_no),
        issuing_area=profile.issuing_area,
        status=Status(row.status),
        level=row.level,
    )


async def report(tx: Tx, holder: Holder, asked: StatusRequest) -> CardStatus:
    """Report the card lost from the phone, or take it back with the password; both forms follow at once."""
    target = Status(asked.status)
    if target is Status.ACTIVE:
        await password.spend(tx, asked.busi_seq, holder.actor)
    row = await store.by_seq(tx, holder.card, lock=True)
    if row is None or HOLDER_MOVES.get(Status(row.status)) is not target:
        raise StatusConflict(current=row.status if row else "", wanted=target.value)
    return await move(tx, row, target, holder.actor)


async def set_status(tx: Tx, runtime: Runtime, card_no: str, target: Status, by: UUID) -> CardStatus:
    """Move a card, found by its printed number, at an operator's word; raises NotFound, StatusConflict."""
    found = await store.by_card_no(tx, card_no_index(runtime.vault, card_no))
    row = found and await store.by_seq(tx, found.seq, lock=True)
    if row is None:
        raise NotFound(pointer="/card_no")
    return await move(tx, row, target, by)


async def move(tx: Tx, row: store.CardRow, target: Status, by: UUID) -> CardStatus:
    """Move a card whose row is locked, at somebody's word; both forms follow at once. Raises StatusConflict."""
    check_move(Status(row.status), target)
    await store.move(tx, row.seq, target)
    detail: dict[str, object] = {"from": row.status, "to": target.value}
    await audit.insert(tx, kind="card_status", outcome="ok", actor=by, card=row.seq, detail=detail)
    return CardStatus(status=target)


async def register_holder(tx: Tx, runtime: Runtime, asked: HolderRequest, by: UUID) -> CardStatus:
    """Register a person and a physical card, as the card system reports them; raises HolderExists, Invalid."""
    id_no = _checked_id_no(runtime, asked.id_no)
    if bool(asked.card_id) != bool(asked.card_atr):
        raise Invalid(pointer="/card_atr" if asked.card_id else "/card_id", reason="together")
    profile = Profile(
        name=asked.name,
        id_no=id_no,
        sex=resident_id.sex(id_no).value,
        birth_date=resident_id.birth_date(id_no).isoformat(),
        ethnicity=asked.ethnicity,
        mobile=asked.mobile,
        address=asked.address,
        card_no=asked.card_no,
        issuing_area=asked.issuing_area,
        bank_name=asked.bank_name,
        bank_account=asked.bank_account,
        fare_class=asked.fare_class,
    )
    card = await store.add(
        tx,
        new_id(),
        id_index(runtime.vault, id_no),
        seal_profile(runtime.vault, profile),
        card_no_index(runtime.vault, asked.card_no),
        card_id_index(runtime.vault, asked.card_id) if asked.card_id else None,
        chip_index(runtime.vault, asked.card_atr[-CHIP_DIGITS:]) if asked.card_atr else None,
    )
    if card >= 1 << runtime.settings.status_bits:
        msg = "ECARD_STATUS_BITS is too small for one more card"
        raise RuntimeError(msg)
    await audit.insert(tx, kind="card_registered", outcome="ok", actor=by, card=card)
    return CardStatus(status=Status.ACTIVE)
