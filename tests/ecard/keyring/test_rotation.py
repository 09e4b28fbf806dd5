"""Rotating and revoking keys while serving: nobody who plays by the rules notices."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import httpx
import jwt
import pytest

from ecard.client import Phone
from ecard.ids import new_id
from ecard.settings import Settings
from qr import base45
from qr.errors import CodeKeyRevoked
from qr.offline import OfflineVerifier, trust_on_first_use
from tests.bureau import Bureau, ecard, new_database, refused, rows, send, visit_body, within
from tests.conftest import first_operators, serving


@pytest.fixture(scope="module")
def own(settings: Settings) -> Settings:
    """A database of its own: what happens to its keys is nobody else's business."""
    return new_database(settings)


@pytest.fixture(scope="module")
def office(own: Settings) -> Iterator[Bureau]:
    with serving(own) as url:
        made = Bureau(url, first_operators(own))
        yield made
        made.http.close()


def slot_of(code: str) -> int:
    return base45.decode(code[4:])[1]


def kid_of(own: Settings, slot: int) -> str:
    [key] = rows(own, "SELECT kid FROM signing_key WHERE purpose = 'code' AND slot = $1", slot)
    return str(key["kid"])


def run(own: Settings, *arguments: str) -> str:
    result = ecard(own, "keys", *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def bundle_of(url: str, own: Settings, *, anchors_of: str | None = None) -> tuple[str, OfflineVerifier]:
    bundle = httpx.get(f"{url}/v1/bundle").json()["bundle"]
    anchors = trust_on_first_use(anchors_of or bundle)
    return bundle, OfflineVerifier.load(bundle, anchors=anchors, issuer=own.issuer, newest=0, now=time.time())


def changed(read: Callable[[], object], before: object) -> None:
    """Wait until `read` returns another thing than `before`: two seconds are promised."""
    deadline = time.monotonic() + 2
    while read() == before:
        assert time.monotonic() < deadline, "nothing changed within two seconds"
        time.sleep(0.02)


def assertion_of(office: Bureau, phone: Phone) -> tuple[str, str]:
    """Return a fresh assertion and the name of its key."""
    assertion = office.terminal().visit("A1-01", phone.code())["assertion"]
    return assertion, str(jwt.get_unverified_header(assertion)["kid"])


def test_codes_are_signed_by_the_next_key_within_two_seconds_and_old_ones_stay_good(
    office: Bureau, own: Settings
) -> None:
    phone = office.phone()
    old = phone.code()
    _, cached = bundle_of(office.base_url, own)
    run(own, "rotate", "code", "--lead-hours", "0")
    changed(lambda: slot_of(phone.code()), slot_of(old))
    new = phone.code()
    assert slot_of(new) == slot_of(old) + 1
    # A verifier that has not heard of the rotation knows the key already: it was published before its use.
    assert cached.verify(new, time.time()).mode == "offline"
    assert cached.verify(old, time.time()).mode == "offline"
    for code in (old, new):
        office.terminal().visit("A1-01", code)


def test_a_key_is_not_used_before_its_lead_is_over(office: Bureau, own: Settings) -> None:
    phone = office.phone()
    before = slot_of(phone.code())
    said = run(own, "rotate", "code")
    tomorrow = time.strftime("%Y-%m-%d", time.localtime(time.time() + 24 * 3600 - 60))
    assert tomorrow in said
    time.sleep(0.5)
    assert slot_of(phone.code()) == before
    assert re.search(r"code-\S+ .* next ", run(own, "list"))
    run(own, "rotate", "code", "--lead-hours", "0")


def test_every_purpose_has_a_current_key_and_one_to_come(office: Bureau, own: Settings) -> None:
    listed = run(own, "list")
    for purpose in ("code", "assertion", "anchor"):
        states = re.findall(rf"^│ {purpose}-\S+ .*?(standby|current|next|verifying|revoked) ", listed, re.MULTILINE)
        assert states.count("current") == states.count("standby") == 1
    assert office


def test_a_revoked_keys_codes_are_refused_at_once_and_new_ones_are_good(office: Bureau, own: Settings) -> None:
    phone = office.phone()
    old, spare = phone.code(), phone.code()
    kid = kid_of(own, slot_of(old))
    run(own, "revoke", kid)
    changed(lambda: slot_of(phone.code()), slot_of(old))
    with refused("code_key_revoked", 422):
        office.terminal().visit("A1-01", old)
    office.terminal().visit("A1-01", phone.code())
    with serving(own) as url:
        _, gate = bundle_of(url, own)
        with pytest.raises(CodeKeyRevoked):
            gate.verify(spare, time.time())
        assert gate.verify(phone.code(), time.time()).mode == "offline"
    again = ecard(own, "keys", "revoke", kid)
    assert (again.exit_code, getattr(again.exception, "code", "")) == (1, "key_unknown")


def test_a_revoked_standby_is_replaced(office: Bureau, own: Settings) -> None:
    [standby] = rows(
        own, "SELECT kid FROM signing_key WHERE purpose = 'code' AND use_from IS NULL AND revoked_at IS NULL"
    )
    phone = office.phone()
    code = phone.code()
    run(own, "revoke", standby["kid"])
    [fresh] = rows(
        own, "SELECT kid FROM signing_key WHERE purpose = 'code' AND use_from IS NULL AND revoked_at IS NULL"
    )
    assert fresh["kid"] != standby["kid"]
    office.terminal().visit("A1-01", code)
    assert slot_of(phone.code()) == slot_of(code)


def test_the_published_keys_are_never_empty_and_know_every_assertion(office: Bureau, own: Settings) -> None:
    stop, sizes, failures = threading.Event(), list[int](), list[str]()

    def watch() -> None:
        phone, counter = office.phone(), office.counter_of_another_agency()
        with httpx.Client(base_url=office.base_url) as http:
            while not stop.is_set():
                kid = jwt.get_unverified_header(counter.visit("A1-01", phone.code())["assertion"])["kid"]
                keys = {key["kid"] for key in http.get("/.well-known/jwks.json").json()["keys"]}
                sizes.append(len(keys))
                if kid not in keys:
                    failures.append(kid)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for purpose in ("assertion", "anchor", "assertion"):
        run(own, "rotate", purpose, "--lead-hours", "0")
        changed(partial(len, sizes), len(sizes))  # the watcher has looked since
    stop.set()
    watcher.join()
    assert min(sizes) >= 4
    assert failures == []


def test_an_assertion_of_the_key_before_still_stands(office: Bureau, own: Settings) -> None:
    phone = office.phone()
    assertion, kid = assertion_of(office, phone)
    run(own, "rotate", "assertion", "--lead-hours", "0")
    changed(lambda: assertion_of(office, phone)[1], kid)
    assert office.terminal().introspect(assertion)["active"]


def test_a_retry_across_a_rotation_gets_the_same_bytes(office: Bureau, own: Settings) -> None:
    phone, key = office.phone(), new_id().hex
    body = visit_body("A1-01", phone.code())
    first = send(office.terminal(), "POST", "/v1/visits", body, key=key)
    _, kid = assertion_of(office, phone)
    run(own, "rotate", "assertion", "--lead-hours", "0")
    changed(lambda: assertion_of(office, phone)[1], kid)
    assert send(office.terminal(), "POST", "/v1/visits", body, key=key).content == first.content


def test_an_assertion_of_a_revoked_key_is_refused(office: Bureau, own: Settings) -> None:
    phone = office.phone()
    assertion, kid = assertion_of(office, phone)
    run(own, "revoke", kid)
    within(2, lambda: office.terminal().introspect(assertion), "assertion_refused")
    keys = {key["kid"] for key in office.http.get("/.well-known/jwks.json").json()["keys"]}
    assert kid not in keys
    assert assertion_of(office, phone)[1] in keys


def test_a_terminal_that_trusts_the_old_anchor_trusts_the_new_bundle(office: Bureau, own: Settings) -> None:
    with serving(own) as url:
        old, _ = bundle_of(url, own)
    run(own, "rotate", "anchor", "--lead-hours", "0")
    with serving(own) as url:
        new, gate = bundle_of(url, own, anchors_of=old)
        assert gate.verify(office.phone().code(), time.time()).mode == "offline"
    assert jwt.get_unverified_header(new)["kid"] != jwt.get_unverified_header(old)["kid"]


def test_every_change_of_the_ring_is_in_the_audit_log(own: Settings) -> None:
    kinds = "SELECT kind, detail FROM audit_event WHERE kind IN ('keys_rotated', 'signing_key_revoked') ORDER BY n"
    before = len(rows(own, kinds))
    run(own, "rotate", "assertion", "--lead-hours", "0")
    sql = "SELECT kid FROM signing_key WHERE purpose = 'assertion' AND use_from IS NULL AND revoked_at IS NULL"
    [standby] = rows(own, sql)
    run(own, "revoke", standby["kid"])
    assert [(row["kind"], json.loads(row["detail"])) for row in rows(own, kinds)[before:]] == [
        ("keys_rotated", {"purpose": "assertion"}),
        ("signing_key_revoked", {"kid": standby["kid"]}),
    ]


def test_a_key_nobody_has_cannot_be_revoked(own: Settings) -> None:
    result = ecard(own, "keys", "revoke", "code-nobody")
    assert (result.exit_code, getattr(result.exception, "code", "")) == (1, "key_unknown")


def test_private_keys_are_sealed_in_the_database(own: Settings) -> None:
    for key in rows(own, "SELECT private FROM signing_key"):
        assert key["private"][0] == 1
        assert b"\x2a\x86\x48\xce\x3d" not in key["private"]  # the beginning of every EC key's identifier in DER
