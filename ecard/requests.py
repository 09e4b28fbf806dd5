"""Request bodies, read strictly: one JSON text, no duplicate name, no unknown field, no lax type.

Litestar converts parameters laxly ("5" for 5), which is right for a query string and wrong for a
body; here the bytes are decoded once, straight into the handler's own Struct.
"""

import asyncio
import json
import re
from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.types import Empty

from ecard.errors import Invalid, Text, TooLarge

MAX_BODY = 64 * 1024
"""Bytes of the largest request body, but of operations that name another (`opt={"max_body": …}`)."""
BODY_SECONDS = 10
"""Seconds in which a body must have arrived: a caller that trickles it holds nothing open."""
LARGE_SECONDS = 60
"""Seconds for the body of an operation that takes a larger one."""

_PLACE = re.compile(r" - at `\$([^`]*)`$")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+)\]")


class NotJson(Invalid):
    """The body is not one JSON text in UTF-8."""

    code = "not_json"
    title = Text("请求体不是有效的 JSON", "The body is not valid JSON")
    action = Text("请以 UTF-8 编码发送一个 JSON 对象。", "Send one JSON object in UTF-8.")


class DuplicateName(Invalid):
    """An object has one name twice (RFC 8259 §4): two readers could see two requests."""

    code = "duplicate_name"
    title = Text("JSON 对象中有重复的字段名", "A JSON object has the same name twice")
    action = Text("每个字段名只出现一次。", "Give each name once.")


class ClientDisconnect(Invalid):
    """The body was not whole in time, or the caller hung up."""

    code = "client_disconnected"
    title = Text("请求未发送完整", "The request ended early")
    action = Text("请重新发送。", "Send it again.")


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON body is decoded into the handler's Struct, or refused with a pointer."""

    async def body(self) -> bytes:
        """Return the body's bytes; raises TooLarge beyond MAX_BODY (or the operation's own limit), ClientDisconnect.

        Read here and not by Litestar's general stream, which resolves limits and headers for each request.
        """
        if self._body is Empty:
            try:
                async with asyncio.timeout(LARGE_SECONDS if "max_body" in self.route_handler.opt else BODY_SECONDS):
                    self._body = await self._received()
            except TimeoutError:
                raise ClientDisconnect from None
        return self._body

    async def _received(self) -> bytes:
        # An operation that takes more says so: `opt={"max_body": …}`.
        chunks, size, more, most = [], 0, True, self.route_handler.opt.get("max_body", MAX_BODY)
        while more:
            message = await self.receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            chunk = message.get("body", b"")  # ASGI lets a message go without
            chunks.append(chunk)
            size += len(chunk)
            if size > most:
                raise TooLarge
            more = message.get("more_body", False)
        return b"".join(chunks)

    async def json(self) -> Any:
        """Return the body as the type of the handler's `data`."""
        field = self.route_handler.parsed_data_field
        return decode(await self.body(), field.annotation if field else Any)


def decode(body: bytes, wanted: Any) -> Any:
    """Return `body` as `wanted`; raises NotJson, DuplicateName or Invalid with the pointer."""
    try:
        value = _decoder(wanted).decode(body)
        _twice.decode(body.decode())
    except msgspec.ValidationError as error:
        raise Invalid(pointer=_pointer(str(error))) from None
    # Nesting deeper than the interpreter's stack is nothing that an operation asks for.
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise NotJson from None
    return value


@cache
def _decoder(wanted: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(wanted)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) != len({name for name, _ in pairs}):
        raise DuplicateName


_twice = json.JSONDecoder(object_pairs_hook=_unique)


def _pointer(message: str) -> str:
    place = _PLACE.search(message)
    # A free-form object's names are the caller's, and "[...]" stands for one: the pointer ends before it.
    steps = [name or index for name, index in _STEP.findall(place[1].partition("[...]")[0])] if place else []
    named = re.search(r"field `([A-Za-z0-9_]+)`", message)
    if named:
        steps.append(named[1])
    return "".join(f"/{step}" for step in steps)
