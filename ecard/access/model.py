"""机构 (agency), 终端 (terminal), 渠道 (channel), 操作员 (operator): what is registered of each; pure."""

from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Setting(StrEnum):
    """Where a terminal stands: an attended counter, a kiosk, a gate, a till, or an online service."""

    COUNTER = "counter"
    KIOSK = "kiosk"
    GATE = "gate"
    TILL = "till"
    ONLINE = "online"


class Role(StrEnum):
    """What an operator may do.

    Register agencies and terminals, change cards, keys and audit, money, training vouchers, or review cases.
    """

    REGISTRAR = "registrar"
    CARDS = "cards"
    SECURITY = "security"
    FINANCE = "finance"
    TRAINING = "training"
    REVIEWER = "reviewer"


class ChannelKind(StrEnum):
    """六类渠道: 人社, 政府, 全国签约, 银行, 医药, 社会."""

    HRSS = "hrss"
    GOVERNMENT = "government"
    NATIONAL = "national"
    BANK = "bank"
    MEDICAL = "medical"
    SOCIAL = "social"


class Medium(StrEnum):
    """What a channel is made of: App, 小程序, 公众号, 生活号."""

    APP = "app"
    MINI_PROGRAM = "mini_program"
    OFFICIAL_ACCOUNT = "official_account"
    LIFE_ACCOUNT = "life_account"


def new_share() -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    """Return an ephemeral P-256 key and its public share (uncompressed point, 65 bytes)."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key, key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def agree(own: ec.EllipticCurvePrivateKey, theirs: bytes, *, asked: bytes, answered: bytes, actor: bytes) -> bytes:
    """Return the 32-byte session key both sides derive (ECDH, then HKDF over both shares and the actor).

    `asked` is the caller's share, `answered` the server's. ValueError when `theirs` is no point.
    """
    secret = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
    return HKDF(SHA256(), 32, salt=asked + answered, info=b"ecard session v1" + actor).derive(secret)
