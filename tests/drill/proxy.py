"""A TCP proxy whose line can be cut, held and slowed: what a network does between us and a bank or a database."""

import asyncio
import contextlib
import threading
from enum import Enum


class Line(Enum):
    """What the proxy does with what comes."""

    OPEN = "open"
    CUT = "cut"
    """Connections are reset, new ones too."""
    SILENT = "silent"
    """Half-open: connections stand, and nothing goes through."""
    SLOW = "slow"
    """Every piece takes 300 ms."""


class Proxy:
    """Passes bytes on between 127.0.0.1:`port` and a target; runs in a thread of its own."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.line = Line.OPEN
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def set(self, line: Line) -> None:
        """Change the line; what is cut is cut at once."""
        self.line = line
        if line is Line.CUT:
            self._loop.call_soon_threadsafe(self._reset)

    def close(self) -> None:
        """End."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    def _reset(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.line is Line.CUT:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                while self.line is Line.SILENT:  # noqa: ASYNC110 - it is set by another thread
                    await asyncio.sleep(0.02)
                if self.line is Line.SLOW:
                    await asyncio.sleep(0.3)
                writer.write(piece)
                await writer.drain()
        writer.transport.abort()
