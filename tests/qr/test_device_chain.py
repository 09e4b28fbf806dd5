"""The device chain: a phone that stays offline signs codes itself under a certificate of its key."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import NamedTuple

import httpx
import pytest

from ecard.client import Phone
from ecard.client.actors import new_signer
from ecard.desk.errors import CardSuspended, Replayed
from ecard.encoding import unb64url
from ecard.errors import EcardError
from ecard.keys import Signer, Suite
from ecard.settings import Settings
from qr import base45, render
from qr.errors import CodeForged
from qr.model import MAX_TEXT, Tail, signed_tail, step_at, text
from qr.offline import OfflineVerifier, trust_on_first_use
from qr.verify import pack_device_key
from tests.bureau import PASSWORD, Bureau, refused, within
from tests.conftest import serving
from tests.qr.test_render import decoded, rasterised

CERTIFIED = 62
"""Bytes of a certificate that the issuer's signature covers: the body and the key."""


class Offline(NamedTuple):
    """A phone that has gone offline with its certificate."""

    certificate: bytes
    signer: Signer

    def code(self, *, scene: int = 1, step: int | None = None, by: Signer | None = None) -> str:
        """Return a code that the phone signs for itself now."""
        tail = Tail(scene, step_at(time.time()) if step is None else step, int.from_bytes(os.urandom(4))).pack()
        signature = (by or self.signer).sign(signed_tail(self.certificate[:CERTIFIED], tail))
        return text(self.certificate + tail + signature)


def go_offline(phone: Phone, hours: int = 24) -> Offline:
    answer = phone.call("POST", "/v1/me/code-certificates", {"hours": hours}).json()
    assert answer["expires_at"] == answer["server_time"] // 30 * 30 + hours * 3600
    return Offline(unb64url(answer["certificate"]), phone.signer)


def verifier(bureau: Bureau, settings: Settings, base_url: str = "") -> OfflineVerifier:
    bundle = httpx.get(f"{base_url or bureau.base_url}/v1/bundle").json()["bundle"]
    anchors = trust_on_first_use(bundle)
    return OfflineVerifier.load(bundle, anchors=anchors, issuer=settings.issuer, newest=0, now=time.time())


@pytest.mark.parametrize("suite", Suite)
def test_a_chain_is_good_once_online(bureau: Bureau, suite: Suite) -> None:
    phone = bureau.phone(suite=suite)
    code = go_offline(phone).code()
    answer = bureau.terminal().visit("A1-01", code)
    assert (answer["form"], answer["acr"], answer["amr"]) == ("electronic", "l1-possession", ["pop"])
    with refused("code_replayed", 409):
        bureau.terminal().visit("A1-01", code)
    assert [use["evidence"] for use in phone.uses()] == ["device_code"]


@pytest.mark.parametrize("suite", Suite)
def test_a_chain_is_good_once_offline(bureau: Bureau, settings: Settings, suite: Suite) -> None:
    code = go_offline(bureau.phone(suite=suite)).code(scene=3)
    gate = verifier(bureau, settings)
    verdict = gate.verify(code, time.time())
    assert (verdict.mode, verdict.scene, verdict.password_proven) == ("offline", 3, False)
    with pytest.raises(Replayed):
        gate.verify(code, time.time())


def test_a_chain_fits_a_code_of_version_ten(bureau: Bureau) -> None:
    code = go_offline(bureau.phone()).code()
    assert len(code) <= MAX_TEXT
    assert decoded(rasterised(asyncio.run(render.svg(code)))) == (code, "M", "10")


def test_every_code_of_a_chain_is_a_use_of_its_own(bureau: Bureau) -> None:
    offline = go_offline(bureau.phone())
    for _ in range(3):
        bureau.terminal().visit("A1-01", offline.code())


