"""A transport operator: its merchant, gates that verify offline, fares, and riders."""

import itertools
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt

from ecard.client import Phone, Terminal
from ecard.client.actors import new_signer
from ecard.keys import to_jwk
from pay.rides.gate import DeniedList, Gate
from pay.rides.model import Direction
from qr.offline import OfflineVerifier, trust_on_first_use
from tests.bureau import Bureau, new_uscc

RIDE = "A2-26"
METRO = {
    "type": "distance",
    "stations": {"A": 0, "B": 3000, "C": 9000},
    "bands": [{"up_to": 4000, "fare": 200}, {"up_to": 10000, "fare": 400}],
}
TABLE: dict[str, Any] = {"lines": {"101": {"type": "flat", "fare": 200}, "M1": METRO}, "patience": 0}
"""Nothing is waited for, so that a test need not wait."""
_names = itertools.count(1)


class Offline:
    """A gate's computer: fetches bundle and negative list when it is told to, and is offline between."""

    def __init__(self, terminal: Terminal, line: str, station: str | None = None) -> None:
        self.terminal = terminal
        self.line, self.station = line, station
        self.kept: list[dict[str, Any]] = []
        self.gate = Gate(*self._fetch(), line=line, station=station)

    def _fetch(self) -> tuple[OfflineVerifier, DeniedList]:
        now = time.time()
        bundle = self.terminal.http.get("/v1/bundle").json()["bundle"]
        issuer = jwt.decode(bundle, options={"verify_signature": False})["iss"]
        anchors = trust_on_first_use(bundle)
        verifier = OfflineVerifier.load(bundle, anchors=anchors, issuer=issuer, newest=0, now=now)
        denied = self.terminal.call("GET", "/v1/rides/denied").json()["denied"]
        return verifier, DeniedList.load(denied, anchors=anchors, issuer=issuer, newest=0, now=now)

    def renew(self) -> None:
        """Go online, fetch, and be offline again."""
        self.gate.renew(*self._fetch())

    def tap(self, code: str, direction: Direction = Direction.SINGLE, *, at: float | None = None) -> Any:
        """Let the holder of a code through, and keep the tap; return the fare class."""
        accepted = self.gate.tap(code, direction, at or time.time())
        self.kept.append(accepted.upload)
        return accepted.fare

    def upload(self) -> list[dict[str, Any]]:
        """Send what was kept; return each line's result. What was sent is still kept."""
        return send(self.terminal, self.kept)["results"]  # type: ignore[no-any-return]


def send(terminal: Terminal, taps: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the answer to an upload."""
    answer: dict[str, Any] = terminal.call("POST", "/v1/rides", {"taps": taps}).json()
    return answer


class TransitOperator:
    """An operator with a bus line and a metro line."""

    def __init__(self, bureau: Bureau, table: dict[str, Any] | None = None) -> None:
        self.bureau = bureau
        self.agency = bureau.registrar.register_agency("测试公交", new_uscc())
        merchant = {
            "agency": str(self.agency),
            "name": "测试公交",
            "category": "4111",
            "bank": "SANDBOX",
            "bank_account": "6299990000000000012",
            "items": [RIDE],
            "order_limit": 100_000,
        }
        bureau.finance.call("POST", "/v1/merchants", merchant)
        self.set_fares(table or TABLE)

    def set_fares(self, table: dict[str, Any], *, since: float | None = None) -> httpx.Response:
        """Set prices from now on, or from another time."""
        body = {"operator": str(self.agency), "valid_from": int(since or time.time()), "table": table}
        return self.bureau.finance.call("POST", "/v1/fare-tables", body)

    def terminal(self, setting: str = "gate", *, region: str = "640100") -> Terminal:
        """Return a new terminal of the operator."""
        signer = new_signer()
        body = {
            "agency": str(self.agency),
            "name": f"{next(_names)}号闸机",
            "setting": setting,
            "region": region,
            "site": "测试站",
            "key": to_jwk(signer.suite, signer.public),
        }
        made = self.bureau.registrar.call("POST", "/v1/terminals", body).json()
        return Terminal(self.bureau.http, made["id"], signer)

    def bus(self) -> Offline:
        """Return a new bus, offline."""
        return Offline(self.terminal(), "101")

    def station(self, name: str) -> Offline:
        """Return a new gate of the metro, offline."""
        return Offline(self.terminal(), "M1", name)


def rides(phone: Phone) -> list[dict[str, Any]]:
    """Return the rides of a holder."""
    found: list[dict[str, Any]] = phone.call("GET", "/v1/me/rides").json()
    return found


def settled(phone: Phone, count: int, *states: str, seconds: float = 8) -> list[dict[str, Any]]:
    """Return a holder's rides once there are `count`, each in one of `states`."""

    def good(found: list[dict[str, Any]]) -> bool:
        return len(found) == count and all(ride["state"] in states for ride in found)

    found: list[dict[str, Any]] = until(lambda: rides(phone), good, seconds)
    return found


def until(look: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 8) -> Any:
    """Return what `look` returns once it is good; fail when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if good(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
