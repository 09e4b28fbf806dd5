"""A sandbox of one's own: the real server beside this process on embedded stores, and operators registered with it."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple

import click
import httpx
import msgspec
from rich.console import Console

from ecard.access.schemas import OperatorRequest
from ecard.access.service import register_operator
from ecard.cli.context import with_runtime
from ecard.client import Operator
from ecard.db import begin
from ecard.keys import Suite, generate, load_signer, to_jwk
from ecard.runtime import Runtime
from ecard.settings import SANDBOX_ISSUER

ISSUER = os.environ.get("ECARD_ISSUER", SANDBOX_ISSUER)
"""Who the sandbox says that it is, in what it signs."""
_START = 180.0
"""Seconds that a first start may take: the stores are initialised."""
_TRIES = 3


def free(port: int) -> int:
    """Return `port`, or another one when it is taken."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(port: int, console: Console, *more: str) -> Iterator[str]:
    """Run `ecard serve` beside this process; its messages are shown if it fails to start.

    They go to a file: a pipe that nobody reads is full after a while, and the server would wait for its reader.
    """
    with tempfile.TemporaryFile("w+") as said:
        with console.status("正在启动数据库与服务… Starting the stores and the server…"):
            process, base_url = _started(port, said, *more)
        try:
            yield base_url
        finally:
            process.terminate()
            process.wait(timeout=30)


def _started(port: int, said: "IO[str]", *more: str) -> "tuple[subprocess.Popen[str], str]":
    """Return a server that is ready, and its address; on another port where somebody took this one meanwhile."""
    for _ in range(_TRIES):
        command = [sys.executable, "-m", "ecard.cli", "serve", "--sandbox", "--port", str(port), "--quiet", *more]
        # Our own command, and no shell.
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, text=True)  # noqa: S603
        base_url = f"http://127.0.0.1:{port}"
        if _ready(process, base_url):
            return process, base_url
        process.kill()
        port = free(0)
    said.seek(0)
    msg = f"服务未能启动。The server did not start.\n{said.read()}"
    raise click.ClickException(msg)


def _ready(process: "subprocess.Popen[str]", base_url: str) -> bool:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{base_url}/ready", timeout=1).is_success:
                return True
        time.sleep(0.05)
    return False


def first_operators(roles: Mapping[str, str]) -> dict[str, Any]:
    """Register operators as `ecard operators add` does, on the running server's stores.

    `roles` has a role for each name; the answer has `actor` and `key` (PKCS #8, hex) for each name.
    """

    async def work(runtime: Runtime) -> dict[str, Any]:
        made: dict[str, Any] = {}
        async with begin(runtime.pool) as tx:
            for name, role in roles.items():
                signer, der = generate(Suite.ES256)
                request = msgspec.convert(
                    {"name": f"沙箱 {name}", "role": role, "key": to_jwk(signer.suite, signer.public)}, OperatorRequest
                )
                registered = await register_operator(tx, request, None)
                made[name] = {"actor": str(registered.id), "key": der.hex()}
        return made

    return with_runtime(work)


class Operators(NamedTuple):
    """The bureau's operators of a rehearsal, two where two must agree."""

    registrar: Operator
    cards: Operator
    security: Operator
    finance: Operator
    second: Operator
    training: Operator

    @classmethod
    def of(cls, http: httpx.Client, known: Mapping[str, Any]) -> "Operators":
        """Return the operators that `first_operators` made."""
        signers = {name: load_signer(bytes.fromhex(known[name]["key"])) for name in cls._fields}
        return cls(**{name: Operator(http, known[name]["actor"], signers[name]) for name in cls._fields})


ROLES = {name: "finance" if name == "second" else name for name in Operators._fields}
"""The role of each of them."""
