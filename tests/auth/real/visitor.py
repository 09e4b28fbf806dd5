"""A person at a PC with a phone at hand, as any client's login finds them."""

from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import httpx

from ecard.client import Phone


class Visitor:
    """Follows a client's link as a browser does, scans what the page shows, and comes back to the client.

    Cookies are kept and sent by the rules that browsers have, paths included.
    """

    def __init__(self, phone: Phone | None = None) -> None:
        self._phone = phone
        self.page = ""
        self._http = httpx.Client(timeout=30, headers={"Accept": "text/html", "User-Agent": "Firefox (Linux)"})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def open(self, link: str) -> str:
        """Go to the login page by a client's link; return what it shows."""
        answer = self._http.get(link)
        assert answer.status_code == 303, answer.text
        self.page = urljoin(link, answer.headers["location"].partition("?")[0])
        shown = self._http.get(self.page)
        assert shown.status_code == 200, shown.text
        return shown.text

    def sent_back(self, link: str) -> str:
        """Follow a link that leads to no login page; return the client's address with its answer."""
        answer = self._http.get(link)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    @property
    def phone(self) -> Phone:
        """The phone at hand."""
        assert self._phone is not None
        return self._phone

    def status(self) -> dict[str, Any]:
        """Return what the page is told."""
        told: dict[str, Any] = self._http.get(f"{self.page}/status").raise_for_status().json()
        return told

    def scan(self) -> dict[str, Any]:
        """Scan the page's QR; return what the phone shows."""
        seen: dict[str, Any] = self.phone.call("POST", "/v1/logins/scan", {"qr": self.status()["qr"]}).json()
        return seen

    def confirm(self, login: str, **more: Any) -> None:
        """Confirm with the number that the page shows."""
        self.phone.call("POST", f"/v1/logins/{login}/confirm", {"number": self.status()["number"], **more})

    def leave(self) -> str:
        """Let the page go on; return the client's address with its answer."""
        done = self._http.get(f"{self.page}/done")
        assert done.status_code == 303, done.text
        return str(done.headers["location"])

    def log_in(self, link: str) -> str:
        """Do all of it; return the client's address with its answer."""
        self.open(link)
        self.confirm(self.scan()["id"])
        return self.leave()
