"""Directories for real stores, and owners of them in processes of their own."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ecard.embedded import Stores, account

OWNER = """
import json, sys
from pathlib import Path
from ecard.embedded import child, running
if "no-farewell" in sys.argv:
    child.PR_SET_PDEATHSIG = 0  # as on a system that has no such signal
with running(Path(sys.argv[1])) as stores:
    print(json.dumps(stores), flush=True)
    sys.stdin.read()
"""


class Owner:
    """A process that runs the stores of a directory until its input is closed."""

    def __init__(self, directory: Path, *options: str) -> None:
        command = [sys.executable, "-c", OWNER, str(directory), *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.stores = Stores(*json.loads(self.process.stdout.readline()))

    def kill(self) -> None:
        """Kill -9, so that nothing is tidied up."""
        self.process.kill()
        self.process.communicate()

    def close(self) -> None:
        """End the context in an orderly way."""
        self.process.communicate()


@pytest.fixture
def directory() -> Iterator[Path]:
    """Yield a directory that any account can enter; pytest's own are private to the user."""
    path = Path(tempfile.mkdtemp(prefix="ecard-stores-"))
    path.chmod(0o755)
    yield path / "data"
    shutil.rmtree(path)


@pytest.fixture
def state(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a folder in the place of /var/lib/ecard."""
    path = directory.parent / "state"
    monkeypatch.setattr(account, "STATE", path)
    return path


@pytest.fixture
def own(directory: Path) -> Iterator[Callable[..., Owner]]:
    """Start an owner of the directory in another process; it is gone when the test ends."""
    owners: list[Owner] = []

    def start(*options: str) -> Owner:
        owners.append(Owner(directory, *options))
        return owners[-1]

    yield start
    for owner in owners:
        if owner.process.poll() is None:
            owner.close()
