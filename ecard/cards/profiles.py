"""Sealing a holder's profile, and the blind indexes that find it."""

import msgspec

from ecard.cards.model import Profile
from ecard.vault import Vault

_PLACE = "holder.profile"
_decoder = msgspec.json.Decoder(Profile)


def seal_profile(vault: Vault, profile: Profile) -> bytes:
    """Return the profile sealed for its column."""
    return vault.seal(_PLACE, msgspec.json.encode(profile))


def open_profile(vault: Vault, sealed: bytes) -> Profile:
    """Return the profile of its column; raises SealBroken."""
    return _decoder.decode(vault.open(_PLACE, sealed))


def id_index(vault: Vault, id_no: str) -> bytes:
    """Return the blind index of a resident number."""
    return vault.index("holder.id_no", id_no.upper())


def card_id_index(vault: Vault, card_id: str) -> bytes:
    """Return the blind index of a card's own number (卡识别码, 32 hexadecimal digits)."""
    return vault.index("card.card_id", card_id.upper())


def chip_index(vault: Vault, serial: str) -> bytes:
    """Return the blind index of a chip's number: the last 8 historical bytes of its ATR, 16 hexadecimal digits."""
    return vault.index("card.chip", serial.upper())


def card_no_index(vault: Vault, card_no: str) -> bytes:
    """Return the blind index of a card's printed number."""
    return vault.index("card.card_no", card_no.upper())
