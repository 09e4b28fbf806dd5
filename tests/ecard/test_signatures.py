"""RFC 9421 in one strict profile: what is signed is all that counts, and all of it does."""

import hmac
import itertools
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from ecard import signatures
from ecard.keys import Suite, generate, verifier
from ecard.signatures import Call, SignatureClock, SignatureMissing, SignatureWrong

CREATED = 1_732_000_000
KEY = bytes(range(32))
BODY = b'{"item":"A1-01"}'
CALL = Call("POST", "/v1/visits", "a=1&b=%20", BODY, "key-1")


def signed(call: Call = CALL, *, created: int = CREATED, key: bytes = KEY) -> dict[str, str]:
    """Return the headers that sign `call`, by lower-case name, as a server sees them."""
    headers = signatures.sign(
        call, keyid="session-1", algorithm="hmac-sha256", created=created, by=lambda base: signatures.mac(key, base)
    )
    return {name.lower(): value for name, value in headers.items()}


def accepted(call: Call, headers: dict[str, str], *, now: float = CREATED, key: bytes = KEY) -> bool:
    """Do what a server does: read, then compare the MAC."""
    read = signatures.read(call, headers, now)
    return hmac.compare_digest(signatures.mac(key, read.base), read.signature)


# RFC 9421 appendix B.2.5: HMAC-SHA256 with the shared secret of appendix B.1.5.
SECRET = b64decode("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
BASE = (
    b'"date": Tue, 20 Apr 2021 02:07:55 GMT\n'
    b'"@authority": example.com\n'
    b'"content-type": application/json\n'
    b'"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"'
)


def test_the_mac_is_that_of_the_rfcs_own_example() -> None:
    assert b64encode(signatures.mac(SECRET, BASE)) == b"pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="


def test_the_digest_is_that_of_the_rfcs_own_example() -> None:
    # RFC 9530 appendix B.1 and D: the body {"hello": "world"} and a line feed.
    assert signatures.digest(b'{"hello": "world"}\n') == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


def by_hand(lines: list[str], params: str) -> str:
    """Compute an HMAC over a signature base written out line by line, with nothing of the product."""
    base = "\n".join([*lines, f'"@signature-params": {params}'])
    return "sig=:" + b64encode(hmac.new(KEY, base.encode(), "sha256").digest()).decode() + ":"


def test_a_call_with_body_query_and_idempotency_key_is_signed_as_computed_by_hand() -> None:
    params = (
        '("@method" "@path" "@query" "content-digest" "idempotency-key");'
        'created=1732000000;keyid="session-1";alg="hmac-sha256"'
    )
    digest = f"sha-256=:{b64encode(sha256(BODY).digest()).decode()}:"
    lines = [
        '"@method": POST',
        '"@path": /v1/visits',
        '"@query": ?a=1&b=%20',
        f'"content-digest": {digest}',
        '"idempotency-key": key-1',
    ]
    assert signed() == {
        "signature-input": f"sig={params}",
        "signature": by_hand(lines, params),
        "content-digest": digest,
        "idempotency-key": "key-1",
    }


def test_a_call_with_neither_is_signed_as_computed_by_hand() -> None:
    params = '("@method" "@path" "@query");created=1732000000;keyid="session-1";alg="hmac-sha256"'
    lines = ['"@method": GET', '"@path": /v1/me/uses', '"@query": ?']
    assert signed(Call("GET", "/v1/me/uses", "", b"")) == {
        "signature-input": f"sig={params}",
        "signature": by_hand(lines, params),
    }


@pytest.mark.parametrize(("body", "key"), [*itertools.product([b"", BODY], [None, "key-1"])])
def test_every_kind_of_call_is_accepted_as_it_was_signed(body: bytes, key: str | None) -> None:
    call = Call("PUT", "/v1/x", "", body, key)
    read = signatures.read(call, signed(call), CREATED)
    assert (read.keyid, read.algorithm) == ("session-1", "hmac-sha256")
    assert accepted(call, signed(call))


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "PUT"},
        {"method": "post"},
        {"path": "/v1/visit"},
        {"path": "/v1/visits/"},
        {"path": "/v1/Visits"},
        {"query": ""},
        {"query": "a=1&b=+"},
        {"query": "b=%20&a=1"},
        {"idempotency_key": "key-2"},
        {"idempotency_key": ""},
    ],
)
def test_a_changed_part_of_the_call_breaks_the_signature(changed: dict[str, Any]) -> None:
    assert accepted(CALL, signed())
    assert not accepted(CALL._replace(**changed), signed())


