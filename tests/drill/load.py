"""The load: tills that charge, repeat what got no answer under the same key, refund, and keep what they were told."""

import contextlib
import random
import threading
import time
from typing import Any, Self

import httpx

from ecard.client import Phone, Refused, Terminal
from ecard.ids import new_id
from tests.bureau import PASSWORD
from tests.drill.site import Site
from tests.shop import Shop, payer

PATIENCE = 90.0
"""Seconds for which a till repeats a request that got no answer."""


class Acknowledged:
    """What tills were told, and how long it took; shared by all."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        """By the merchant's number: the last answer to its charge."""
        self.refunds: dict[str, dict[str, Any]] = {}
        self.changed: list[str] = []
        """Numbers for which a retry contradicted what had been acknowledged."""
        self.refused: dict[str, int] = {}
        self.seconds: list[float] = []

    def charged(self, number: str, order: dict[str, Any]) -> None:
        """Note an answer to a charge; a paid one must stay so."""
        before = self.orders.get(number)
        settled = {"paid", "partially_refunded", "refunded"}
        if before and (before["id"] != order["id"] or (before["state"] in settled and order["state"] not in settled)):
            self.changed.append(number)
        self.orders[number] = order

    def refuse(self, code: str) -> None:
        """Count a refusal."""
        self.refused[code] = self.refused.get(code, 0) + 1


class Till(threading.Thread):
    """One till with its queue of holders (each on one phone), until told to stop."""

    def __init__(self, shop: Shop, phone: Phone, told: Acknowledged, stopped: threading.Event, seed: int) -> None:
        super().__init__(daemon=True)
        self.terminal: Terminal = shop.bureau.registrar.register_terminal(shop.agency, "till")
        self.shop = shop
        self.phone = phone
        self.told = told
        self.stopped = stopped
        self.random = random.Random(seed)

    def run(self) -> None:
        """Charge, repeat, refund."""
        while not self.stopped.is_set():
            with contextlib.suppress(httpx.HTTPError):
                try:
                    self._one()
                except Refused as refusal:
                    self.told.refuse(refusal.code)
                    time.sleep(0.05)

    def _one(self) -> None:
        body, key = self.shop.body(self.phone.code("pay"), self.random.randint(1, 300)), new_id().hex
        started = time.monotonic()
        order = self._repeated("/v1/charges", body, key)
        if order is None:
            return
        self.told.seconds.append(time.monotonic() - started)
        self.told.charged(body["out_trade_no"], order)
        if self.random.random() < 0.15:
            again = self._repeated("/v1/charges", body, key)
            if again is not None:
                self.told.charged(body["out_trade_no"], again)
        if order["state"] == "paid" and self.random.random() < 0.15:
            number, amount = new_id().hex, self.random.randint(1, order["amount"])
            asked = {"out_refund_no": number, "amount": amount, "reason": "退票"}
            refund = self._repeated(f"/v1/orders/{order['id']}/refunds", asked, new_id().hex)
            if refund is not None:
                self.told.refunds[number] = refund

    def _repeated(self, path: str, body: dict[str, Any], key: str) -> dict[str, Any] | None:
        """Return the answer to a request that is repeated, under its key, until it gets one."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                return dict(self.terminal.call("POST", path, body, key=key).json())
            except Refused as refusal:
                if refusal.status < 500 and refusal.code != "idempotency_in_flight":
                    raise
                self.told.refuse(refusal.code or str(refusal.status))
                if refusal.code == "bank_unavailable":
                    return None  # the customer pays by other means
            except httpx.HTTPError:
                self.told.refuse("no answer")
            time.sleep(0.1)
        return None


class Load:
    """So many tills at once."""

    def __init__(self, site: Site, tills: int = 4) -> None:
        self.site = site
        self.shop = Shop(site.bureau)
        self.phones = [payer(site.bureau) for _ in range(tills)]
        self.told = Acknowledged()
        self._stopped = threading.Event()
        self._tills: list[Till] = []
        self._seed = 0

    def __enter__(self) -> Self:
        """Begin."""
        self._stopped.clear()
        for phone in self.phones:
            phone.prove(PASSWORD)
        self._tills = []
        for phone in self.phones:
            self._seed += 1
            self._tills.append(Till(self.shop, phone, self.told, self._stopped, self._seed))
        for till in self._tills:
            till.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; a till that waits for an answer gets it first."""
        self._stopped.set()
        for till in self._tills:
            till.join(PATIENCE + 30)
