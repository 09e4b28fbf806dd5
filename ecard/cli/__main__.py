"""`python -m ecard.cli` is `ecard`."""

from ecard.cli import main

main()
