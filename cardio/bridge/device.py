"""The bridge's identity: a P-256 key made on this PC, and what it was told when it was enrolled.

    device.key   PKCS#8, PEM, mode 0600; never leaves the PC
    bridge.json  the server, its issuer, the bridge's id and its settings, mode 0600
    queue.log    the off-line queue, sealed under a key derived from the device's (`cardio.bridge.queue`)

All in one directory: --home, or ECARD_BRIDGE_HOME, or the platform's place for settings.
"""

import ipaddress
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import click
import jwt
import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.utils import base64url_encode

from cardio.bridge.errors import AddressRefused, ConfigurationWrong, NotEnrolled
from cardio.bridge.files import private_directory, read_private, write_private

TOKEN_TYPE = "ecard-bridge+jwt"  # noqa: S105 - a JOSE `typ`
LIFETIME = 60
"""Seconds that a link's token is good; a new one is made for each connection."""


class LoopbackSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A listening port on 127.0.0.1 for pages of these origins, each written in full ("https://desk.example")."""

    origins: list[str]
    port: int = 12350


class ClassicSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The classic desktop dialect on 127.0.0.1; `programs` admits callers that are no browsers (without Origin).

    `terminal` and `device` are the numbers that a read names (终端机编号, 终端设备号).
    """

    origins: list[str] = []
    programs: bool = False
    port: int = 12342
    terminal: str = "0" * 12
    device: str = "0" * 20


class ScannerSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A scanner: `serial` is a tty or COM port, `keyboard` an event device of Linux that types."""

    kind: str
    device: str
    baud: int = 9600


class Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the bridge was told. `readers` is a regular expression of the readers' names that it lends."""

    server: str
    issuer: str
    agency: str
    name: str
    site: str
    id: UUID | None = None
    readers: str = ""
    ca_file: str | None = None
    pinpad: list[str] = []
    scanners: list[ScannerSettings] = []
    loopback: LoopbackSettings | None = None
    classic: ClassicSettings | None = None


class Device:
    """The device key: signs the link's tokens, and gives the queue its key."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    @property
    def jwk(self) -> dict[str, str]:
        """Return the public key (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        x, y = (base64url_encode(number.to_bytes(32)).decode() for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    @property
    def thumbprint(self) -> str:
        """Return the key's thumbprint (RFC 7638), which operator and counter compare."""
        canonical = b'{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}' % tuple(
            self.jwk[part].encode() for part in ("x", "y")
        )
        digest = hashes.Hash(hashes.SHA256())
        digest.update(canonical)
        return base64url_encode(digest.finalize()).decode()

    def token(self, bridge: UUID, issuer: str) -> str:
        """Return a JWT for one connection: from the bridge to the server, good for LIFETIME seconds, once."""
        now = int(time.time())
        claims = {"iss": str(bridge), "sub": str(bridge), "aud": issuer, "iat": now, "exp": now + LIFETIME}
        headers = {"typ": TOKEN_TYPE, "kid": str(bridge)}
        return jwt.encode({**claims, "jti": secrets.token_urlsafe(16)}, self._key, algorithm="ES256", headers=headers)

    def queue_key(self) -> bytes:
        """Return the 32 bytes that seal the queue: HKDF-SHA256 of the private scalar."""
        scalar = self._key.private_numbers().private_value.to_bytes(32)
        return HKDF(hashes.SHA256(), 32, salt=None, info=b"ecard-bridge queue v1").derive(scalar)


class Home:
    """The bridge's directory."""

    def __init__(self, place: Path | None = None) -> None:
        self.place = place or Path(click.get_app_dir("ecard-bridge", force_posix=True))
        self.key, self.config = self.place / "device.key", self.place / "bridge.json"
        self.queue, self.lock = self.place / "queue.log", self.place / "bridge.lock"

    def make_device(self) -> Device:
        """Return the device key, made now if there is none."""
        private_directory(self.place)
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            write_private(self.key, pem, replace=False)
        except FileExistsError:
            return self.device()
        return Device(key)

    def device(self) -> Device:
        """Return the device key; raises NotEnrolled, FileExposed, ConfigurationWrong."""
        try:
            key: Any = serialization.load_pem_private_key(read_private(self.key), None)
        except FileNotFoundError:
            raise NotEnrolled from None
        except ValueError:
            raise ConfigurationWrong(self.key.name) from None
        if not (isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)):
            raise ConfigurationWrong(self.key.name)
        return Device(key)

    def read_config(self) -> Config:
        """Return the configuration; raises NotEnrolled, FileExposed, ConfigurationWrong with the place in it."""
        try:
            found = msgspec.json.decode(read_private(self.config), type=Config)
        except FileNotFoundError:
            raise NotEnrolled from None
        except msgspec.DecodeError as error:
            raise ConfigurationWrong(str(error)) from None
        check_address(found.server)
        for origins in (part.origins for part in (found.loopback, found.classic) if part):
            for origin in origins:
                check_origin(origin)
        return found

    def write_config(self, config: Config) -> None:
        """Keep the configuration."""
        private_directory(self.place)
        write_private(self.config, msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n", replace=True)


def check_address(server: str) -> None:
    """Refuse a server's address that is not https, or http to this PC itself (AddressRefused)."""
    parts = urlsplit(server)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname and _is_here(parts.hostname):
        return
    raise AddressRefused


def check_origin(origin: str) -> None:
    """Refuse what is not one origin in full: no wildcard, no path, no "null" (ConfigurationWrong)."""
    parts = urlsplit(origin)
    whole = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in {"https", "http"} or not parts.hostname or origin != whole or "*" in origin:
        raise ConfigurationWrong("origins")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
