"""Parameters of OAuth requests: form bodies and queries, each name once (RFC 6749 §3.1, §3.2)."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus, urlencode, urlsplit, urlunsplit

from litestar import Request

from auth.errors import BadRequest, ClientRefused
from ecard import guards

Form = Mapping[str, str]
"""Parameters by name; one that is sent empty counts as not sent (RFC 6749 §3.1)."""
_TYPE = "application/x-www-form-urlencoded"
_CONTROL = re.compile(r"[\x00-\x1f\ud800-\udfff]")
_NAME = re.compile(r"[a-z_]{1,40}")
"""A name that an answer may repeat: longer and other ones are no parameters of ours, and nothing is echoed."""
_MOST = 40
"""Parameters of one request: the longest legitimate ones have about twenty."""


def parse(text: str) -> dict[str, str]:
    """Return the parameters of a query or form body; raises BadRequest (repeated, malformed, control characters)."""
    found: dict[str, str] = {}
    pairs = [pair for pair in text.split("&") if pair]
    if len(pairs) > _MOST:
        raise BadRequest
    for pair in pairs:
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = _decoded(name), _decoded(value)
        if name in found or not plain(value):
            raise BadRequest(parameter=name if _NAME.fullmatch(name) else "")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def plain(value: str) -> bool:
    """Return whether a parameter is text that can be kept and sent on: no control characters, no half surrogates."""
    return _CONTROL.search(value) is None


def _decoded(encoded: str) -> str:
    try:
        return unquote_plus(encoded, errors="strict")
    except UnicodeDecodeError:
        raise BadRequest from None


async def read(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the parameters of a form body; raises BadRequest, TooLarge."""
    sent = guards.headers(request).get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if body and sent != _TYPE:
        raise BadRequest(parameter="Content-Type")
    try:
        return parse(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadRequest from None


def with_query(uri: str, said: Form) -> str:
    """Return an address with parameters added to the query that it has (RFC 6749 §3.1.2)."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(query="&".join(part for part in (parts.query, urlencode(said)) if part)))


def need(form: Form, name: str) -> str:
    """Return the parameter `name`; raises BadRequest that names it."""
    try:
        return form[name]
    except KeyError:
        raise BadRequest(parameter=name) from None


def basic(header: str) -> tuple[str, str] | None:
    """Return id and secret of an `Authorization: Basic` header (RFC 6749 §2.3.1: both form-encoded), or None.

    Raises ClientRefused for one that cannot be read.
    """
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = b64decode(value, validate=True).decode().partition(":")
    except (NotBase64, ValueError):
        raise ClientRefused from None
    if not colon:
        raise ClientRefused
    return unquote_plus(name), unquote_plus(secret)