@pytest.mark.parametrize("body", [BODY + b" ", BODY.replace(b"01", b"02"), b"x"])
def test_a_changed_body_is_refused_by_its_digest(body: bytes) -> None:
    with pytest.raises(SignatureWrong):
        accepted(CALL._replace(body=body), signed())
    with_new_digest = {**signed(), "content-digest": signatures.digest(body)}
    assert not accepted(CALL._replace(body=body), with_new_digest)


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "sha-256=::",
        "sha-256=:AAAA:",
        "sha-512=:" + b64encode(sha256(BODY).digest()).decode() + ":",
        signatures.digest(BODY) + ", md5=:AAAA:",
        signatures.digest(BODY).upper(),
        signatures.digest(BODY + b" "),
    ],
)
def test_a_digest_of_another_body_or_form_is_refused(digest: str) -> None:
    with pytest.raises(SignatureWrong):
        accepted(CALL, {**signed(), "content-digest": digest})


def test_a_missing_digest_is_refused() -> None:
    headers = signed()
    del headers["content-digest"]
    with pytest.raises(SignatureWrong):
        accepted(CALL, headers)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (f"created={CREATED}", f"created={CREATED + 1}"),
        ('keyid="session-1"', 'keyid="session-2"'),
        ('alg="hmac-sha256"', 'alg="ed25519"'),
    ],
)
def test_a_changed_parameter_breaks_the_signature(was: str, now: str) -> None:
    headers = signed()
    assert was in headers["signature-input"]
    changed = {**headers, "signature-input": headers["signature-input"].replace(was, now)}
    assert not accepted(CALL, changed)


def test_the_algorithm_and_key_that_are_read_are_those_that_are_signed() -> None:
    headers = {**signed(), "signature-input": signed()["signature-input"].replace("hmac-sha256", "ed25519")}
    assert signatures.read(CALL, headers, CREATED).algorithm == "ed25519"


ALL = ("@method", "@path", "@query", "content-digest", "idempotency-key")


def with_components(*names: str) -> dict[str, str]:
    components = " ".join(f'"{name}"' for name in names)
    changed = re.sub(r"\([^)]*\)", lambda _: f"({components})", signed()["signature-input"])
    return {**signed(), "signature-input": changed}


@pytest.mark.parametrize("dropped", ALL)
def test_a_dropped_component_is_refused(dropped: str) -> None:
    with pytest.raises(SignatureWrong):
        accepted(CALL, with_components(*(name for name in ALL if name != dropped)))


def test_components_in_any_other_order_are_refused() -> None:
    orders = [order for order in itertools.permutations(ALL) if order != ALL]
    assert len(orders) == 119
    for order in orders:
        with pytest.raises(SignatureWrong):
            accepted(CALL, with_components(*order))


@pytest.mark.parametrize("names", [(), (*ALL, "@authority"), (*ALL, "@method"), ("@authority",), (*ALL[:4], "date")])
def test_other_components_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(SignatureWrong):
        accepted(CALL, with_components(*names))


def test_a_call_that_bears_more_than_was_signed_is_refused() -> None:
    bare = Call("POST", "/v1/visits", "", b"")
    for more in (bare._replace(body=BODY), bare._replace(idempotency_key="key-1")):
        headers = {**signed(bare), "content-digest": signatures.digest(BODY)}
        with pytest.raises(SignatureWrong):
            accepted(more, headers)


@pytest.mark.parametrize("offset", [-30, -29.5, 0, 29.9, 30])
def test_a_clock_half_a_minute_away_is_tolerated(offset: float) -> None:
    assert accepted(CALL, signed(), now=CREATED - offset)


