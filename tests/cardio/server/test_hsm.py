"""A card proves itself to an installation whose keys are in an HSM, and to none whose HSM does not answer."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from cardio.keys.hsm import serve
from cardio.keys.software import sandbox_keys
from ecard import parts
from ecard.settings import Settings
from tests.bureau import Bureau
from tests.cardio.reads import Counter, new_card
from tests.conftest import serving


class Gateway(BaseHTTPRequestHandler):
    """An HSM's gateway with the sandbox's keys."""

    down = False

    def do_POST(self) -> None:
        line = self.rfile.read(int(self.headers["Content-Length"])).decode("ascii")
        self.send_response(503 if self.down else 200)
        self.end_headers()
        self.wfile.write(serve(line, sandbox_keys()).encode("ascii") + b"\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hsm() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/cards"
    server.shutdown()
    server.server_close()
    Gateway.down = False


def test_with_an_hsm_a_card_proves_itself_and_a_copy_does_not(
    bureau: Bureau, settings: Settings, hsm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No key but the HSM's: what the sandbox has by itself is taken away.
    monkeypatch.setattr(parts, "sandbox_keys", lambda: None)
    _, card = new_card(bureau)
    with serving(msgspec.structs.replace(settings, card_hsm=hsm)) as url:
        counter = Counter(bureau, base_url=url)
        assert counter.read("A1-36", card)["state"] == "proven"
        assert counter.read("A1-36", card.copy_of_files())["reason"]["code"] == "not_authentic"
        Gateway.down = True
        # Not even as weaker evidence: whoever cuts the HSM off must not choose what a card proves.
        assert counter.read("A2-35", card)["reason"]["code"] == "key_module_down"
        counter.close()
