"""The session key: agreed by both sides, and by nobody else."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ecard.access.model import agree, new_share
from ecard.callers import SESSION_SECONDS

ACTOR = bytes(range(16))


def test_both_sides_derive_the_same_key_of_32_bytes() -> None:
    (mine, asked), (theirs, answered) = new_share(), new_share()
    phone = agree(mine, answered, asked=asked, answered=answered, actor=ACTOR)
    server = agree(theirs, asked, asked=asked, answered=answered, actor=ACTOR)
    assert phone == server
    assert len(phone) == 32


def test_the_key_is_what_the_standards_derive() -> None:
    (mine, asked), (theirs, answered) = new_share(), new_share()
    secret = theirs.exchange(ec.ECDH(), mine.public_key())
    expected = HKDF(SHA256(), 32, salt=asked + answered, info=b"ecard session v1" + ACTOR).derive(secret)
    assert agree(mine, answered, asked=asked, answered=answered, actor=ACTOR) == expected


def test_a_share_is_an_uncompressed_point_and_new_each_time() -> None:
    shares = []
    for _ in range(20):
        key, share = new_share()
        assert share == key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        assert (len(share), share[0]) == (65, 4)
        shares.append(share)
    assert len(set(shares)) == 20


def test_another_actor_share_or_role_gives_another_key() -> None:
    (mine, asked), (_, answered), (_, other) = new_share(), new_share(), new_share()
    keys = {
        agree(mine, answered, asked=asked, answered=answered, actor=ACTOR),
        agree(mine, answered, asked=asked, answered=answered, actor=bytes(16)),
        agree(mine, other, asked=asked, answered=other, actor=ACTOR),
        agree(mine, answered, asked=answered, answered=asked, actor=ACTOR),
        agree(mine, answered, asked=other, answered=answered, actor=ACTOR),
    }
    assert len(keys) == 5


def beside_the_curve() -> bytes:
    share = new_share()[1]
    return share[:-1] + bytes((share[-1] ^ 1,))


@pytest.mark.parametrize(
    "theirs",
    [
        b"",
        b"\x00",  # the point at infinity
        bytes(65),
        b"\x04" + bytes(64),
        b"\x04" + b"\xff" * 64,
        beside_the_curve(),
        new_share()[1][:-1],
        new_share()[1] + b"\0",
        b"\x05" + new_share()[1][1:],
        b"garbage" * 9 + b"ab",
    ],
    ids=["none", "infinity", "zeros", "origin", "ones", "beside", "short", "long", "form 5", "garbage"],
)
def test_a_share_that_is_no_point_of_the_curve_is_refused(theirs: bytes) -> None:
    own, asked = new_share()
    with pytest.raises(ValueError):  # noqa: PT011 - `cryptography` says it in its own words
        agree(own, theirs, asked=asked, answered=theirs, actor=ACTOR)


def test_a_session_and_its_ticket_live_equally_long() -> None:
    assert SESSION_SECONDS == 12 * 3600