@pytest.mark.parametrize("offset", [-86400, -31, -30.01, 30.01, 31, 86400])
def test_a_clock_farther_away_is_refused_with_its_measured_offset(offset: float) -> None:
    now = CREATED - offset
    with pytest.raises(SignatureClock) as refused:
        accepted(CALL, signed(), now=now)
    assert refused.value.code == "clock_skew"
    assert refused.value.members == {"offset_seconds": round(offset), "server_time": int(now)}


GOOD_INPUT, GOOD_SIGNATURE = signed()["signature-input"], signed()["signature"]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("signature-input", None),
        ("signature", None),
        ("signature-input", ""),
        ("signature", ""),
        ("signature-input", GOOD_INPUT.replace("sig=", "sig1=")),
        ("signature-input", GOOD_INPUT + ", sig2=()"),
        ("signature-input", " " + GOOD_INPUT),
        ("signature-input", GOOD_INPUT + "\n"),
        ("signature-input", GOOD_INPUT.replace(";created=1732000000", "")),
        ("signature-input", GOOD_INPUT.replace("1732000000", "-1732000000")),
        ("signature-input", GOOD_INPUT.replace("1732000000", "１７３２００００００")),
        ("signature-input", GOOD_INPUT.replace("1732000000", "173200000012")),
        ("signature-input", GOOD_INPUT + ";expires=1732000060"),
        ("signature-input", GOOD_INPUT.replace('keyid="session-1"', 'keyid=""')),
        ("signature-input", GOOD_INPUT.replace('keyid="session-1"', 'keyid="a/../b"')),
        ("signature-input", GOOD_INPUT.replace('keyid="session-1"', f'keyid="{"x" * 1201}"')),
        ("signature-input", GOOD_INPUT.replace(';alg="hmac-sha256"', "")),
        ("signature-input", GOOD_INPUT.replace('"@method"', '"@method";sf')),
        ("signature", GOOD_SIGNATURE.replace("sig=", "sig2=")),
        ("signature", GOOD_SIGNATURE[:-1]),
        ("signature", "sig=::"),
        ("signature", "sig=:" + "A" * 201 + ":"),
        ("signature", GOOD_SIGNATURE + "\n"),
    ],
)
def test_a_header_of_another_form_counts_as_not_signed(header: str, value: str | None) -> None:
    headers = {name: given for name, given in signed().items() if name != header}
    if value is not None:
        headers[header] = value
    with pytest.raises(SignatureMissing):
        accepted(CALL, headers)


@pytest.mark.parametrize("text", ["A", "A=A=", "====", "AAAAA"])
def test_a_signature_that_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(SignatureWrong):
        accepted(CALL, {**signed(), "signature": f"sig=:{text}:"})


@pytest.mark.parametrize("text", ["AAAA", b64encode(bytes(32)).decode(), b64encode(bytes(31)).decode()])
def test_a_signature_of_other_bytes_does_not_fit(text: str) -> None:
    assert not accepted(CALL, {**signed(), "signature": f"sig=:{text}:"})
    assert not accepted(CALL, signed(), key=bytes(32))


@pytest.mark.parametrize("suite", Suite)
def test_a_registered_key_signs_under_its_rfc_name(suite: Suite) -> None:
    signer, _ = generate(suite)
    name = {Suite.ES256: "ecdsa-p256-sha256", Suite.EDDSA: "ed25519"}[suite]
    assert signatures.ALGORITHM_OF[suite] == name
    headers = signatures.sign(CALL, keyid="k", algorithm=name, created=CREATED, by=signer.sign)
    read = signatures.read(CALL, {key.lower(): value for key, value in headers.items()}, CREATED)
    assert read.algorithm == name
    assert verifier(suite, signer.public).verify(read.base, read.signature)
    if suite is Suite.EDDSA:
        ed25519.Ed25519PublicKey.from_public_bytes(signer.public).verify(read.signature, read.base)


def test_the_longest_session_ticket_fits_the_keyid() -> None:
    keyid = "x" * 1200
    headers = signatures.sign(CALL, keyid=keyid, algorithm="hmac-sha256", created=CREATED, by=lambda _: bytes(32))
    assert signatures.read(CALL, {name.lower(): value for name, value in headers.items()}, CREATED).keyid == keyid
