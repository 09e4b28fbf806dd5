"""Each policy lets through what its own item does to each kind of card, and no policy what another's does."""

from collections.abc import Callable, Sequence

import pytest

from cardio import reading, writing
from cardio.bridge.messages import PolicyName
from cardio.bridge.policy import POLICIES, Guard
from cardio.commands.iso import Dialect
from cardio.errors import NotAllowed
from cardio.files.tables import SETTLEMENTS
from cardio.keys.model import UPDATE_DF02, UPDATE_DF04
from cardio.script import run
from cardio.transport.held import Held
from cardio.virtual.card import VirtualCard
from tests.cardio.acts import IDS, KINDS, identify, opened
from tests.cardio.bridge.desk import READER, Tray

Work = Callable[["Guarded"], object]


class Guarded:
    """A reader behind a guard, as a session has it."""

    def __init__(self, held: Held, policy: PolicyName) -> None:
        self.name, self.atr = held.name, held.atr
        self._held, self._guard = held, Guard(policy)

    def transmit(self, command: bytes) -> bytes:
        return self.exchange([command])[0]

    def exchange(self, commands: Sequence[bytes], *, stop_on_error: bool = True) -> list[bytes]:
        self._guard.admit_all(commands)
        answers = self._held.exchange(commands, stop_on_error=stop_on_error)
        for command, answer in zip(commands, answers, strict=False):
            if answer[-2:] == b"\x90\x00":
                self._guard.succeeded(command)
        return answers

    def close(self) -> None:
        self._held.close()


def certify(reader: Guarded) -> None:
    seen, _ = identify(reader)
    values = {"certificate_no": "11990020260001", "status": "3"}
    assert run(writing.write_certificate(seen, values, opened(reader, seen, UPDATE_DF02)), reader).changed


def settle(reader: Guarded) -> None:
    seen, _ = identify(reader)
    values = dict(SETTLEMENTS.vectors[0][1])
    assert run(writing.write_settlement(seen, values, opened(reader, seen, UPDATE_DF04)), reader).changed


def pay(reader: Guarded) -> None:
    identify(reader)
    assert run(reading.pan(), reader)


OWN: dict[PolicyName, Work] = {
    "identify": identify,
    "identify_pin": identify,
    "pan": pay,
    "write_a1_04": certify,
    "settle_a2_52": settle,
}


def behind(card: VirtualCard, policy: PolicyName) -> Guarded:
    tray = Tray(READER)
    tray.put(card)
    return Guarded(tray.hold(READER), policy)


@pytest.mark.parametrize(("version", "dialect", "t0"), KINDS, ids=IDS)
def test_a_policy_lets_its_own_item_through_on_each_kind_of_card(version: str, dialect: Dialect, *, t0: bool) -> None:
    assert OWN.keys() == POLICIES.keys()
    for policy, work in OWN.items():
        reader = behind(VirtualCard(version=version, dialect=dialect, t0=t0), policy)
        work(reader)
        reader.close()


@pytest.mark.parametrize("policy", OWN)
@pytest.mark.parametrize("work", [certify, settle, pay])
def test_no_policy_lets_the_work_of_another_through(policy: PolicyName, work: Work) -> None:
    if OWN[policy] is work:
        return
    reader = behind(VirtualCard(), policy)
    with pytest.raises(NotAllowed):
        work(reader)
    reader.close()
