"""The embedded stores: PostgreSQL and Valkey from wheels, for a machine that has neither.

One process owns a directory and runs both servers as its children on 127.0.0.1, behind a random
password; other processes find the URLs with `attached`. The data survives restarts, and a killed
owner leaves nothing that the next start does not clear away. With URLs of other servers set, none
of this is used: it is one code path behind the URLs (`ecard.settings`).

    with running(Path("var")) as stores:
        ... stores.database_url, stores.redis_url
"""

import contextlib
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ecard.embedded import postgres, valkey
from ecard.embedded.directory import Stores, attached, owned, record
from ecard.embedded.errors import DirectoryBusy, StoreFailed, StoresError
from ecard.errors import Text

__all__ = ["DirectoryBusy", "StoreFailed", "Stores", "StoresError", "attached", "running"]


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@contextlib.contextmanager
def running(
    directory: Path, *, need_postgres: bool = True, need_redis: bool = True, say: Callable[[str], None] = _to_stderr
) -> Iterator[Stores]:
    """Own the directory, start the stores that are needed, yield their URLs, and stop them at the end.

    The directory is made if missing. `say` gets a line for each step that takes time or that a
    person should know. Enter it in a thread that lives as long as the stores: the kernel ends them
    with that thread. Raises DirectoryBusy, StoreFailed and StoresError.
    """

    def tell(text: Text) -> None:
        say(f"{text.zh} {text.en}")

    started = time.monotonic()
    with owned(directory, tell) as home, contextlib.ExitStack() as stack:
        # Both get going before either is waited for.
        ports = _free_ports()
        if need_redis:
            cache = valkey.start(home, ports[1], tell)
            stack.callback(cache.stop)
        if need_postgres:
            postgres.initialise(home, tell)
            database = postgres.start(home, ports[0], tell)
            stack.callback(database.stop)
            postgres.wait(database, home)
        if need_redis:
            valkey.wait(cache, home, ports[1])
        stores = Stores(database.url if need_postgres else "", cache.url if need_redis else "")
        record(home, stores)
        seconds = time.monotonic() - started
        tell(Text(f"存储已就绪 ({seconds:.1f} 秒)。", f"The stores are ready ({seconds:.1f} s)."))
        yield stores


def _free_ports() -> tuple[int, int]:
    """Return two free ports of 127.0.0.1; taken together, so that they differ."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
