"""`ecard webhooks`: set an endpoint up, receive on this machine, make an event, send one again."""

from uuid import UUID

import click
import msgspec

from auth.clients.store import agency_of
from ecard.cli.context import say, with_runtime
from ecard.cli.receiver import Receiver
from ecard.db import Tx, begin
from ecard.errors import NotFound
from ecard.runtime import Runtime
from pay.webhooks import service, store
from pay.webhooks.model import event_id, secret_of
from pay.webhooks.schemas import Endpoint, EndpointRequest, EndpointSecret

_merchant = click.option(
    "--merchant", required=True, help="商户: 统一社会信用代码或标识 · its social credit code, or its id"
)


@click.group()
def webhooks() -> None:
    """商户通知: 登记、接收、触发、重发。Notifications to merchants: register, receive, trigger, send again.

    \b
    三步试用 · three steps to try it, beside a sandbox server:
    ecard webhooks add --merchant 12110000000000001N --url http://127.0.0.1:8700/
    ecard webhooks listen --secret whsec_…            # 另开终端 · in another terminal
    ecard webhooks trigger --merchant 12110000000000001N
    \b
    通知遵循 Standard Webhooks。签名内容为 webhook-id.webhook-timestamp.正文, HMAC-SHA256,
    头 webhook-signature 为 v1,<base64>。
    Notifications follow Standard Webhooks: any library of it verifies them.
    """


@webhooks.command()
@_merchant
@click.option("--url", required=True, help="通知地址 · the address that is called")
def add(merchant: str, url: str) -> None:
    """登记通知地址; 密钥只显示一次。Register an endpoint; its secret is shown once."""

    async def work(runtime: Runtime) -> EndpointSecret:
        async with begin(runtime.pool) as tx:
            agency = await _agency(tx, merchant)
            asked, sandbox = EndpointRequest(url=url), runtime.settings.sandbox
            return await service.register(tx, runtime.vault, agency, asked, by=None, sandbox=sandbox)

    made = with_runtime(work)
    click.echo(f"endpoint={made.id}\nsecret={made.secret}")
    say("请妥善保存密钥, 不再显示。Keep the secret; it is not shown again.")


@webhooks.command(name="list")
@_merchant
def list_(merchant: str) -> None:
    """列出商户的通知地址。List a merchant's endpoints."""

    async def work(runtime: Runtime) -> list[Endpoint]:
        async with begin(runtime.pool) as tx:
            return await service.endpoints(runtime.pool, await _agency(tx, merchant))

    for one in with_runtime(work):
        state = (
            f"停用 disabled: {one.why}"
            if one.why
            else f"失败 failing: {one.last_failure}"
            if one.last_failure
            else "ok"
        )
        click.echo(f"{one.id}  {one.url}  {state}")


@webhooks.command()
@click.option(
    "--secret", required=True, envvar="ECARD_WEBHOOK_SECRET", help="登记时显示的密钥 · as shown when registered"
)
@click.option("--port", default=8700, show_default=True, help="本机端口 · port on this machine")
@click.option("--status", default=204, show_default=True, help="所答状态码, 可试 500 · status to answer; try 500")
@click.option("--count", default=0, help="收到若干条后退出 · leave after so many")
def listen(secret: str, port: int, status: int, count: int) -> None:
    """在本机接收通知, 验证签名并打印。Receive here, verify each, and print it.

    \b
    接收方应当 · a receiver should
      1. 先用原始字节验证签名, 再解析 · verify the raw bytes before it reads them
      2. 10 秒内答 2xx, 工作放到之后 · answer 2xx within 10 seconds, work afterwards
      3. 以 webhook-id 去重: 同一通知可能到达多次 · know an id that comes again
      4. 以 sequence 排序: 到达顺序不可靠 · order by sequence: arrival is in no order
      5. 以查询订单为准 · ask for the order when in doubt
    """
    try:
        key = secret_of(secret)
    except ValueError:
        msg = "--secret 须为 whsec_ 开头的密钥 (begins with whsec_)"
        raise click.BadParameter(msg) from None
    heard = 0

    def hear(line: str) -> None:
        nonlocal heard
        heard += 1
        click.echo(line)

    with Receiver(port, key, status, hear) as receiver:
        say(f"正在接收 · listening: http://127.0.0.1:{receiver.server_port}/")
        while not count or heard < count:
            receiver.handle_request()


@webhooks.command()
@_merchant
@click.option("--event", default="order.paid", show_default=True, help="事件名 · the event's name")
def trigger(merchant: str, event: str) -> None:
    """产生一条测试事件, 经正式途径送达。Make a test event, which goes the way of real ones.

    其 data 含 test: true。Its data says test: true, and names no order.
    """

    async def work(runtime: Runtime) -> str:
        async with begin(runtime.pool) as tx:
            return (await service.trigger(tx, await _agency(tx, merchant), event)).id

    click.echo(f"event={with_runtime(work)}")


@webhooks.command()
@click.argument("event")
@click.option("--endpoint", type=click.UUID, help="只发给此地址 · to this endpoint alone")
def resend(event: str, endpoint: UUID | None) -> None:
    """按 webhook-id 重发通知。Send an event again, by its webhook-id."""
    try:
        wanted = event_id(event)
    except ValueError:
        msg = "须为 evt_ 开头的标识 (an id such as evt_0198…)"
        raise click.BadParameter(msg) from None

    async def work(runtime: Runtime) -> int | None:
        return await store.resend(runtime.pool, wanted, endpoint=endpoint)

    count = with_runtime(work)
    if count is None:
        raise NotFound
    click.echo(f"endpoints={count}")


async def _agency(tx: Tx, named: str) -> UUID:
    """Return the merchant of an id or a social credit code; raises NotFound."""
    try:
        return msgspec.convert(named, UUID)
    except msgspec.ValidationError:
        found = await agency_of(tx, named)
    if found is None:
        raise NotFound
    return found