def test_a_chain_and_the_number_of_its_step_are_one_use(bureau: Bureau) -> None:
    phone = bureau.phone()
    offline, shown = go_offline(phone), phone.codes()[0]
    bureau.terminal().visit("A1-01", offline.code(step=shown["show_from"] // 30))
    with refused("code_replayed", 409):
        bureau.terminal().visit("A1-01", shown["number"])


def test_a_proven_password_is_not_in_a_chain(bureau: Bureau) -> None:
    phone = bureau.phone()
    phone.prove(PASSWORD)
    with refused("evidence_too_weak", 422):
        bureau.terminal().visit("A1-22", go_offline(phone).code())


def other_key(offline: Offline) -> bytes:
    """Return the certificate with another key in the place of the certified one."""
    signer = new_signer()
    body, signature = offline.certificate[:29], offline.certificate[CERTIFIED:]
    return body + pack_device_key(signer.suite, signer.public) + signature


def flipped(code_of: Callable[[Offline], str], place: int) -> Callable[[Offline], str]:
    def alter(offline: Offline) -> str:
        raw = bytearray(base45.decode(code_of(offline)[4:]))
        raw[place] ^= 1
        return text(bytes(raw))

    return alter


FORGED: dict[str, Callable[[Offline], str]] = {
    "a tail signed by another key": lambda offline: offline.code(by=new_signer()),
    "a tail signed by a key of the other suite": lambda offline: offline.code(by=new_signer(Suite.EDDSA)),
    "a certificate of another key": lambda offline: Offline(other_key(offline), offline.signer).code(),
    "an altered handle": flipped(Offline.code, 13),
    "an altered place": flipped(Offline.code, 12),
    "an altered lifetime": flipped(Offline.code, 8),
    "an altered key": flipped(Offline.code, 30),
    "an altered scene": flipped(Offline.code, 126),
    "an altered step": flipped(Offline.code, 130),
    "an altered nonce": flipped(Offline.code, 134),
    "an altered signature": flipped(Offline.code, 198),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_chain_is_refused_online_and_offline(bureau: Bureau, settings: Settings, what: str) -> None:
    code = FORGED[what](go_offline(bureau.phone()))
    with refused("code_forged", 422):
        bureau.terminal().visit("A1-01", code)
    with pytest.raises(CodeForged):
        verifier(bureau, settings).verify(code, time.time())


def test_the_certificate_of_one_phone_is_of_no_use_to_another(bureau: Bureau) -> None:
    mine, theirs = go_offline(bureau.phone()), go_offline(bureau.phone())
    with refused("code_forged", 422):
        bureau.terminal().visit("A1-01", Offline(theirs.certificate, mine.signer).code())
    tail = Tail(1, step_at(time.time()), 1).pack()
    signature = mine.signer.sign(signed_tail(mine.certificate[:CERTIFIED], tail))
    with refused("code_forged", 422):
        bureau.terminal().visit("A1-01", text(theirs.certificate + tail + signature))


def test_a_certificate_alone_is_no_code(bureau: Bureau) -> None:
    certificate = go_offline(bureau.phone()).certificate
    with refused("code_truncated", 422):
        bureau.terminal().visit("A1-01", text(certificate))
    # Nor is its beginning a ticket: what the issuer signs names the format.
    with refused("code_forged", 422):
        bureau.terminal().visit("A1-01", text(bytes([0x11]) + certificate[1:29] + certificate[CERTIFIED:]))


def test_a_replaced_phones_chain_is_refused_online(bureau: Bureau) -> None:
    person = bureau.register()
    offline = go_offline(bureau.phone(person))
    bureau.phone(person)
    with refused("device_unbound", 409):
        bureau.terminal().visit("A1-01", offline.code())


def test_a_lost_cards_chain_is_refused_and_certified_no_more(bureau: Bureau, settings: Settings) -> None:
    person = bureau.register()
    phone = bureau.phone(person)
    offline = go_offline(phone)
    bureau.cards.set_card_status(person.facts["card_no"], "lost")
    with refused("card_suspended", 409):
        bureau.terminal().visit("A1-01", offline.code())
    within(2, lambda: go_offline(phone), "card_suspended")
    # A server that has made no bundle yet makes one now, and not within its ten seconds.
    with serving(settings) as url, pytest.raises(CardSuspended):
        verifier(bureau, settings, url).verify(offline.code(), time.time())


@pytest.mark.parametrize(
    ("steps", "code"),
    [(-5, "code_expired"), (3, "code_clock_skew"), (120 * 25, "code_clock_skew"), (-(2**20), "code_expired")],
)
def test_a_chain_is_signed_for_now(bureau: Bureau, settings: Settings, steps: int, code: str) -> None:
    shown = go_offline(bureau.phone()).code(step=step_at(time.time()) + steps)
    with refused(code, 422):
        bureau.terminal().visit("A1-01", shown)
    with pytest.raises(EcardError) as refusal:
        verifier(bureau, settings).verify(shown, time.time())
    assert refusal.value.code == code


def test_a_certificate_ends_at_its_hour_whatever_the_phone_signs(bureau: Bureau, settings: Settings) -> None:
    offline = go_offline(bureau.phone(), hours=1)
    gate, now = verifier(bureau, settings), time.time()
    ends = (step_at(now) * 30) + 3600
    assert gate.verify(offline.code(step=step_at(ends - 1)), ends - 1).mode == "offline"
    with pytest.raises(EcardError) as refusal:
        gate.verify(offline.code(step=step_at(ends + 31)), ends + 31)
    assert refusal.value.code == "code_expired"


def test_a_scene_that_is_none_is_nobodys(bureau: Bureau) -> None:
    with refused("wrong_scene", 422):
        bureau.terminal().visit("A1-01", go_offline(bureau.phone()).code(scene=77))
