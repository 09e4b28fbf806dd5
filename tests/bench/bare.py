"""The limit of every request: a bare Litestar POST on the same server, a small body in and a small one out."""

import socket
import sys

import msgspec
import uvicorn
from litestar import Litestar, post
from litestar.params import JSONBody


class Ask(msgspec.Struct):
    """As large as what a phone asks."""

    scene: str
    count: int


class Answer(msgspec.Struct):
    """As large as a code."""

    code: str
    show_from: int
    valid_until: int
    number: str


@post("/bare", status_code=200)
async def bare(data: JSONBody[Ask]) -> Answer:
    """Answer with as many bytes as a code has."""
    return Answer(code="X" * 144, show_from=data.count, valid_until=60, number="9" * 19)


app = Litestar([bare], openapi_config=None, logging_config=None)

if __name__ == "__main__":
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", ws="none", log_level="warning", access_log=False, server_header=False
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
