"""`ecard credential`: check a certificate of training, or a credential that is shown, with a signed bundle alone."""

import sys
import time
from pathlib import Path

import click
import msgspec

from ecard.claims.offline import ClaimVerifier
from ecard.errors import EcardError
from ecard.keys import from_jwk, thumbprint
from ecard.tokens import PublicKey
from qr.errors import BundleRefused
from qr.offline import trust_on_first_use
from vouchers.credentials.errors import CredentialRefused
from vouchers.credentials.offline import CredentialVerifier
from vouchers.credentials.schemas import CredentialBundle, Presentation

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def credential() -> None:
    """培训证书与电子证照。Certificates of training, and credentials on the e-card."""


@credential.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--offline", "bundle", type=_FILE, required=True, help="证书离线包 (GET /v1/credentials/bundle) · the signed bundle"
)
@click.option(
    "--keys", type=_FILE, help="只信任此公钥集中的锚 (GET /.well-known/jwks.json) · trust only anchors of this key set"
)
@click.option("--audience", default="", help="出示给谁 (电子证照) · for whom a credential is shown: the agency's id")
@click.option("--nonce", default="", help="请求中的随机数 (电子证照) · the nonce that was asked with")
def verify(file: Path, bundle: Path, keys: Path | None, audience: str, nonce: str) -> None:
    """离线核验培训证书或电子证照, 不需要网络。Verify a certificate of training or a credential with no network.

    \b
    curl -s http://127.0.0.1:8600/v1/credentials/bundle > certificates.json     # 有网时 · while online
    ecard credential verify badge.jwt --offline certificates.json               # 离线时 · while offline

    FILE 为证书 (JWT, 或 GET /v1/me/credentials/{id} 的应答), “-” 为标准输入。FILE is a certificate or that answer.
    FILE 也可为出示的电子证照 (SD-JWT+KB), 须给 --audience 与 --nonce。FILE may be a presented SD-JWT, too.
    没有 --keys 时信任离线包自带的锚, 并显示其指纹供核对。Without --keys the bundle's own anchors are trusted and shown.
    退出码 exit code: 0 有效 valid, 1 拒绝 refused
    """
    token = _text(bundle, CredentialBundle, BundleRefused(reason="malformed"))
    anchors = trust_on_first_use(token) if keys is None else _of_keys(keys)
    if keys is None:
        prints = ", ".join(thumbprint(key.suite, key.public) for key in anchors.values())
        click.echo(f"信任锚 (RFC 7638 指纹), 请核对 Trusting, to be checked: {prints}", err=True)
    now = time.time()
    verifier = CredentialVerifier.load(token, anchors=anchors, now=now)
    claims = ClaimVerifier.load(token, anchors=anchors, now=now)
    try:
        shown = _text(file, Presentation, CredentialRefused(reason="malformed"))
        found = (
            claims.verify(shown, audience=audience, nonce=nonce, now=now)
            if "~" in shown
            else verifier.verify(shown, now)
        )
    except EcardError as refusal:
        known = {"keys_as_of": verifier.as_of, "status_as_of": verifier.as_of}
        click.echo(msgspec.json.encode({"valid": False, "code": refusal.code, **known, **refusal.members}))
        raise
    click.echo(msgspec.json.encode({"valid": True, **found._asdict()}))


def _text(path: Path, answer: type[CredentialBundle] | type[Presentation], otherwise: EcardError) -> str:
    """Return the token in a file that is it, or the API's answer with it; raises `otherwise`."""
    try:
        raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        text = raw.decode().strip()
        if not text.startswith("{"):
            return text
        return str(next(iter(msgspec.structs.astuple(msgspec.json.decode(text, type=answer)))))
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        raise otherwise from None


def _of_keys(path: Path) -> dict[str, PublicKey]:
    try:
        found = msgspec.json.decode(path.read_bytes())["keys"]
        return {one["kid"]: PublicKey(*from_jwk(one)) for one in found}
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, RecursionError):
        raise BundleRefused(reason="key") from None
