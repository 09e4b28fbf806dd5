"""`ecard-bridge` as a person at a counter uses it: enrol, doctor, settle, and kill -9 while it runs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from cardio.bridge import cli, doctor, link, messages
from cardio.bridge.cli import main
from cardio.bridge.device import Home, ScannerSettings
from cardio.bridge.queue import Queue
from cardio.errors import ServiceDown
from cardio.virtual.card import VirtualCard
from tests.bureau import Bureau
from tests.cardio.bridge.desk import Desk, NotedCard, Tray, enrolled
from tests.cardio.bridge.settlements import settlement

SETTLEMENT = {
    "institution": "H11990000001",
    "serial": "20261125000001",
    "settled_at": "2026-11-25T09:30:00+08:00",
    "total": 12_850,
    "fund": 9_000,
    "account": 3_000,
    "cash": 850,
}


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), *arguments])


def enrol(home: Path, server: str, agency: str) -> Result:
    named = ["--agency", agency, "--name", "三号窗口", "--site", "政务大厅"]
    return run(home, "enrol", "--server", server, *named)


def test_a_pc_is_enrolled_in_two_steps_and_its_key_is_its_own(bureau: Bureau, tmp_path: Path) -> None:
    done = enrol(tmp_path / "h", bureau.base_url, str(bureau.agency))
    assert done.exit_code == 0, done.output
    registration = json.loads(done.stdout)
    home = Home(tmp_path / "h")
    assert registration["key"] == home.device().jwk
    assert home.device().thumbprint in done.stderr
    assert home.read_config().issuer == bureau.issuer
    assert [path.stat().st_mode & 0o777 for path in (home.key, home.config, home.place)] == [0o600, 0o600, 0o700]
    bridge = bureau.registrar.call("POST", "/v1/bridges", registration).json()["id"]
    assert run(tmp_path / "h", "enrol", "--id", bridge).exit_code == 0
    assert str(home.read_config().id) == bridge
    # Asked again, the key stays: a new one would be another bridge.
    again = json.loads(enrol(tmp_path / "h", bureau.base_url, str(bureau.agency)).stdout)
    assert again["key"] == registration["key"]
    assert str(home.read_config().id) == bridge


@pytest.mark.parametrize("server", ["http://ecard.example", "ftp://ecard.example", "ecard.example", "https://"])
def test_a_server_is_dialled_by_https_alone(server: str, tmp_path: Path) -> None:
    done = enrol(tmp_path, server, "a")
    assert (done.exit_code, "address_refused" in done.stderr) == (1, True)


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    home.key.chmod(0o644)
    done = run(home.place, "queue")
    assert (done.exit_code, "file_exposed" in done.stderr, "chmod 600" in done.stderr) == (1, True, True)


@pytest.mark.parametrize("command", [["run"], ["queue"], ["enrol", "--id", "01a20ad9-4523-75ed-9009-9921a8dfc7e0"]])
def test_a_pc_that_is_not_enrolled_is_told_what_to_do(command: list[str], tmp_path: Path) -> None:
    done = run(tmp_path, *command)
    assert (done.exit_code, "enrol --help" in done.stderr, "尚未登记" in done.stderr) == (1, True, True)


@pytest.mark.parametrize("origin", ["*", "https://*.example", "https://a.example/", "null", "a.example", ""])
def test_a_wildcard_is_no_origin(origin: str, tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    written = json.loads(home.config.read_text()) | {"loopback": {"origins": [origin]}}
    home.config.write_text(json.dumps(written))
    done = run(home.place, "run")
    assert (done.exit_code, "origins" in done.stderr) == (1, True)


def test_a_settlement_is_queued_from_a_file_and_listed(tmp_path: Path) -> None:
    home, record = enrolled(tmp_path), tmp_path / "record.json"
    record.write_text(json.dumps(SETTLEMENT))
    done = run(home.place, "settle", str(record), "--card-id", "119900d156000005991101450000ffff")
    assert (done.exit_code, "seq=1" in done.stdout) == (0, True)
    assert "20261125000001" in run(home.place, "queue").stdout
    record.write_text(json.dumps({**SETTLEMENT, "total": 1}))
    assert run(home.place, "settle", str(record)).exit_code == 2
    assert run(home.place, "settle", str(record), "--card-id", "12").exit_code == 2
    assert len(Queue(home.queue, home.device().queue_key()).pending()) == 1


def found(home: Home, tray: Tray) -> dict[str, bool | None]:
    """Return what doctor says, by its Chinese text."""
    return {finding.text.zh: finding.well for finding in doctor.examine(home, tray)}


def test_doctor_names_what_is_wrong_and_what_to_do(bureau: Bureau, tmp_path: Path) -> None:
    home, tray = enrolled(tmp_path), Tray("A", "B", "C", "D")
    there = ScannerSettings(kind="serial", device=str(tmp_path))
    gone = ScannerSettings(kind="serial", device="/dev/none")
    home.write_config(msgspec.structs.replace(home.read_config(), server=bureau.base_url, scanners=[there, gone]))
    tray.put(VirtualCard(), "A")
    other, mute = NotedCard(), NotedCard()
    other.select = "6A82"
    mute.atr = b""
    tray.put(other, "C")
    tray.put(mute, "D")
    said = found(home, tray)
    assert said["A: 社会保障卡 3.00, 发卡地 119900"]
    assert said["B: 无卡"]
    assert said["C: 不是社会保障卡 (not_social_security_card)"] is False
    assert said["D: 卡片无响应 (card_mute)"] is False
    assert (said[f"扫码枪 {tmp_path}"], said["扫码枪 /dev/none 不可用"]) == (True, False)
    assert said[f"可访问 {bureau.base_url}"]
    assert said["不监听任何端口"]
    tray.fail(ServiceDown())
    assert found(home, tray)["读卡器服务未运行 (service_down)"] is False
    empty = Tray("A")
    empty.unplug("A")
    assert found(home, empty)["未找到读卡器 (reader_missing)"] is False


def test_doctor_exits_with_1_where_something_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "PcscReaders", lambda: Tray("A"))
    done = run(tmp_path, "doctor")
    assert (done.exit_code, "not_enrolled" in done.stdout) == (1, True)
    assert "A" in run(tmp_path, "readers").stdout


def test_kill_9_of_the_running_bridge_loses_no_settlement(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "FIRST_DELAY", 0.05)
    desk.home.write_config(msgspec.structs.replace(desk.home.read_config(), server=desk.server()))
    queue = Queue(desk.home.queue, desk.home.device().queue_key())
    command = [sys.executable, "-m", "cardio.bridge.cli", "--home", str(desk.home.place), "run"]
    sent = []
    for n in range(3):
        made = queue.append(settlement(n), card_id=None)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as bridge:
            # It is killed after it has sent the record, before it hears that it is kept.
            sent.append(desk.peer.hear(messages.Queued, 15).record)
            os.kill(bridge.pid, signal.SIGKILL)
        assert sent[n].seq == 1
        assert queue.pending()[-1] == made
    with desk.running():
        for n in (1, 2, 3):
            record = desk.peer.hear(messages.Queued).record
            assert record.seq == n
            desk.peer.send(messages.Kept(id=record.id))
        desk.sees("第 3 条已上传")
    assert queue.pending() == []
