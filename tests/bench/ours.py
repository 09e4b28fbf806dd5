"""`python -m tests.bench.ours [COUNT]`: our provider beside another in the same run, one process each."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from auth.secrets import hashed, new_secret
from ecard.catalogue.load import load
from ecard.embedded import Stores, running
from ecard.ids import new_id
from ecard.migrations.script import upgrade
from ecard.runtime import open_runtime
from ecard.settings import Settings
from tests.bench import seed as seeding
from tests.bench.load import Load
from tests.bench.peer import CALLBACK, SESSIONS, peer
from tests.bench.provider import COUNT, LOADS, ROUNDS, Provider, described, measure
from tests.clients.keys import ClientKey, client_key

MASTER_KEY = bytes(range(32))
FLOORS = {
    "client_credentials, private_key_jwt": 1.5,
    "introspection, private_key_jwt": 1.2,
    "JWKS": None,
    "code and PKCE, warm session": 1.0,
}
"""The ratio to reach, ours (durable) to the other (in memory); None where none is promised."""
_CLIENT = """
    INSERT INTO client (id, name, agency, profile, auth_method, jwks, redirect_uris, post_logout_redirect_uris, sector,
                        items, grant_types, sandbox)
    SELECT $1, '测速', id, 'standard', 'private_key_jwt', $2, $3, '{}', id::text, '{A1-94}',
           '{authorization_code,client_credentials}', true FROM agency LIMIT 1
"""
_SESSION = """
    INSERT INTO browser_session (handle, id, card, device, strength, amr, auth_time, expires_at)
    VALUES ($1, $2, $3, $4, 'possession', '{pop}', now(), now() + interval '1 hour')
"""
_CONSENT = """
    INSERT INTO consent (id, holder, client, item, catalogue, fields)
    SELECT $1, holder, $2, 'A1-94', $3, '{}' FROM card WHERE seq = $4
"""


async def _seeded(settings: Settings, key: ClientKey) -> tuple[str, list[str]]:
    """Register the client and keep browsers logged in; return its id and their cookies."""
    runtime = await open_runtime(settings)
    cast, client = await seeding.seed(runtime, SESSIONS, 1), new_id()
    pool = runtime.pool
    await pool.execute(_CLIENT, client, key.jwks, [CALLBACK])
    cookies = []
    for holder in cast.holders:
        secret = new_secret()
        await pool.execute(_SESSION, hashed(secret), new_id(), holder.card, holder.actor)
        await pool.execute(_CONSENT, new_id(), client, load().version, holder.card)
        cookies.append(f"ecard_browser={secret}")
    await runtime.close()
    return str(client), cookies


@contextlib.contextmanager
def ours(stores: Stores, directory: Path) -> Iterator[Provider]:
    """Run one worker of ours on durable stores; yield it with warm sessions."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings(
            data_dir=directory,
            database_url=stores.database_url,
            redis_url=stores.redis_url,
            master_key=MASTER_KEY,
            sandbox=True,
            issuer=issuer,
        )
        key = client_key()
        client, cookies = asyncio.run(_seeded(settings, key))
        environment = {
            **os.environ,
            "ECARD_DATABASE_URL": stores.database_url,
            "ECARD_REDIS_URL": stores.redis_url,
            "ECARD_MASTER_KEY": MASTER_KEY.hex(),
            "ECARD_SANDBOX": "1",
            "ECARD_ISSUER": issuer,
            "PYTHONPATH": str(Path.cwd()),
        }
        command = [sys.executable, "-m", "ecard.cli.worker", str(listener.fileno()), "--quiet"]
        process = subprocess.Popen(command, env=environment, pass_fds=[listener.fileno()])
        time.sleep(4)
        try:
            yield described(issuer, client, key)._replace(redirect_uri=CALLBACK, warm=lambda: cookies)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def compare(stores: Stores, directory: Path, count: int = COUNT) -> dict[str, tuple[Load, Load]]:
    """Return each load of ours and the other's, in turns: both see the same machine."""
    found: dict[str, list[tuple[Load, Load]]] = {name: [] for name in LOADS}
    with ours(stores, directory) as mine, peer() as other:
        for _ in range(ROUNDS):
            for name in LOADS:
                both = [measure(one, [name], rounds=1, count=count)[name] for one in (mine, other)]
                found[name].append((both[0], both[1]))
    return {
        name: sorted(runs, key=lambda run: run[0].rate / run[1].rate)[len(runs) // 2] for name, runs in found.items()
    }


def main() -> None:
    """Print what both do a second."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    directory = Path(tempfile.mkdtemp(prefix="ecard-bench-"))
    directory.chmod(0o755)
    try:
        with running(directory) as stores:
            upgrade(stores.database_url)
            report = compare(stores, directory, count)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    table = Table("what", "ours, durable", "oidc-provider, in memory", "ratio", "to reach")
    for name, (mine, other) in report.items():
        floor = FLOORS[name]
        ratio = f"{mine.rate / other.rate:.2f}"
        table.add_row(name, f"{mine.rate:,.0f}/s", f"{other.rate:,.0f}/s", ratio, "" if floor is None else f"{floor:g}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
