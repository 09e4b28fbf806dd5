"""Drawing a code: SVG and PNG by zxing-cpp (1 ms), text for a terminal by qrcode; never on the event loop.

Error correction M: a screen has none of the damage that a higher level would mend, and a smaller
code is read from farther away.
"""

import asyncio
from io import BytesIO, StringIO
from typing import Any

import qrcode
import zxingcpp
from PIL import Image
from qrcode.constants import ERROR_CORRECT_M

_MODULE = 8
"""Pixels a module in PNG: at least 4 are needed to be read from an old phone."""


async def plain(text: str) -> bytes:
    """Return `text` as it is, for a client that draws it itself."""
    return text.encode()


async def svg(text: str) -> bytes:
    """Return `text` as a QR code, an SVG document."""
    return await asyncio.to_thread(_svg, text)


async def png(text: str) -> bytes:
    """Return `text` as a QR code, a PNG image of 8 pixels a module with its quiet zone."""
    return await asyncio.to_thread(_png, text)


def _barcode(text: str) -> zxingcpp.Barcode:
    return zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")


def _svg(text: str) -> bytes:
    return str(_barcode(text).to_svg(add_quiet_zones=True)).encode()


def _png(text: str) -> bytes:
    drawn: Any = _barcode(text).to_image(scale=_MODULE, add_quiet_zones=True)
    height, width = drawn.shape
    image = BytesIO()
    Image.frombuffer("L", (width, height), bytes(drawn)).save(image, "PNG")
    return image.getvalue()


def terminal(text: str) -> str:
    """Return `text` as a QR code of half-block characters, to be scanned off a terminal."""
    drawing = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=2)
    drawing.add_data(text)
    out = StringIO()
    drawing.print_ascii(out, invert=True)
    return out.getvalue()
