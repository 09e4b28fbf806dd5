"""`ecard keys`: the ring, while the server runs."""

import datetime

import click
from rich.console import Console
from rich.table import Table

from ecard.audit import store as audit
from ecard.cli.context import say, with_runtime
from ecard.keyring import service
from ecard.keyring.model import LEAD, Key, Purpose
from ecard.runtime import Runtime

_PURPOSES = click.Choice([purpose.value for purpose in Purpose])


@click.group()
def keys() -> None:
    """签名密钥: 列出、轮换、吊销, 无需停机。The signing keys: list, rotate, revoke, while serving.

    \b
    code       动态二维码 · dynamic codes
    assertion  身份断言 · identity assertions
    anchor     离线验证包与审计封印 · offline bundles and audit seals
    token      访问令牌、ID 令牌、退出通知 · access, ID and logout tokens
    credential 培训证书 · certificates of training
    """


@keys.command("list")
def list_keys() -> None:
    """列出密钥及状态。List the keys and their states."""

    async def read(runtime: Runtime) -> tuple[list[Key], float]:
        return list(runtime.ring.keys.values()), runtime.clock.time()

    found, now = with_runtime(read)
    table = Table("kid", "用途 purpose", "槽 slot", "算法 suite", "状态 state", "启用 used from", "验至 verifies until")
    for key in found:
        until = _when(key.verify_until)
        table.add_row(key.kid, key.purpose, str(key.slot), key.suite, key.state(now), _when(key.use_from), until)
    Console(width=150).print(table)


@keys.command()
@click.argument("purpose", type=_PURPOSES)
@click.option(
    "--lead-hours",
    type=float,
    default=LEAD / 3600,
    show_default=True,
    help="启用前至少公布的小时数 · hours published before use",
)
def rotate(purpose: str, lead_hours: float) -> None:
    """启用备用密钥, 并公布新的备用密钥。Let the standby key follow, and publish a new standby.

    备用密钥公布不足 --lead-hours 时, 到时才启用, 以免验证方还不认识它。A standby that has not been published that
    long is used only when it has: by then every verifier knows it.
    """

    async def work(runtime: Runtime) -> float:
        first_use = await service.rotate(
            runtime.pool, runtime.vault, runtime.settings.suite, Purpose(purpose), lead=lead_hours * 3600
        )
        await audit.insert(runtime.pool, kind="keys_rotated", outcome="ok", detail={"purpose": purpose})
        return first_use

    say(f"新密钥启用时间 The new key is used from: {_when(with_runtime(work))}")


@keys.command()
@click.argument("kid")
def revoke(kid: str) -> None:
    """立即吊销密钥: 它签发的一切不再有效。Revoke a key at once: nothing that it signed is accepted any more."""

    async def work(runtime: Runtime) -> None:
        await service.revoke(runtime.pool, runtime.vault, runtime.settings.suite, kid)
        await audit.insert(runtime.pool, kind="signing_key_revoked", outcome="ok", detail={"kid": kid})

    with_runtime(work)
    say(f"已吊销 Revoked: {kid}")


def _when(at: float | None) -> str:
    if at is None:
        return "-"
    return datetime.datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
