"""The keys that proofs are checked against offline: those of a signed bundle, or of a key set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from ecard.errors import EcardError
from ecard.keys import from_jwk, thumbprint
from ecard.tokens import PublicKey
from qr.offline import trust_on_first_use
from qr.schemas import Bundle

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
BUNDLE: _Decorator = click.option(
    "--bundle", type=_FILE, help="离线验证包 (GET /v1/bundle), 取其信任锚 · the signed bundle, for its anchors"
)
KEYS: _Decorator = click.option(
    "--keys", type=_FILE, help="公钥集 (GET /.well-known/jwks.json) · the key set (RFC 7517)"
)


def trusted(bundle: Path | None, keys: Path | None, refusal: type[EcardError]) -> dict[str, PublicKey]:
    """Return the anchors of the one that is given, and say on standard error which they are.

    Raises `refusal` (reason "keys") where the file has none, UsageError where not exactly one is given.
    """
    if (bundle is None) == (keys is None):
        msg = "请给出 --bundle 或 --keys 之一。Give one of --bundle and --keys."
        raise click.UsageError(msg)
    try:
        anchors = _of_bundle(bundle) if bundle else _of_keys(Path(str(keys)))
    except (UnicodeDecodeError, msgspec.DecodeError, KeyError, TypeError, ValueError, RecursionError):
        raise refusal(reason="keys") from None
    prints = ", ".join(thumbprint(key.suite, key.public) for key in anchors.values())
    click.echo(f"信任锚 (RFC 7638 指纹), 请核对 Trusting, to be checked: {prints}", err=True)
    return anchors


def _of_bundle(path: Path) -> dict[str, PublicKey]:
    text = path.read_text("utf-8").strip()
    return trust_on_first_use(msgspec.json.decode(text, type=Bundle).bundle if text.startswith("{") else text)


def _of_keys(path: Path) -> dict[str, PublicKey]:
    found = msgspec.json.decode(path.read_bytes())["keys"]
    return {one["kid"]: PublicKey(*from_jwk(one)) for one in found}
