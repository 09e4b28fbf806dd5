"""Settings: environment variables, read once at start; everything else is an argument.

| variable | meaning | default |
|---|---|---|
| ECARD_DATABASE_URL | PostgreSQL ≥ 15, `postgresql://…` | the embedded one |
| ECARD_REDIS_URL | Redis ≥ 7 or Valkey, `redis://…` | the embedded one |
| ECARD_DATA_DIR | where the embedded stores and local keys live | `var` |
| ECARD_MASTER_KEY | 64 hexadecimal digits | sandbox: made once in the data directory |
| ECARD_ISSUER | `iss` of everything signed, an https URL | sandbox: `http://127.0.0.1:8600` |
| ECARD_SANDBOX | `1`: fictitious holders, simulated checks | `0` |
| ECARD_SUITE | signature suite of new keys: ES256 or EdDSA | ES256 |
| ECARD_STATUS_BITS | the status list has 2^bits places: the most cards ever issued | 24 |
| ECARD_PROXIES | addresses or networks whose X-Forwarded-For is believed, with commas between | nobody's |
| ECARD_CARD_HSM | the HSM that knows physical cards' keys, an https URL | none; sandbox: invented keys |
| ECARD_CATALOGUE_DIR | a catalogue with rows of one's own, read by `ecard.catalogue.load` | the package's own |
"""

import contextlib
import ipaddress
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from ecard.keys import Suite
from ecard.vault import MASTER_KEY_BYTES

SANDBOX_ISSUER = "http://127.0.0.1:8600"


class SettingsError(Exception):
    """A setting is missing or wrong; the message names the variable and says what to do."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one installation."""

    data_dir: Path = Path("var")
    database_url: str | None = None
    redis_url: str | None = None
    master_key: bytes = b""
    issuer: str = SANDBOX_ISSUER
    sandbox: bool = False
    suite: Suite = Suite.ES256
    status_bits: int = 24
    proxies: tuple[str, ...] = ()
    card_hsm: str | None = None
    metrics_dir: Path | None = None

    def __repr__(self) -> str:
        """Return the type alone: what is inside belongs in no log."""
        return f"{type(self).__name__}(…)"


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of `environ`.

    Raises SettingsError for a wrong value, and outside the sandbox for a missing master key or an
    issuer that is not https: a default there would be a secret that everybody knows.
    """
    sandbox = environ.get("ECARD_SANDBOX", "0") == "1"
    data_dir = Path(environ.get("ECARD_DATA_DIR", "var"))
    issuer = environ.get("ECARD_ISSUER", SANDBOX_ISSUER if sandbox else "")
    if not sandbox and not issuer.startswith("https://"):
        msg = "ECARD_ISSUER 须为 https 地址 (must be an https URL outside the sandbox)"
        raise SettingsError(msg)
    return Settings(
        data_dir=data_dir,
        database_url=environ.get("ECARD_DATABASE_URL") or None,
        redis_url=environ.get("ECARD_REDIS_URL") or None,
        master_key=_master_key(environ, data_dir, sandbox=sandbox),
        issuer=issuer.rstrip("/"),
        sandbox=sandbox,
        suite=_suite(environ.get("ECARD_SUITE", Suite.ES256)),
        status_bits=_status_bits(environ.get("ECARD_STATUS_BITS", "24")),
        proxies=_proxies(environ.get("ECARD_PROXIES", "")),
        card_hsm=_card_hsm(environ.get("ECARD_CARD_HSM", "")),
        metrics_dir=Path(metrics) if (metrics := environ.get("PROMETHEUS_MULTIPROC_DIR")) else None,
    )


def _master_key(environ: Mapping[str, str], data_dir: Path, *, sandbox: bool) -> bytes:
    text = environ.get("ECARD_MASTER_KEY", "")
    if text:
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != MASTER_KEY_BYTES:
            msg = "ECARD_MASTER_KEY 须为 64 位十六进制数 (must be 64 hexadecimal digits)"
            raise SettingsError(msg)
        return key
    if not sandbox:
        msg = "请设置 ECARD_MASTER_KEY (set it: 64 hexadecimal digits, kept in a secret store)"
        raise SettingsError(msg)
    return _sandbox_key(data_dir / "master.key")


def _sandbox_key(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(MASTER_KEY_BYTES), "ascii")
        # link() fails where the name exists: of two processes that start together, both end with one key.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return bytes.fromhex(path.read_text("ascii"))


def _suite(text: str) -> Suite:
    try:
        return Suite(text)
    except ValueError:
        msg = f"ECARD_SUITE 只能是 {', '.join(Suite)} (is one of these)"
        raise SettingsError(msg) from None


def _status_bits(text: str) -> int:
    least, most = 16, 30
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most and int(text) % 2 == 0):
        msg = f"ECARD_STATUS_BITS 须为 {least} 至 {most} 的偶数 (an even number in this range)"
        raise SettingsError(msg)
    return int(text)


def _card_hsm(text: str) -> str | None:
    if not text:
        return None
    parts = urlsplit(text)
    # Beside the server itself nobody is on the line; anywhere else whoever answers could call any card genuine.
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme, parts.hostname) == ("http", "127.0.0.1")):
        msg = "ECARD_CARD_HSM 须为 https 地址, 或本机的 http://127.0.0.1 (an https URL, or http on this machine)"
        raise SettingsError(msg)
    return text


def _proxies(text: str) -> tuple[str, ...]:
    named = tuple(one.strip() for one in text.split(",") if one.strip())
    try:
        for one in named:
            ipaddress.ip_network(one)
    except ValueError:
        msg = "ECARD_PROXIES 须为 IP 地址或网段, 以逗号分隔 (addresses or networks, with commas between)"
        raise SettingsError(msg) from None
    return named
