"""经典桌面方言: the JSON that counter software of the field speaks to its reader's bridge. Off unless configured.

    {"function":"iReadCardBas","iType":3}            → {"success":true,"pOutInfo":"…|…|"}
    {"bizcode":"1002","body":{"iType":3,…}}          → {"recode":"0","reinfo":"","body":{"pOutInfo":"…|…|"}}

over a WebSocket on 127.0.0.1 (12342 by default). It has no token, so what it yields is a read and nothing else:
what the card gives freely, for a form to be filled in. There is no way from here to an assertion, to a PIN, to
a key or to a write. Text frames are UTF-8; a frame of bytes is read as GB18030 and answered so.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from cardio.bridge import here
from cardio.bridge.basic import read_basic, read_pan
from cardio.bridge.counter import Counter
from cardio.bridge.device import ClassicSettings
from cardio.errors import CardError, PinLocked

log = logging.getLogger("ecard-bridge.classic")
_MAX_FRAME = 4096
_GB = "gb18030"
_SECONDS = 10.0
"""Seconds that one read may take, waiting for other sessions included."""
OK, FAILED, UNKNOWN, LOCKED = "0", "-1", "-2", "-52"
"""Return codes: done; failed, the text says why; no such function here; the PIN is locked (the field's own code)."""


class Classic:
    """The port of the classic dialect, while `serving`."""

    def __init__(self, settings: ClassicSettings, counter: Counter) -> None:
        self._settings, self._counter = settings, counter
        self.port = settings.port
        self._calls: Mapping[str, Callable[[], Awaitable[str]]] = {
            "iReadCardBas": self._basic,
            "1001": self._nothing,
            "1002": self._basic,
            "1057": self._pan,
            "1102": self._atr,
        }

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen on 127.0.0.1."""
        async with serve(
            self._serve,
            here.ADDRESS,
            self._settings.port,
            process_request=self._check,
            compression=None,
            max_size=_MAX_FRAME,
            max_queue=4,
            server_header=None,
            open_timeout=5,
        ) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        programs = self._settings.programs
        wrong: HTTPStatus | None = here.refusal(request, self.port, self._settings.origins, programs=programs)
        return here.refuse(connection, wrong) if wrong else None

    async def _serve(self, caller: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for frame in caller:
                answer = msgspec.json.encode(await self._answer(frame)).decode()
                await caller.send(answer.encode(_GB) if isinstance(frame, bytes) else answer)

    async def _answer(self, frame: str | bytes) -> dict[str, Any]:
        try:
            asked = msgspec.json.decode(frame.decode(_GB) if isinstance(frame, bytes) else frame, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {"success": False, "pOutInfo": "请求无法识别"}
        by_code = "bizcode" in asked
        name = str(asked.get("bizcode" if by_code else "function", ""))
        code, text = await self._called(name)
        if by_code:
            return {
                "recode": code,
                "reinfo": "" if code == OK else text,
                "body": {"pOutInfo": text if code == OK else ""},
            }
        return {"success": code == OK, "pOutInfo": text}

    async def _called(self, name: str) -> tuple[str, str]:
        """Return the code and the text of a call."""
        call = self._calls.get(name)
        if call is None:
            return UNKNOWN, "本程序不提供此功能"
        try:
            async with asyncio.timeout(_SECONDS):
                return OK, await call()
        except PinLocked as error:
            return LOCKED, error.title.zh
        except CardError as error:
            return FAILED, error.title.zh
        except TimeoutError:
            return FAILED, "读卡超时"

    async def _nothing(self) -> str:
        return ""

    async def _basic(self) -> str:
        async with self._counter.borrowed() as (slot, card):
            basic = await slot.do(lambda: read_basic(card))
        return basic.line(self._settings.terminal, self._settings.device)

    async def _pan(self) -> str:
        async with self._counter.borrowed() as (slot, card):
            return await slot.do(lambda: read_pan(card))

    async def _atr(self) -> str:
        async with self._counter.borrowed() as (_, card):
            return card.atr.hex().upper()
