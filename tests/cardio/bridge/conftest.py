"""An enrolled bridge with one reader and the backend that it dials."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cardio.bridge.desk import READER, Desk, NotedCard, Tray, enrolled
from tests.cardio.bridge.peer import Peer


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A bridge that is not running yet; its backend is."""
    bridge = uuid4()
    home = enrolled(tmp_path, bridge)
    peer = Peer(home.device(), bridge)
    with peer.serving():
        yield Desk(home, lambda: f"http://127.0.0.1:{peer.port}", Tray(READER), peer)


@pytest.fixture
def card(desk: Desk) -> NotedCard:
    """A card in the reader."""
    inserted = NotedCard()
    desk.tray.put(inserted)
    return inserted


@pytest.fixture
def running(desk: Desk) -> Iterator[Desk]:
    """The bridge, connected."""
    with desk.running():
        desk.sees("4821 7730")
        yield desk
