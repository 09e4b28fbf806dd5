"""`ecard receipt`: check a receipt with nothing but the platform's keys."""

import time
from pathlib import Path

import click
import msgspec

from ecard.cli.anchors import BUNDLE, KEYS, trusted
from ecard.errors import EcardError
from pay.ledger import receipts
from pay.ledger.errors import ReceiptRefused


@click.group()
def receipt() -> None:
    """支付凭据。Receipts of payments."""


@receipt.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@BUNDLE
@KEYS
def verify(file: Path, bundle: Path | None, keys: Path | None) -> None:
    """离线核验凭据: 该笔入账确在已封存的账期中。Check offline that what a receipt says was posted and sealed.

    \b
    curl -s http://127.0.0.1:8600/v1/bundle > bundle.json     # 有网时 · while online
    ecard receipt verify receipt.json --bundle bundle.json    # 离线时 · while offline

    退出码 exit code: 0 有效 valid, 1 无效 refused
    """
    anchors = trusted(bundle, keys, ReceiptRefused)
    try:
        posted = receipts.verify(file.read_bytes(), anchors, time.time())
    except EcardError as refusal:
        click.echo(msgspec.json.encode({"valid": False, "code": refusal.code} | refusal.members))
        raise
    click.echo(msgspec.json.encode({"valid": True, "posted": [leg._asdict() for leg in posted]}))
