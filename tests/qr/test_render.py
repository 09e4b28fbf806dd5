"""Every drawing is read back by a real decoder, and none holds up the event loop."""

import asyncio
import itertools
import re
import time
from collections.abc import Callable, Coroutine
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import zxingcpp
from PIL import Image

from qr import model, render
from tests.qr.test_verify import Issuer

TEXTS = [
    model.text(Issuer().ticket()),
    model.text(Issuer().chain()),
    "9012345678901234567",
    "EC1:",
]
IDS = ["ticket", "chain", "number", "prefix"]
_RECTANGLE = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-(\d+)Z")
Drawing = Callable[[str], Coroutine[Any, Any, bytes]]


def decoded(image: Image.Image) -> tuple[str, str, str]:
    """Return text, error correction level and QR version that zxing-cpp reads in `image`."""
    found = zxingcpp.read_barcode(image)
    assert found is not None
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    extra: Any = found.extra
    return found.text, extra["ECLevel"], extra["Version"]


def enlarged(modules: list[list[bool]], scale: int = 4) -> Image.Image:
    """Return black modules on white, `scale` pixels each."""
    image = Image.new("L", (len(modules[0]), len(modules)), 255)
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            if dark:
                image.putpixel((x, y), 0)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def rasterised(svg: bytes) -> Image.Image:
    """Fill the rectangles of the drawing's one path, as a browser would; the whole path must be such rectangles."""
    root = ET.fromstring(svg)
    modules = [[False] * int(root.attrib["width"]) for _ in range(int(root.attrib["height"]))]
    [path] = root.iter("{http://www.w3.org/2000/svg}path")
    assert _RECTANGLE.sub("", path.attrib["d"]).strip() == ""
    for x, y, width, height, back in (map(int, found) for found in _RECTANGLE.findall(path.attrib["d"])):
        assert back == width
        for row in modules[y : y + height]:
            row[x : x + width] = [True] * width
    return enlarged(modules)


def off_the_terminal(drawing: str) -> Image.Image:
    """Read half blocks as a light-on-dark terminal shows them: ink is light, the rest is dark."""
    lit = {" ": (False, False), "▀": (True, False), "▄": (False, True), "█": (True, True)}
    modules: list[list[bool]] = []
    for line in drawing.replace("\xa0", " ").splitlines():
        halves = [lit[character] for character in line]
        modules += [[not upper for upper, _ in halves], [not lower for _, lower in halves]]
    # The last line's lower half lies below the drawing, where the quiet zone ends.
    return enlarged(modules[:-1])


@pytest.mark.parametrize("text", TEXTS, ids=IDS)
def test_the_svg_is_read_back_exactly(text: str) -> None:
    read, level, _ = decoded(rasterised(asyncio.run(render.svg(text))))
    assert (read, level) == (text, "M")


@pytest.mark.parametrize("text", TEXTS, ids=IDS)
def test_the_png_is_read_back_exactly(text: str) -> None:
    image = Image.open(BytesIO(asyncio.run(render.png(text))))
    assert image.format == "PNG"
    read, level, version = decoded(image)
    assert (read, level) == (text, "M")
    modules = 17 + 4 * int(version)
    assert image.size == ((modules + 8) * 8,) * 2  # with the four quiet modules of ISO/IEC 18004 on each side


@pytest.mark.parametrize("text", TEXTS, ids=IDS)
def test_the_terminals_drawing_is_read_back_exactly(text: str) -> None:
    read, level, _ = decoded(off_the_terminal(render.terminal(text)))
    assert (read, level) == (text, "M")


@pytest.mark.parametrize("drawing", [render.svg, render.png])
def test_a_drawing_keeps_its_quiet_zone_white(drawing: Drawing) -> None:
    drawn = asyncio.run(drawing(TEXTS[0]))
    image = Image.open(BytesIO(drawn)) if drawing is render.png else rasterised(drawn)
    module = 8 if drawing is render.png else 4
    inner = image.point(lambda shade: 255 - shade).getbbox()
    assert inner == (4 * module, 4 * module, image.width - 4 * module, image.height - 4 * module)


def test_as_text_a_code_stays_as_it_is() -> None:
    assert asyncio.run(render.plain(TEXTS[0])) == TEXTS[0].encode()


@pytest.mark.parametrize("drawing", [render.svg, render.png])
def test_the_event_loop_goes_on_while_a_code_is_drawn(drawing: Drawing, monkeypatch: pytest.MonkeyPatch) -> None:
    real = render._barcode

    def slow(text: str) -> zxingcpp.Barcode:
        time.sleep(0.5)
        return real(text)

    monkeypatch.setattr(render, "_barcode", slow)
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            ticks.append(time.monotonic())
            await asyncio.sleep(0.01)

    async def draw_beside_it() -> bytes:
        beside = asyncio.create_task(tick())
        await asyncio.sleep(0)
        drawn = await drawing(TEXTS[0])
        beside.cancel()
        return drawn

    drawn = asyncio.run(draw_beside_it())
    monkeypatch.undo()
    assert drawn == asyncio.run(drawing(TEXTS[0]))
    gaps = [after - before for before, after in itertools.pairwise(ticks)]
    assert len(ticks) >= 5
    assert max(gaps) < 0.4
