"""The off-line queue keeps what it promised, to nobody's eyes, and hands it over in order."""

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cardio.bridge.errors import QueueBroken
from cardio.bridge.queue import Queue
from tests.cardio.bridge.settlements import settlement

KEY = bytes(range(32))

WRITER = """
import sys
from pathlib import Path
from cardio.bridge.queue import Queue
from tests.cardio.bridge.settlements import settlement
queue = Queue(Path(sys.argv[1]), bytes(range(32)))
for n in range(1, 10**6):
    print(queue.append(settlement(n), card_id=None).seq, flush=True)
"""


def seqs(queue: Queue) -> list[int]:
    return [record.seq for record in queue.pending()]


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path / "queue.log", KEY)


def test_records_come_out_in_the_order_of_their_going_in_until_acknowledged(queue: Queue, tmp_path: Path) -> None:
    made = [queue.append(settlement(n), card_id=None) for n in range(1, 6)]
    queue.acknowledge(made[0].id)
    queue.acknowledge(made[2].id)
    queue.acknowledge(made[2].id)
    again = Queue(tmp_path / "queue.log", KEY)
    assert again.pending() == queue.pending() == [made[1], made[3], made[4]]
    assert again.append(settlement(6), card_id="0" * 32).seq == 6
    assert seqs(queue) == [2, 4, 5, 6]


def test_a_copy_of_the_file_shows_nothing(queue: Queue, tmp_path: Path) -> None:
    queue.append(settlement(), card_id="119900D156000005991101450000FFFF")
    stored = (tmp_path / "queue.log").read_bytes()
    assert not any(word in stored for word in (b"H1199", b"20261125", b"119900", b"12850", b"A2-52"))
    assert (tmp_path / "queue.log").stat().st_mode & 0o077 == 0
    # Two frames, so that the first cannot be taken for a torn end.
    queue.append(settlement(2), card_id=None)
    with pytest.raises(QueueBroken):
        Queue(tmp_path / "queue.log", bytes(32)).pending()


def test_what_was_promised_survives_kill_9_whenever_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "queue.log"
    promised = 0
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(7):
                promised = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
            promised = max([promised, *map(int, writer.stdout.read().split())])
        found = seqs(Queue(path, KEY))
        # One more may be on the disk, whose promise was not spoken yet.
        assert found in (list(range(1, promised + 1)), list(range(1, promised + 2)))


@pytest.mark.parametrize("cut", [1, 3, 4, 20, 60])
def test_a_frame_torn_by_a_power_cut_is_put_aside_and_the_queue_goes_on(queue: Queue, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "queue.log"
    queue.append(settlement(1), card_id=None)
    whole = path.stat().st_size
    queue.append(settlement(2), card_id=None)
    os.truncate(path, whole + cut)
    assert seqs(queue) == [1]
    assert [len(aside.read_bytes()) for aside in tmp_path.glob("queue.torn-*")] == [cut]
    assert queue.append(settlement(3), card_id=None).seq == 2
    assert seqs(Queue(path, KEY)) == [1, 2]


def test_zeros_that_a_power_cut_left_at_the_end_are_put_aside(queue: Queue, tmp_path: Path) -> None:
    queue.append(settlement(1), card_id=None)
    with (tmp_path / "queue.log").open("ab") as file:
        file.write(bytes(500))
    assert queue.append(settlement(2), card_id=None).seq == 2
    assert seqs(queue) == [1, 2]


@pytest.mark.parametrize("harm", ["changed", "taken out", "swapped"])
def test_frames_changed_taken_out_or_swapped_are_noticed_and_nothing_is_thrown_away(
    queue: Queue, tmp_path: Path, harm: str
) -> None:
    path, ends = tmp_path / "queue.log", [0]
    for n in range(1, 4):
        queue.append(settlement(n), card_id=None)
        ends.append(path.stat().st_size)
    frames = [path.read_bytes()[start:end] for start, end in itertools.pairwise(ends)]
    if harm == "changed":
        frames[0] = frames[0][:-1] + bytes([frames[0][-1] ^ 1])
    elif harm == "taken out":
        del frames[0]
    else:
        frames[:2] = frames[1::-1]
    path.write_bytes(b"".join(frames))
    with pytest.raises(QueueBroken):
        Queue(path, KEY).pending()
    with pytest.raises(QueueBroken):
        Queue(path, KEY).append(settlement(4), card_id=None)
    assert path.read_bytes() == b"".join(frames)


def test_the_file_begins_anew_when_all_is_kept_and_the_numbers_go_on(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cardio.bridge.queue._TIDY_BYTES", 1000)
    for n in range(1, 5):
        queue.append(settlement(n), card_id=None)
    for record in queue.pending():
        queue.acknowledge(record.id)
    assert (tmp_path / "queue.log").stat().st_size < 100
    assert queue.append(settlement(5), card_id=None).seq == 5
    assert seqs(Queue(tmp_path / "queue.log", KEY)) == [5]


def test_two_processes_may_fill_one_queue(queue: Queue, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", WRITER.replace("10**6", "15"), str(tmp_path / "queue.log")]
    with (
        subprocess.Popen(arguments, stdout=subprocess.PIPE) as one,
        subprocess.Popen(arguments, stdout=subprocess.PIPE) as two,
    ):
        printed = b"".join(writer.communicate()[0] for writer in (one, two))
    assert sorted(map(int, printed.split())) == seqs(queue) == list(range(1, 29))
