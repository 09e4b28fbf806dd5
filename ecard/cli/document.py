"""`ecard document`: check a printed document with nothing but a signed bundle."""

import time
from pathlib import Path

import click
import msgspec

from ecard.errors import EcardError
from ecard.keys import from_jwk, thumbprint
from ecard.records.errors import DocumentBundleRefused
from ecard.records.papers.offline import PaperVerifier
from ecard.records.papers.schemas import DocumentBundle
from ecard.tokens import PublicKey
from qr.offline import trust_on_first_use

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def document() -> None:
    """打印文书。Printed documents."""


@document.command()
@click.argument("file", type=_FILE, required=False)
@click.option("--code", help="扫到的核验码文本 · the text of the scanned code, for a sheet of paper")
@click.option(
    "--offline", "bundle", type=_FILE, required=True, help="文书密钥包 (GET /v1/documents/bundle) · the signed bundle"
)
@click.option(
    "--keys", type=_FILE, help="只信任此公钥集中的锚 (GET /.well-known/jwks.json) · trust only anchors of this key set"
)
def verify(file: Path | None, code: str | None, bundle: Path, keys: Path | None) -> None:
    """离线核验文书, 不需要网络。Verify a document with no network: a PDF, or the code on a sheet of paper.

    \b
    curl -s http://127.0.0.1:8600/v1/documents/bundle > documents.json       # 有网时 · while online
    ecard document verify FILE.pdf --offline documents.json                  # 离线时 · while offline
    ecard document verify --code "https://…#eyJ…" --offline documents.json   # 纸质件 · a sheet: compare by eye

    没有 --keys 时信任密钥包自带的锚, 并显示其指纹供核对。Without --keys the bundle's own anchors are trusted and shown.
    退出码 exit code: 0 有效 valid, 1 拒绝 refused
    """
    if (file is None) == (code is None):
        msg = "给出 FILE 或 --code 之一 · give either FILE or --code"
        raise click.UsageError(msg)
    token = _bundle(bundle)
    anchors = trust_on_first_use(token) if keys is None else _of_keys(keys)
    if keys is None:
        prints = ", ".join(thumbprint(key.suite, key.public) for key in anchors.values())
        click.echo(f"信任锚 (RFC 7638 指纹), 请核对 Trusting, to be checked: {prints}", err=True)
    verifier = PaperVerifier.load(token, anchors=anchors, now=time.time())
    try:
        found = (
            verifier.verify(file.read_bytes())._asdict()
            if file
            else msgspec.to_builtins(verifier.read_code(code or ""))
        )
    except EcardError as refusal:
        click.echo(msgspec.json.encode({"valid": False, "code": refusal.code, **refusal.members}))
        raise
    click.echo(msgspec.json.encode({"valid": True, **found}))
    if code is not None:
        click.echo("请与纸质件逐项比对。Compare each of these with the sheet.", err=True)


def _bundle(path: Path) -> str:
    """Return the token in a file that is it, or the API's answer with it; raises DocumentBundleRefused."""
    try:
        text = path.read_text("utf-8").strip()
        return msgspec.json.decode(text, type=DocumentBundle).bundle if text.startswith("{") else text
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        raise DocumentBundleRefused(reason="malformed") from None


def _of_keys(path: Path) -> dict[str, PublicKey]:
    try:
        found = msgspec.json.decode(path.read_bytes())["keys"]
        return {one["kid"]: PublicKey(*from_jwk(one)) for one in found}
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, RecursionError):
        raise DocumentBundleRefused(reason="key") from None
