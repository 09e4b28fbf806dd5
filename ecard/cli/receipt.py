"""`ecard receipt`: check a receipt with nothing but the platform's keys."""

import time
from pathlib import Path

import click
import msgspec

from ecard.errors import EcardError
from ecard.keys import from_jwk, thumbprint
from ecard.tokens import PublicKey
from pay.ledger import receipts
from pay.ledger.errors import ReceiptRefused
from qr.offline import trust_on_first_use
from qr.schemas import Bundle

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def receipt() -> None:
    """支付凭据。Receipts of payments."""


@receipt.command()
@click.argument("file", type=_FILE)
@click.option(
    "--bundle", type=_FILE, help="离线验证包 (GET /v1/bundle), 取其信任锚 · the signed bundle, for its anchors"
)
@click.option("--keys", type=_FILE, help="公钥集 (GET /.well-known/jwks.json) · the key set (RFC 7517)")
def verify(file: Path, bundle: Path | None, keys: Path | None) -> None:
    """离线核验凭据: 该笔入账确在已封存的账期中。Check offline that what a receipt says was posted and sealed.

    \b
    curl -s http://127.0.0.1:8600/v1/bundle > bundle.json     # 有网时 · while online
    ecard receipt verify receipt.json --bundle bundle.json    # 离线时 · while offline

    退出码 exit code: 0 有效 valid, 1 无效 refused
    """
    if (bundle is None) == (keys is None):
        msg = "请给出 --bundle 或 --keys 之一。Give one of --bundle and --keys."
        raise click.UsageError(msg)
    anchors = _of_bundle(bundle) if bundle else _of_keys(Path(str(keys)))
    prints = ", ".join(thumbprint(key.suite, key.public) for key in anchors.values())
    click.echo(f"信任锚 (RFC 7638 指纹), 请核对 Trusting, to be checked: {prints}", err=True)
    try:
        posted = receipts.verify(file.read_bytes(), anchors, time.time())
    except EcardError as refusal:
        click.echo(msgspec.json.encode({"valid": False, "code": refusal.code} | refusal.members))
        raise
    click.echo(msgspec.json.encode({"valid": True, "posted": [leg._asdict() for leg in posted]}))


def _of_bundle(path: Path) -> dict[str, PublicKey]:
    try:
        text = path.read_text("utf-8").strip()
        return trust_on_first_use(msgspec.json.decode(text, type=Bundle).bundle if text.startswith("{") else text)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        raise ReceiptRefused(reason="keys") from None


def _of_keys(path: Path) -> dict[str, PublicKey]:
    try:
        found = msgspec.json.decode(path.read_bytes())["keys"]
        return {one["kid"]: PublicKey(*from_jwk(one)) for one in found}
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, RecursionError):
        raise ReceiptRefused(reason="keys") from None
