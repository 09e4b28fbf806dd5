"""The counter's PC of the demonstration: a bridge that dials in, and a virtual card in its reader.

The card is put into a reader of pcscd where one of vpcd's is there, into one of this process otherwise. What the
server asks is passed on, as `ecard-bridge` does; nothing is decided here.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from cardio.bridge.messages import (
    Answers,
    Apdus,
    AskPin,
    Close,
    Failed,
    Hello,
    Open,
    Opened,
    PinEntered,
    Welcome,
    encode,
    from_server,
)
from cardio.commands import iso
from cardio.errors import CardError, CardMissing
from cardio.transport.pcsc import PcscReaders
from cardio.transport.reader import Reader, Readers
from cardio.transport.virtual import VirtualReaders
from cardio.virtual.card import VirtualCard
from cardio.virtual.vpcd import Inserted, connected
from ecard.client import Operator, Terminal
from ecard.client.actors import new_signer
from ecard.encoding import b64url
from ecard.ids import new_id
from ecard.keys import Signer, to_jwk
from ecard.tokens import TokenType

_VPCD = "Virtual PCD"
"""How vpcd's readers are called."""
PIN = "123456"
"""What the holder of every sandbox card enters."""
_DONE = bytes.fromhex("9000")
_PATIENCE = 20.0
"""Seconds until a card is seen in a reader of pcscd, or seen to have gone; on a quiet machine a tenth of one."""
_WAIT = 5
_IN_USE = threading.Lock()
"""Held while a card is in pcscd's reader: there is one, however many counters there are."""


def in_pcscd() -> str | None:
    """Return the name of a reader of vpcd's in a running pcscd, or None."""
    try:
        return next((one for one in PcscReaders().names() if _VPCD in one), None)
    except (CardError, OSError):
        return None


def _inserted(card: VirtualCard) -> Inserted | None:
    """Put a card into vpcd's reader, when it is free; None where nothing listens for one."""
    _IN_USE.acquire()
    try:
        return Inserted(card, lambda: connected(patience=0.5))
    except OSError:
        _IN_USE.release()
        return None


class Slot:
    """A reader with a virtual card in it; `name` says which, in both languages."""

    def __init__(self, card: VirtualCard) -> None:
        self._inserted: Inserted | None = None
        self._readers: Readers
        found = in_pcscd()
        if found is not None:
            self._inserted = _inserted(card)
        if found is not None and self._inserted is not None:
            self._readers, self._reader = PcscReaders(), found
            self.name = "pcscd 的虚拟读卡器 a virtual reader of pcscd"
        else:
            own = VirtualReaders("Demo")
            own.insert(card)
            self._readers, self._reader = own, "Demo"
            self.name = "进程内虚拟读卡器 (没有 pcscd) a reader in this process, for want of pcscd"

    def hold(self) -> Reader:
        """Take the card; one in a reader of pcscd is seen after a moment."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._readers.hold(self._reader)
            except CardMissing:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def empty(self) -> None:
        """Take the card out."""
        if self._inserted is not None:
            self._inserted.remove()
            self._await_empty()
            _IN_USE.release()

    def _await_empty(self) -> None:
        """Wait until pcscd has seen the card go: the next one would be taken for it, and lost with it."""
        deadline = time.monotonic() + _PATIENCE
        there = True

        def told(seen: Mapping[str, bytes | None] | CardError) -> None:
            nonlocal there
            there = not isinstance(seen, CardError) and seen.get(self._reader) is not None

        self._readers.watch(told, lambda: not there or time.monotonic() > deadline)


class Window:
    """A bridge at a counter, registered by `registrar` and paired with `counter`, for as long as it is connected."""

    def __init__(self, registrar: Operator, agency: str, counter: Terminal, issuer: str) -> None:
        self._signer = new_signer()
        key = to_jwk(self._signer.suite, self._signer.public)
        body = {"agency": agency, "name": "沙箱窗口读卡服务", "site": "沙箱大厅", "key": key}
        self._bridge = UUID(registrar.call("POST", "/v1/bridges", body).json()["id"])
        self._counter, self._issuer = counter, issuer
        self._slot: Slot | None = None
        self._held: dict[UUID, Reader] = {}

    @contextlib.contextmanager
    def paired(self) -> Iterator[None]:
        """Dial in, pair by the digits that the server gives, and serve until the end."""
        url = str(self._counter.http.base_url).rstrip("/").replace("http", "ws", 1) + "/v1/bridge/link"
        token = bridge_token(self._signer, self._bridge, self._issuer, self._counter.now())
        with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as socket:
            socket.send(encode(Hello("demo", [])))
            welcome = from_server(str(socket.recv(_WAIT)))
            if isinstance(welcome, Welcome):
                self._counter.call("POST", "/v1/bridge-pairings", {"code": welcome.pairing})
            threading.Thread(target=self._serve, args=(socket,), daemon=True).start()
            yield

    def read(self, item: str, card: VirtualCard, write: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Put a card in, have it read (or written) for an item; return how that ended, with `reader` as its place."""
        self._slot = slot = Slot(card)
        try:
            session = self._counter.call("POST", "/v1/card-sessions", {"item": item, "write": write}).json()["id"]
            seen: dict[str, Any] = {"state": "opening"}
            while seen["state"] in {"opening", "reading", "pin"}:
                path = f"/v1/card-sessions/{session}"
                seen = self._counter.call("GET", path, query=f"wait={_WAIT}").json()
            return {**seen, "reader": slot.name}
        finally:
            self._await_closed()
            slot.empty()

    def _await_closed(self) -> None:
        """Wait until the card was let go: one that is gone before its reset leaves pcscd blind to the next."""
        deadline = time.monotonic() + _WAIT
        while self._held and time.monotonic() < deadline:
            time.sleep(0.01)

    def _serve(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            for text in socket:
                frame = from_server(str(text))
                if isinstance(frame, Open | Apdus | AskPin | Close):
                    try:
                        self._do(socket, frame)
                    except CardError as error:
                        socket.send(encode(Failed(frame.session, error.code)))

    def _do(self, socket: ClientConnection, frame: Open | Apdus | AskPin | Close) -> None:
        match frame:
            case Open() if self._slot is not None:
                reader = self._held[frame.session] = self._slot.hold()
                socket.send(encode(Opened(frame.session, reader.atr.hex().upper(), reader.name)))
            case Apdus():
                commands = [bytes.fromhex(one) for one in frame.commands]
                answers = self._held[frame.session].exchange(commands, stop_on_error=frame.stop_on_error)
                socket.send(encode(Answers(frame.session, frame.n, [one.hex().upper() for one in answers])))
            case AskPin():
                [word] = self._held[frame.session].exchange([iso.verify(PIN).encode()])
                socket.send(encode(PinEntered(frame.session, frame.n, word == _DONE, None)))
            case Close() if frame.session in self._held:
                self._held[frame.session].close()
                del self._held[frame.session]


def bridge_token(signer: Signer, bridge: UUID, issuer: str, now: float) -> str:
    """Return the token that a bridge connects with, good once and for a minute."""
    header = {"alg": signer.suite.value, "typ": TokenType.BRIDGE.value, "kid": str(bridge)}
    times = {"iat": int(now), "exp": int(now) + 60}
    claims = {"iss": str(bridge), "sub": str(bridge), "aud": issuer, "jti": new_id().hex, **times}
    signed = f"{b64url(msgspec.json.encode(header))}.{b64url(msgspec.json.encode(claims))}"
    return f"{signed}.{b64url(signer.sign(signed.encode()))}"
