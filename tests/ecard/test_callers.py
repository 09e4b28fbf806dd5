"""A session's ticket says who calls, to us alone and until its end."""

from uuid import UUID

import pytest

from ecard.callers import AnyCaller, Channel, Holder, Operator, SessionInvalid, Terminal, Tickets
from ecard.encoding import b64url, unb64url
from ecard.signatures import Call, read, sign

NOW = 1_794_000_000
END = NOW + 43_200
ACTOR, OTHER = UUID(int=1), UUID(int=2)
LONGEST = "\U00020000" * 64
CALLERS: list[AnyCaller] = [
    Holder(actor=ACTOR, seq=7, key=bytes(32), expires=END, card=11, channel=OTHER, verified_until=NOW + 300),
    Holder(actor=ACTOR, seq=7, key=bytes(32), expires=END, card=11, channel=OTHER),
    Terminal(
        actor=ACTOR,
        seq=7,
        key=bytes(32),
        expires=END,
        agency=OTHER,
        agency_name="测试人社局",
        setting="counter",
        region="640100",
        site="政务大厅",
    ),
    Operator(actor=ACTOR, seq=7, key=bytes(32), expires=END, role="registrar"),
    Channel(actor=ACTOR, seq=7, key=bytes(32), expires=END, kind="hrss", tier=1),
]


@pytest.fixture
def tickets() -> Tickets:
    return Tickets(bytes(range(32)))


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: type(caller).__name__)
def test_every_kind_of_caller_comes_back_as_itself(tickets: Tickets, caller: AnyCaller) -> None:
    opened = tickets.open(tickets.seal(caller), NOW)
    assert type(opened) is type(caller)
    assert opened == caller


def test_a_new_session_of_a_phone_has_proven_no_password() -> None:
    assert Holder(actor=ACTOR, seq=7, key=bytes(32), expires=END, card=11, channel=OTHER).verified_until == 0


def test_a_ticket_is_dead_on_and_after_its_end(tickets: Tickets) -> None:
    ticket = tickets.seal(CALLERS[0])
    assert tickets.open(ticket, END - 0.001) == CALLERS[0]
    for now in (END, END + 0.001, END + 10**9):
        with pytest.raises(SessionInvalid) as refused:
            tickets.open(ticket, now)
        assert (refused.value.status, refused.value.code) == (401, "session_invalid")


def test_a_ticket_with_any_bit_flipped_or_end_cut_off_is_refused(tickets: Tickets) -> None:
    raw = unb64url(tickets.seal(CALLERS[2]))
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SessionInvalid):
            tickets.open(b64url(bytes(changed)), NOW)
    for length in range(len(raw)):
        with pytest.raises(SessionInvalid):
            tickets.open(b64url(raw[:length]), NOW)


def test_a_ticket_of_another_key_is_refused(tickets: Tickets) -> None:
    with pytest.raises(SessionInvalid):
        tickets.open(Tickets(bytes(32)).seal(CALLERS[0]), NOW)


@pytest.mark.parametrize("garbage", ["", "A", "AAAA", "x" * 600, "é", "\0", "====", "A" * 100_000])
def test_garbage_is_no_ticket(tickets: Tickets, garbage: str) -> None:
    with pytest.raises(SessionInvalid):
        tickets.open(garbage, NOW)


def test_a_ticket_shows_nothing_of_the_caller_and_is_another_each_time(tickets: Tickets) -> None:
    made = [tickets.seal(CALLERS[2]) for _ in range(20)]
    assert len(set(made)) == 20
    for ticket in made:
        raw = unb64url(ticket)
        for secret in ("测试人社局", "640100", str(ACTOR), str(OTHER), "terminal"):
            assert secret.encode() not in raw
        assert CALLERS[2].key not in raw


def test_the_ticket_of_the_longest_names_can_still_sign_a_call(tickets: Tickets) -> None:
    caller = Terminal(
        actor=ACTOR,
        seq=2**31 - 1,
        key=bytes(32),
        expires=END,
        agency=OTHER,
        agency_name=LONGEST,
        setting="counter",
        region="640100",
        site=LONGEST,
    )
    ticket = tickets.seal(caller)
    call = Call("GET", "/v1/x", "", b"")
    headers = sign(call, keyid=ticket, algorithm="hmac-sha256", created=NOW, by=lambda _: bytes(32))
    signed = read(call, {name.lower(): value for name, value in headers.items()}, NOW)
    assert tickets.open(signed.keyid, NOW) == caller
