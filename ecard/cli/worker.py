"""One worker of `ecard serve`: uvicorn on an inherited socket. Started by the supervisor, not by people."""

import ctypes
import signal
import socket
import sys

import uvicorn

from ecard import settings
from ecard.app import create_app

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Serve on the socket whose descriptor is the first argument; `--quiet` keeps no access log."""
    if sys.platform == "linux":
        # A supervisor killed with -9 must not leave workers behind that nobody watches.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    app = create_app(settings.load(), quiet="--quiet" in arguments)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=None,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(arguments[0]))])


if __name__ == "__main__":
    main(sys.argv[1:])
