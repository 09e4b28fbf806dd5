"""One worker of `ecard serve`: uvicorn on an inherited socket. Started by the supervisor, not by people."""

import gc
import socket
import sys

import uvicorn

from cardio.bridge.messages import MAX_FRAME
from ecard import settings
from ecard.app import create_app
from ecard.cli.wire import AnsweredHandshake, OneWrite

_ALLOCATIONS = 20_000
"""Allocations between two runs of the youngest generation's collector."""


def main(arguments: list[str]) -> None:
    """Serve on the socket whose descriptor is the first argument; `--quiet` keeps no access log."""
    known = settings.load()
    app = create_app(known, quiet="--quiet" in arguments)
    # What is loaded now stays: the collector need not walk it again and again while requests are served.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=OneWrite,
        ws=AnsweredHandshake,
        ws_max_size=MAX_FRAME,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        ws_per_message_deflate=False,
        log_level="warning",
        access_log=False,
        server_header=False,
        # Behind a proxy every browser would have one address: on the holder's screen, and for its limit.
        proxy_headers=bool(known.proxies),
        forwarded_allow_ips=list(known.proxies),
        timeout_graceful_shutdown=5,
        # Longer than a proxy or a client keeps a connection (commonly 60 s): none is closed as a request arrives on it.
        timeout_keep_alive=75,
        h11_max_incomplete_event_size=None,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(arguments[0]))])


if __name__ == "__main__":
    main(sys.argv[1:])
