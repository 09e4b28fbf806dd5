"""`ecard code`: verify a scanned code with nothing but a bundle, as an offline terminal does."""

import fcntl
import os
import time
from pathlib import Path

import click
import msgspec

from ecard.catalogue.model import Scene
from ecard.encoding import b64url, unb64url
from ecard.errors import EcardError
from ecard.keys import Suite, thumbprint
from ecard.tokens import PublicKey
from qr.errors import BundleRefused
from qr.offline import OfflineVerifier, trust_on_first_use
from qr.schemas import Bundle


class State(msgspec.Struct, kw_only=True):
    """What a terminal remembers: the trusted anchors, the newest bundle seen, and codes seen lately."""

    anchors: dict[str, tuple[str, str]] = {}
    newest: int = 0
    seen: dict[str, float] = {}


def _default_state() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "ecard" / "offline.json"


@click.group()
def code() -> None:
    """动态二维码。Dynamic codes."""


@code.command()
@click.argument("scanned")
@click.option(
    "--offline",
    "bundle",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="离线验证包 (GET /v1/bundle) · the signed bundle",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="记住信任锚、最新版本和已用码的文件 · where anchors, versions and seen codes are kept",
)
@click.option(
    "--scene",
    type=click.Choice([one.name.lower() for one in Scene]),
    help="只接受此场景的码 (闸机、收款必填) · accept only this scene's codes: a gate or a till must say it",
)
def verify(scanned: str, bundle: Path, state: Path | None, scene: str | None) -> None:
    """离线核验一个扫到的码, 不需要网络。Verify a scanned code with no network.

    \b
    curl -s http://127.0.0.1:8600/v1/bundle > bundle.json     # 有网时 · while online
    ecard code verify --offline bundle.json 'EC1:…'           # 离线时 · while offline

    首次使用时信任验证包自带的锚, 并显示其标识供核对; 之后只信任已知的锚, 也不接受更旧的验证包。
    The first bundle's anchors are trusted and shown; from then on only known anchors and no older bundle.
    退出码 exit code: 0 有效 valid, 1 拒绝 refused
    """
    path = state or _default_state()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        # Two scans at once on one terminal: the second sees what the first accepted.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _verify(scanned, bundle, path, Scene[scene.upper()] if scene else None)


def _verify(scanned: str, bundle: Path, path: Path, wanted: Scene | None) -> None:
    known = _remembered(path)
    token = _token(bundle)
    anchors = {kid: PublicKey(Suite(suite), unb64url(public)) for kid, (suite, public) in known.anchors.items()}
    if not anchors:
        anchors = trust_on_first_use(token)
        prints = ", ".join(thumbprint(key.suite, key.public) for key in anchors.values())
        click.echo(f"首次使用, 信任锚 (RFC 7638 指纹) Trusting on first use: {prints}", err=True)
    now = time.time()
    verifier = OfflineVerifier.load(token, anchors=anchors, issuer=None, newest=known.newest, now=now)
    verifier.seen = known.seen
    try:
        verdict = verifier.verify(scanned.strip(), now, scene=wanted)
    except EcardError as refusal:
        click.echo(
            msgspec.json.encode(
                {"valid": False, "code": refusal.code, "mode": "offline"}
                | {"keys_as_of": verifier.as_of, "status_as_of": verifier.as_of}
                | refusal.members
            )
        )
        raise
    finally:
        known.anchors = {kid: (key.suite.value, b64url(key.public)) for kid, key in verifier.anchors().items()}
        known.newest, known.seen = verifier.version, verifier.seen
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_bytes(msgspec.json.encode(known))
        draft.replace(path)
    # A phone may sign any byte into a chain, also one that is no scene.
    named = Scene(verdict.scene).name.lower() if verdict.scene in set(Scene) else None
    shown = {"valid": True, **verdict._asdict(), "scene": named}
    click.echo(msgspec.json.encode(shown))


def _token(path: Path) -> str:
    try:
        text = path.read_text("utf-8").strip()
        return str(msgspec.json.decode(text, type=Bundle).bundle) if text.startswith("{") else text
    except (UnicodeDecodeError, msgspec.DecodeError):
        raise BundleRefused(reason="malformed") from None


def _remembered(path: Path) -> State:
    try:
        return msgspec.json.decode(path.read_bytes(), type=State) if path.exists() else State()
    except msgspec.DecodeError:
        # Starting afresh would trust any bundle again: a person decides that.
        msg = f"{path} 已损坏, 请核对信任锚后删除。It is damaged: check the anchors, then remove it."
        raise click.ClickException(msg) from None
