"""The vectors of docs/code-format.md, by the issuer's own code from fixed keys: `python -m tests.docs.vectors`."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ecard.catalogue.model import Scene
from ecard.keys import P256Signer, to_jwk
from ecard.vault import Vault
from qr import handle, number
from qr.model import (
    CHAIN,
    EPOCH,
    LIFETIME,
    POSTED,
    STEP,
    TICKET,
    Body,
    Tail,
    signed_certificate,
    signed_tail,
    signed_ticket,
    text,
)
from qr.posted import signed_posted
from qr.verify import pack_device_key

MASTER_KEY = bytes(range(32))
KID = "code-vector"
SLOT, CARD, DEVICE, NONCE, BITS, HOURS = 7, 123456, 654321, 0x0102030405060708, 24, 24
SHOWN_AT = 1800000000
SUBJECT = bytes.fromhex("00112233445566778899aabbccddeeff")
ISSUER_D, DEVICE_D = int.from_bytes(bytes(range(1, 33))), int.from_bytes(bytes(range(33, 65)))


def signer(private: int) -> P256Signer:
    """Return the P-256 key of a private scalar, signing deterministically (RFC 6979)."""
    return P256Signer(ec.derive_private_key(private, ec.SECP256R1()), deterministic=True)


def sealed(vault: Vault) -> bytes:
    """Return the handle of CARD and DEVICE under a fixed nonce, where the issuer takes a random one."""
    block = CARD.to_bytes(4) + DEVICE.to_bytes(4) + NONCE.to_bytes(8)
    cipher = Cipher(algorithms.AES(vault.derive("handle " + KID)), modes.ECB())
    return cipher.encryptor().update(block)


def vectors() -> dict[str, Any]:
    """Return the vectors as they stand in the document."""
    issuer, device, vault = signer(ISSUER_D), signer(DEVICE_D), Vault(MASTER_KEY)
    step = SHOWN_AT // STEP
    place = handle.permutation(vault, step * STEP // EPOCH, BITS).place(CARD)
    hidden = sealed(vault)
    ticket = Body(TICKET, SLOT, Scene.IDENTITY, 1, step, LIFETIME, place, hidden).pack()
    certificate = Body(CHAIN, SLOT, 0, 0, step, HOURS, place, hidden).pack()
    certificate += pack_device_key(device.suite, device.public)
    tail = Tail(Scene.RIDE, step + 100, 1).pack()
    shown = Body(POSTED, SLOT, Scene.VOUCHER, 0, step, LIFETIME, 3, SUBJECT).pack()
    certified = certificate + issuer.sign(signed_certificate(certificate))
    return {
        "issuer": {"private": f"{ISSUER_D:064x}", "jwk": to_jwk(issuer.suite, issuer.public)},
        "ticket": {
            "body": ticket.hex(),
            "signature": issuer.sign(signed_ticket(ticket)).hex(),
            "text": text(ticket + issuer.sign(signed_ticket(ticket))),
            "good_from": (step - 1) * STEP,
            "good_until": (step + LIFETIME + 1) * STEP,
        },
        "chain": {
            "device_private": f"{DEVICE_D:064x}",
            "certificate": certified.hex(),
            "tail": tail.hex(),
            "text": text(certified + tail + device.sign(signed_tail(certificate, tail))),
            "good_from": (step + 99) * STEP,
            "good_until": (step + 100 + LIFETIME + 1) * STEP,
        },
        "posted": {"body": shown.hex(), "text": text(shown + issuer.sign(signed_posted(shown)))},
        "issuer_side": {
            "master_key": MASTER_KEY.hex(),
            "kid": KID,
            "card": CARD,
            "device": DEVICE,
            "nonce": f"{NONCE:016x}",
            "handle": hidden.hex(),
            "status_bits": BITS,
            "day": step * STEP // EPOCH,
            "place": place,
            "number": number.issue(vault.keyed("number"), CARD, step, Scene.IDENTITY, card_bits=BITS),
        },
    }


if __name__ == "__main__":
    print(json.dumps(vectors(), indent=1))  # noqa: T201 - its purpose
