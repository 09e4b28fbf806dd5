"""A session is opened, driven, followed and used by whichever worker it meets."""

import time

import psutil

from ecard.settings import Settings
from tests.bureau import Bureau, refused
from tests.cardio.reads import Counter, new_card
from tests.conftest import serving
from tests.races.server import Server, eventually, open_bureau, open_directory

PENSION = "A1-36"


def test_the_worker_that_holds_the_line_drives_what_another_opened(bureau: Bureau, settings: Settings) -> None:
    with serving(settings) as another:
        counter = Counter(bureau, base_url=another)
        _, card = new_card(bureau)
        # The terminal talks to the session's server, the bridge to the other one.
        seen = counter.read(PENSION, card)
        assert seen["state"] == "proven"
        assert counter.visit(PENSION, seen["id"])["form"] == "physical"
        counter.close()


def test_a_worker_that_dies_takes_its_sessions_along_and_the_bridge_comes_back() -> None:
    with open_directory() as place:
        server = Server(place, workers=2)
        try:
            bureau = open_bureau(server)
            counter = Counter(bureau)
            _, card = new_card(bureau)
            assert counter.read(PENSION, card)["state"] == "proven"
            counter.line._answer = lambda *_: None  # nobody answers: the session waits
            session = counter.open(PENSION)
            assert counter.look(session, wait=1)["state"] == "opening"
            port = counter.line._socket.local_address[1]
            [holding] = [one for one in server.workers() if port in server.clients(one)]
            psutil.Process(holding.pid).kill()
            counter.line.ended()
            assert eventually(server.healthy, 20)
            began = time.monotonic()
            assert eventually(lambda: _state(counter, session) == "failed", 10)
            assert time.monotonic() - began < 8
            counter.line = counter.bridge.dial(server.url, counter.answer)
            counter.line.next("paired")
            assert counter.read(PENSION, card)["state"] == "proven"
            with refused("card_refused"):
                counter.visit(PENSION, session)
            counter.close()
            bureau.http.close()
        finally:
            server.stop()


def _state(counter: Counter, session: object) -> str:
    try:
        return str(counter.look(session)["state"])  # type: ignore[arg-type] # its id
    except Exception:  # noqa: BLE001 - the connection was the dead worker's
        return ""
