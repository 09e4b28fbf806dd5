"""A biller: a merchant whose bills are looked up at a simulated agency, a process of its own."""

import contextlib
import itertools
import secrets
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from ecard.client import Phone
from tests.bureau import Bureau, new_uscc

WATER = "A2-44"
FINES = "A2-28"
_accounts = itertools.count(secrets.randbelow(10**6) * 1000)


class BillingAgency:
    """A merchant, and the agency's server behind it."""

    def __init__(self, bureau: Bureau, url: str) -> None:
        self.bureau = bureau
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=10)
        self.id = bureau.registrar.register_agency("测试水务", new_uscc())
        merchant = {
            "agency": str(self.id),
            "name": "测试水务",
            "category": "4900",
            "bank": "SANDBOX",
            "bank_account": "6299990000000000012",
            "items": [WATER, FINES],
            "order_limit": 10_000_000,
        }
        bureau.finance.call("POST", "/v1/merchants", merchant)
        body = {"merchant": str(self.id), "url": url, "items": [WATER]}
        key = bureau.finance.call("POST", "/v1/billers", body).json()["key"]
        self.control("key", {"key": key})

    def control(self, what: str, body: object) -> None:
        """Tell the simulated agency something."""
        self.http.post(f"/control/{what}", json=body).raise_for_status()

    def fault(self, kind: str, on: str, times: int = 1, seconds: float = 0.0) -> None:
        """Let the next `times` requests fail."""
        self.control("faults", [{"kind": kind, "on": on, "times": times, "seconds": seconds}])

    def calm(self) -> None:
        """Let all be well."""
        self.control("faults", [])

    def book(self) -> dict[str, Any]:
        """Return which order paid which bill, and how often each was told."""
        found: dict[str, Any] = self.http.get("/control/book").json()
        return found

    def owed(self, *amounts: int) -> str:
        """Return a new account that owes bills of these amounts."""
        account = f"W{next(_accounts)}"
        bills = [
            {"bill_no": f"{account}-{n}", "title": "水费", "amount": amount, "due": "2026-12-15"}
            for n, amount in enumerate(amounts)
        ]
        self.control("bills", {"account": account, "bills": bills})
        return account

    def inquire(self, phone: Phone, account: str, *, item: str = WATER) -> list[dict[str, Any]]:
        """Return what a holder is told about an account."""
        body = {"biller": str(self.id), "item": item, "account": account}
        found: list[dict[str, Any]] = phone.call("POST", "/v1/me/bills/inquiries", body).json()
        return found


def bills(phone: Phone) -> list[dict[str, Any]]:
    """Return the bills of a holder."""
    found: list[dict[str, Any]] = phone.call("GET", "/v1/me/bills").json()
    return found


@contextlib.contextmanager
def agency_process() -> Iterator[str]:
    """Run a simulated agency; yield its URL."""
    process = subprocess.Popen([sys.executable, "-m", "pay.bills.simulator"], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield str(msgspec.json.decode(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
