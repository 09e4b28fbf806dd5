"""Programs of a document, run as they stand there, and a visitor with browser and phone who meets them."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import pytest

from ecard.client import Phone
from tests.clients.node import HERE, NODE


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Program:
    """A program that runs in a directory of its own, with the settings that it reads.

    Args:
        place: Where it is written.
        name: Its file.
        text: What it is.
        settings: Its environment.
    """

    def __init__(self, place: Path, name: str, text: str, **settings: str) -> None:
        write(place, name, text)
        command = NODE if name.endswith(".mjs") else sys.executable
        self._process = subprocess.Popen(
            [command, name],
            cwd=place,
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate(timeout=20)

    def answering(self, port: int) -> str:
        """Return the address that it listens on, once it does."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    return f"http://127.0.0.1:{port}"
            time.sleep(0.05)
        self._process.kill()
        pytest.fail(self._process.communicate()[1])

    def say(self, line: str) -> None:
        """Give it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        """Return the next line that it prints; fail with what it wrote to stderr when it has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            pytest.fail(self._process.communicate()[1])
        return line.strip()


def write(place: Path, name: str, text: str) -> None:
    """Write a program, and let Node find its packages from there."""
    place.joinpath(name).write_text(text, "utf-8")
    modules = place / "node_modules"
    if not modules.exists():
        modules.symlink_to(HERE / "node_modules")


class Visitor:
    """Somebody with a browser and a phone."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.browser = httpx.Client(timeout=30, follow_redirects=True, headers={"Accept": "text/html"})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.browser.close()

    def decide(self, site: str, *, agree: bool = True) -> str:
        """Open a site that sends its visitors to log in, scan, and decide; return the login page's address."""
        shown = self.browser.get(site)
        assert shown.status_code == 200, shown.text
        login = str(shown.url.copy_with(query=None))
        qr = self.browser.get(f"{login}/status").json()["qr"]
        one = self.phone.call("POST", "/v1/logins/scan", {"qr": qr}).json()["id"]
        number = self.browser.get(f"{login}/status").json()["number"]
        if agree:
            self.phone.call("POST", f"/v1/logins/{one}/confirm", {"number": number})
        else:
            self.phone.call("POST", f"/v1/logins/{one}/decline", {})
        return login

    def log_in(self, site: str) -> httpx.Response:
        """Log in at a site; return the page that it shows then."""
        return self.browser.get(f"{self.decide(site)}/done")
