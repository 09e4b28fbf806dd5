"""`python -m pay.banks.simulator`: the bank as a process; its first line of output says where it is.

    {"url": "http://127.0.0.1:40001", "control": "http://127.0.0.1:40002", "key": {"kty": "EC", …}}

`key` is the bank's public key. It runs until SIGTERM.
"""

import asyncio
import signal
import sys
import time
from pathlib import Path

import click
import msgspec

from ecard.keys import Signer, Suite, generate, load_signer, to_jwk
from pay.banks.simulator.book import Book
from pay.banks.simulator.control import Control
from pay.banks.simulator.desk import Counter
from pay.banks.simulator.faults import Script
from pay.banks.simulator.line import Handler, Line
from pay.banks.simulator.notices import Notifier

_KEY = "key"


@click.command()
@click.option("--book", type=click.Path(path_type=Path, dir_okay=False), default=":memory:", help="账本文件 · its book")
@click.option("--name", default="SANDBOX", show_default=True, help="银行代码 · the bank's code")
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址 · address of the bank's port")
@click.option("--port", default=0, help="监听端口 · the bank's port, 0 for a free one")
@click.option("--control-port", default=0, help="控制端口, 仅限本机 · of the control endpoint, on the loopback alone")
def main(book: Path, name: str, host: str, port: int, control_port: int) -> None:
    """运行银行模拟器。Run the simulated bank."""
    asyncio.run(_serve(Book(book), name, (host, port), control_port))


async def _serve(book: Book, name: str, address: tuple[str, int], control_port: int) -> None:
    signer = _signer(book)
    counter = Counter(name, book, Script(), signer, time.time)
    notifier = Notifier(signer, time.time)
    counter.booked = notifier.notify
    url = await _listen(counter.answer, *address)
    control = await _listen(Control(counter, notifier).answer, "127.0.0.1", control_port)
    ready = {"url": url, "control": control, "key": to_jwk(signer.suite, signer.public)}
    sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    await notifier.close()
    book.close()


async def _listen(handler: Handler, host: str, port: int) -> str:
    server = await asyncio.get_running_loop().create_server(lambda: Line(handler), host, port, reuse_address=True)
    place = server.sockets[0].getsockname()
    return f"http://{place[0]}:{place[1]}"


def _signer(book: Book) -> Signer:
    """Return the bank's key, made once and kept in its book."""
    kept = book.meta(_KEY)
    if kept is None:
        _, kept = generate(Suite.ES256)
        book.keep(_KEY, kept)
    return load_signer(kept)


if __name__ == "__main__":
    main()
