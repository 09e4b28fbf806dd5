"""`ecard webhooks`: what its help teaches works: add, listen, trigger, resend."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from uuid import uuid4

import httpx

from ecard.cli.receiver import Receiver
from ecard.settings import Settings
from pay.webhooks.model import headers
from tests.bureau import Bureau, ecard, environment, new_uscc


def test_a_developer_registers_listens_triggers_and_sends_again(
    bureau: Bureau, base_url: str, settings: Settings
) -> None:
    del base_url  # its server delivers
    code = new_uscc()
    bureau.registrar.register_agency("测试商户", code)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = ecard(settings, "webhooks", "add", "--merchant", code, "--url", f"http://127.0.0.1:{port}/")
    secret = re.search(r"^secret=(whsec_\S+)$", made.stdout, re.MULTILINE)
    assert secret, made.output
    command = [sys.executable, "-m", "ecard.cli", "webhooks", "listen", "--port", str(port), "--count", "2"]
    environ = {**os.environ, **environment(settings), "ECARD_WEBHOOK_SECRET": secret[1]}
    with (
        subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as listening,
        contextlib.ExitStack() as over,
    ):
        over.callback(listening.kill)  # however it goes, it is not waited for
        assert listening.stderr is not None
        assert str(port) in listening.stderr.readline()
        triggered = ecard(settings, "webhooks", "trigger", "--merchant", code)
        name = triggered.stdout.strip().removeprefix("event=")
        assert name.startswith("evt_"), triggered.output
        time.sleep(1.5)
        again = ecard(settings, "webhooks", "resend", name)
        assert again.stdout.strip() == "endpoints=1", again.output
        said = listening.communicate(timeout=20)[0]
    assert said.count(f"{name} -> 204") == 1
    assert f"{name} (重复 · again) -> 204" in said
    assert said.count('"test":true') == 2
    assert f"127.0.0.1:{port}" in ecard(settings, "webhooks", "list", "--merchant", code).output


def test_the_receiver_refuses_what_was_not_signed_with_its_secret() -> None:
    said: list[str] = []
    receiver = Receiver(0, bytes(32), 204, said.append)
    thread = threading.Thread(target=receiver.serve_forever, args=(0.05,))
    thread.start()
    try:
        url, body = f"http://127.0.0.1:{receiver.server_port}/", b"{}"
        good = headers(uuid4(), time.time(), body, bytes(32))
        bad = headers(uuid4(), time.time(), body, b"x" * 32)
        assert [httpx.post(url, content=body, headers=one).status_code for one in (good, bad, {})] == [204, 401, 401]
        assert httpx.post(url, content=b"x" * 70_000, headers=good).status_code == 413
    finally:
        receiver.shutdown()
        receiver.server_close()
        thread.join(5)


def test_an_id_that_is_none_is_refused_in_both_languages(settings: Settings) -> None:
    assert "evt_" in ecard(settings, "webhooks", "resend", "nonsense").output
    assert ecard(settings, "webhooks", "resend", "evt_" + "0" * 32).exit_code != 0
