"""A counter PC for tests: a bridge that dials in to the server, and the terminal beside it."""

import contextlib
import threading
import time
from collections.abc import Callable
from queue import Queue
from typing import Any
from uuid import UUID

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from ecard.client import Operator, Terminal
from ecard.client.actors import new_signer
from ecard.encoding import b64url
from ecard.ids import new_id
from ecard.keys import Signer, to_jwk
from ecard.tokens import TokenType
from tests.bureau import Bureau

READER = {"name": "Test Reader 00", "atr": None}


def bridge_token(signer: Signer, bridge: UUID, issuer: str, **changed: Any) -> str:
    """Return the token that a bridge connects with; `changed` are other claims, `typ` another type."""
    now = int(time.time())
    typ = changed.pop("typ", TokenType.BRIDGE.value)
    claims = {"iss": str(bridge), "sub": str(bridge), "aud": issuer, "iat": now, "exp": now + 60, "jti": new_id().hex}
    header = {"alg": signer.suite.value, "typ": typ, "kid": str(bridge)}
    signed = f"{b64url(msgspec.json.encode(header))}.{b64url(msgspec.json.encode({**claims, **changed}))}"
    return f"{signed}.{b64url(signer.sign(signed.encode()))}"


class Line:
    """One connection of a bridge: what the server says, in order, and how it ended."""

    def __init__(
        self, base_url: str, token: str, answer: Callable[["Line", dict[str, Any]], None] | None = None
    ) -> None:
        self.said: Queue[dict[str, Any]] = Queue()
        self.code: int | None = None
        """The close code, once it is over."""
        self._answer = answer
        url = base_url.replace("http", "ws", 1) + "/v1/bridge/link"
        self._held = contextlib.ExitStack()
        opening = connect(url, additional_headers={"Authorization": f"Bearer {token}"})
        self._socket: ClientConnection = self._held.enter_context(opening)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for text in self._socket:
                frame = msgspec.json.decode(text)
                if self._answer is not None and "session" in frame:
                    self._answer(self, frame)
                else:
                    self.said.put(frame)
        except ConnectionClosed:
            pass
        finally:
            closed = self._socket.protocol.close_rcvd
            self.code = closed.code if closed else 1006

    def say(self, name: str, /, **members: Any) -> None:
        """Send a frame."""
        self._socket.send(msgspec.json.encode({"type": name, **members}).decode())

    def say_raw(self, text: str) -> None:
        """Send a frame as it is."""
        self._socket.send(text)

    def next(self, kind: str, seconds: float = 5) -> dict[str, Any]:
        """Return the next frame of a kind; those before it are passed over."""
        deadline = time.monotonic() + seconds
        while True:
            frame = self.said.get(timeout=max(0.01, deadline - time.monotonic()))
            if frame["type"] == kind:
                return frame

    def ended(self, seconds: float = 5) -> int | None:
        """Return the close code once the connection is over."""
        self._thread.join(seconds)
        return self.code

    def close(self) -> None:
        """Hang up."""
        self._held.close()
        self._thread.join(5)


class Bridge:
    """A registered bridge with the key that was made on its PC."""

    def __init__(self, operator: Operator, agency: UUID, issuer: str) -> None:
        self.signer = new_signer()
        self.issuer = issuer
        self.body = {
            "agency": str(agency),
            "name": "1号窗口读卡器",
            "site": "政务大厅",
            "key": to_jwk(self.signer.suite, self.signer.public),
        }
        self.id = UUID(operator.call("POST", "/v1/bridges", self.body).json()["id"])

    def token(self, **changed: Any) -> str:
        """Return a new token."""
        return bridge_token(self.signer, self.id, self.issuer, **changed)

    def dial(self, base_url: str, answer: Callable[[Line, dict[str, Any]], None] | None = None) -> Line:
        """Connect and say hello."""
        line = Line(base_url, self.token(), answer)
        line.say("hello", version="0.1.0", readers=[READER])
        return line


def paired(bureau: Bureau, setting: str = "counter") -> tuple[Terminal, Bridge, Line]:
    """Return a new terminal with a bridge beside it, connected and paired."""
    terminal = bureau.registrar.register_terminal(bureau.agency, setting)
    bridge = Bridge(bureau.registrar, bureau.agency, bureau.issuer)
    line = bridge.dial(bureau.base_url)
    pair(terminal, line)
    return terminal, bridge, line


def pair(terminal: Terminal, line: Line) -> dict[str, Any]:
    """Pair a terminal with the bridge at the other end of a line, as its page does."""
    code = line.next("welcome")["pairing"]
    made: dict[str, Any] = terminal.call("POST", "/v1/bridge-pairings", {"code": code}).json()
    line.next("paired")
    return made
