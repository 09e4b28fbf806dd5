"""`ecard clients`: the registry of OAuth clients, without an operator's session."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import msgspec
from rich.console import Console
from rich.table import Table

from auth.clients import service
from auth.clients.model import AuthMethod, GrantType, Profile
from auth.clients.schemas import ClientCredentials, ClientRequest, ClientView, CredentialsRequest
from ecard.catalogue.load import load
from ecard.cli.context import say, with_runtime
from ecard.db import begin
from ecard.runtime import Runtime

_jwks = click.option(
    "--jwks",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="公钥文件 (JWK Set) · file of the public keys",
)
_jwks_uri = click.option("--jwks-uri", help="公钥地址 · address of the public keys")


@click.group()
def clients() -> None:
    """接入应用: 登记、列出、更换凭据、停用。The OAuth clients: register, list, renew credentials, disable.

    \b
    ecard clients add --name 网上办事大厅 --agency 12110000000000001N \\
        --auth-method private_key_jwt --jwks keys.json \\
        --redirect-uri https://portal.example/callback --item A1-01
    """


@clients.command()
@click.option("--name", required=True, help="持卡人看到的名称 · the name that holders are shown")
@click.option("--agency", required=True, help="机构的统一社会信用代码或标识 · its social credit code, or its id")
@click.option(
    "--profile",
    type=click.Choice([one.value for one in Profile]),
    default=Profile.FAPI2.value,
    show_default=True,
    help="安全规范 · how strictly it is held",
)
@click.option(
    "--auth-method",
    type=click.Choice([one.value for one in AuthMethod]),
    default=AuthMethod.PRIVATE_KEY_JWT.value,
    show_default=True,
    help="认证方式 · how it proves who it is",
)
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="重定向地址, 可多次 · may be repeated")
@click.option(
    "--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True, help="退出后返回 · may be repeated"
)
@click.option("--item", "items", multiple=True, help="可申请的事项, 如 A1-01, 可多次 · an item, may be repeated")
@_jwks
@_jwks_uri
@click.option("--sector", help="标识域, 默认为机构 · one sub for all clients in it, the agency by default")
@click.option(
    "--grant-type",
    "grant_types",
    multiple=True,
    type=click.Choice([one.value for one in GrantType]),
    default=(GrantType.CODE.value,),
    show_default=True,
    help="授权类型, 可多次 · may be repeated",
)
@click.option("--backchannel-logout-uri", help="退出通知地址 · told when a grant ends")
@click.option("--sandbox", is_flag=True, help="沙箱应用, 可用本机 http 地址 · may use http on loopback")
def add(agency: str, jwks: Path | None, **options: Any) -> None:
    """登记应用; 输出 client_id, 以及仅此一次的密钥。Register a client: its id, and its secret this once, are printed.

    \b
    网站, 以公钥认证 (推荐) · a web site that proves itself by a key (recommended):
      ecard clients add --name 网上办事大厅 --agency 12110000000000001N --jwks keys.json \\
        --redirect-uri https://portal.example/callback --item A1-01 --item A1-02
    以密钥认证 · one with a secret:
      ecard clients add --name 预约挂号 --agency 12110000000000001N --profile standard \\
        --auth-method client_secret_basic --redirect-uri https://h.example/back --grant-type authorization_code
    """
    named = {"agency": agency} if _is_id(agency) else {"agency_uscc": agency}
    asked = _request({**options, **named, "jwks": _read(jwks)}, ClientRequest)

    async def work(runtime: Runtime) -> ClientCredentials:
        async with begin(runtime.pool) as tx:
            return await service.register(tx, load(), asked, sandbox=runtime.settings.sandbox, by=None)

    _print(with_runtime(work))


@clients.command("list")
def list_clients() -> None:
    """列出应用, 含已停用的。List the clients, with the disabled ones."""

    async def read(runtime: Runtime) -> list[ClientView]:
        return await service.listed(runtime.pool)

    table = Table("client_id", "名称 name", "机构 agency", "规范 profile", "认证 method", "事项 items", "状态 state")
    for one in with_runtime(read):
        state = "disabled" if one.disabled_at else ("sandbox" if one.sandbox else "active")
        items = " ".join(one.items)
        table.add_row(str(one.client_id), one.name, one.agency_name, one.profile, one.auth_method, items, state)
    Console(width=170).print(table)


@clients.command()
@click.argument("client_id", type=click.UUID)
@_jwks
@_jwks_uri
def rotate(client_id: UUID, jwks: Path | None, jwks_uri: str | None) -> None:
    """更换密钥或公钥, 旧的随即失效。Give a client a new secret, or take its new keys; the old ones end at once.

    \b
    ecard clients rotate 01a20ad9-4523-75ed-9009-9921a8dfc7e0
    ecard clients rotate 01a20ad9-4523-75ed-9009-9921a8dfc7e0 --jwks keys.json
    """
    asked = _request({"jwks": _read(jwks), "jwks_uri": jwks_uri}, CredentialsRequest)

    async def work(runtime: Runtime) -> ClientCredentials:
        async with begin(runtime.pool) as tx:
            return await service.rotate(tx, client_id, asked, None)

    _print(with_runtime(work))


@clients.command()
@click.argument("client_id", type=click.UUID)
def disable(client_id: UUID) -> None:
    """停用应用, 其令牌随即失效。Disable a client; its tokens die with it.

    \b
    ecard clients disable 01a20ad9-4523-75ed-9009-9921a8dfc7e0
    """

    async def work(runtime: Runtime) -> None:
        async with begin(runtime.pool) as tx:
            await service.disable(tx, client_id, None)

    with_runtime(work)
    say(f"已停用 Disabled: {client_id}")


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _read(path: Path | None) -> object:
    if path is None:
        return None
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        msg = f"{path} 不是 JSON 文件。It is not JSON."
        raise click.ClickException(msg) from None


def _request(fields: dict[str, Any], wanted: Any) -> Any:
    """Return the request that the API would be sent; what it would refuse is refused here by name."""
    try:
        return msgspec.convert(fields, wanted)
    except msgspec.ValidationError as error:
        msg = f"参数不正确。A parameter is not right: {error}"
        raise click.ClickException(msg) from None


def _print(made: ClientCredentials) -> None:
    click.echo(f"client_id={made.client_id}")
    if made.client_secret is not None:
        click.echo(f"client_secret={made.client_secret}")
        say("密钥只显示这一次, 请立即保存。The secret is shown this once: keep it now.")
