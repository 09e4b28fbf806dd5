"""The sandbox's bank: the simulator as a process beside the server, and its row in the registry.

It is tied to its owner as the embedded stores are: it ends with it, even by kill -9. Its book stays in the data
directory, so that a restart of the sandbox finds the money where it was.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM

import httpx
import msgspec

from ecard.db import Db, begin
from ecard.embedded.child import tied_to_us
from ecard.vault import Vault
from pay.banks import service, store
from pay.banks.model import Ladder
from pay.banks.service import BankAsked

CODE, NAME, IINS = "SANDBOX", "测试银行", ("62",)
BOOK = "bank.sqlite"
_PLACE = "bank.json"


class Simulator(msgspec.Struct, frozen=True):
    """Where a simulated bank is: its own URL, its control endpoint's, its public key (JWK)."""

    url: str
    control: str
    key: dict[str, str]


class SimulatorFailed(Exception):
    """The simulator did not start; its own words went to standard error."""


@contextlib.contextmanager
def simulated(directory: Path, *, port: int = 0) -> Iterator[Simulator]:
    """Run the simulator with its book in `directory`; its address is kept there in bank.json. Raises SimulatorFailed.

    Enter it in a thread that lives as long as the bank: the kernel ends the process with that thread.
    """
    command = [sys.executable, "-m", "pay.banks.simulator", "--name", CODE, "--book", str(directory / BOOK)]
    process = subprocess.Popen(  # noqa: S603 - our own command, and no shell
        [*command, "--port", str(port)],
        stdout=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C at the terminal is for the owner
        preexec_fn=tied_to_us(SIGTERM),  # noqa: PLW1509 - makes system calls only
    )
    try:
        with contextlib.closing(process.stdout) as output:  # type: ignore[type-var] # it was asked for above
            said = output.readline() if output else b""
        try:
            found = msgspec.json.decode(said, type=Simulator)
        except msgspec.DecodeError:
            raise SimulatorFailed from None
        (directory / _PLACE).write_bytes(msgspec.json.encode(found))
        yield found
    finally:
        process.terminate()
        process.wait(10)


async def connect(pool: Db, vault: Vault, simulator: Simulator, ladder: Ladder | None = None) -> None:
    """Register the simulator as the sandbox's bank, or say where it is now, and let our key in."""
    async with begin(pool) as tx:
        known = {row.code: row for row in await store.banks(tx)}.get(CODE)
        if known is None:
            asked = BankAsked(
                code=CODE,
                name=NAME,
                iins=IINS,
                url=simulator.url,
                key=simulator.key,
                ladder=ladder or Ladder(),
            )
            own = await service.register(tx, vault, asked)
        else:
            own = service.own_key(vault, known)
            await service.change(tx, CODE, url=simulator.url, key=simulator.key, ladder=ladder)
    async with httpx.AsyncClient(timeout=10) as http:
        (await http.put(f"{simulator.control}/clients", json={"key": own})).raise_for_status()
