"""Fuzz one target: `python -m tests.fuzz.one tlv -max_total_time=60`."""

import sys

import atheris

with atheris.instrument_imports(include=["cardio"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
