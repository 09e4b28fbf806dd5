"""`make fuzz`: each target for FUZZ_SECONDS (60), all at once; what fails is left in fuzz/."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.targets import TARGETS

SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))
_LENGTH = 600


def fuzz(name: str) -> tuple[str, int, str]:
    """Return a target's name, its exit code, and the end of what it said."""
    place = Path("fuzz")
    place.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.one", name, f"-max_total_time={SECONDS}", f"-max_len={_LENGTH}"]
    done = subprocess.run(
        [*command, f"-artifact_prefix={place}/{name}-"], check=False, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    return name, done.returncode, done.stderr.decode(errors="replace")


def main() -> int:
    """Fuzz all; return 1 if one failed."""
    failed = 0
    with ThreadPoolExecutor(len(TARGETS)) as pool:
        for name, code, said in pool.map(fuzz, TARGETS):
            runs = re.search(r"Done (\d+) runs", said)
            failed |= code != 0 or runs is None
            print(f"{name}: {runs[1] if runs else 'failed'} runs in {SECONDS} s")  # noqa: T201 - the report
            if code or runs is None:
                print(said[-4000:])  # noqa: T201 - the report
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
