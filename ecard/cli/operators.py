"""`ecard operators`: the first operator, who registers everybody else over the API."""

from pathlib import Path

import click
import msgspec

from ecard.access import service
from ecard.access.model import Role
from ecard.access.schemas import OperatorRequest, Registered
from ecard.cli.context import say, with_runtime
from ecard.db import begin
from ecard.keys import Suite, generate, to_jwk
from ecard.runtime import Runtime


@click.group()
def operators() -> None:
    """操作员。Operators of the bureau."""


@operators.command()
@click.argument("name")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.option(
    "--key-out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="私钥写入此文件 · file for the private key",
)
def add(name: str, role: str, key_out: Path) -> None:
    """登记操作员并生成密钥。Register an operator with a new key.

    \b
    registrar  登记机构、终端、渠道 · agencies, terminals, channels
    cards      登记持卡人, 挂失、解挂、锁定、注销 · holders and card status
    security   登记操作员, 停用密钥 · operators, taking keys out of service
    finance    登记商户与收费单位, 对账、结算、差错 · merchants and billers, reconciliation, settlement, breaks
    training   培训券: 项目、预算、批次、审核 · training vouchers: programmes, budget, batches, audits
    reviewer   审核申请事项 · reviews applications
    """
    signer, der = generate(Suite.ES256)
    try:
        asked = {"name": name, "role": role, "key": to_jwk(signer.suite, signer.public)}
        request = msgspec.convert(asked, OperatorRequest)
    except msgspec.ValidationError:
        msg = "名称须为 1 至 64 个可见字符。The name has 1 to 64 characters that can be seen."
        raise click.BadParameter(msg, param_hint="NAME") from None
    try:
        key_out.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        msg = f"{key_out} 已存在, 不覆盖。It exists and is not overwritten."
        raise click.ClickException(msg) from None
    except OSError:
        msg = f"无法写入 {key_out}。It cannot be written."
        raise click.ClickException(msg) from None

    async def work(runtime: Runtime) -> Registered:
        async with begin(runtime.pool) as tx:
            return await service.register_operator(tx, request, None)

    try:
        registered = with_runtime(work)
    except BaseException:
        key_out.unlink()  # an empty file would stand in the way of the next attempt
        raise
    key_out.write_bytes(msgspec.json.encode({"actor": registered.id, "key": der.hex()}))
    say(f"操作员 {registered.id} 已登记, 密钥在 {key_out}。Registered; the key is in the file.")
