"""`python -m cardio.virtual`: put a virtual card into a reader of vpcd, until it is interrupted."""

import click

from cardio.commands.iso import Dialect
from cardio.virtual.card import VirtualCard
from cardio.virtual.data import CardData
from cardio.virtual.vpcd import PORT, connected, serve


@click.command(help="把一张虚拟社保卡插入 vpcd 的读卡器, Ctrl-C 取出 · insert a virtual card into a reader of vpcd.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=PORT, show_default=True, help="vpcd 的端口 · the reader's port.")
@click.option("--version", type=click.Choice(["1.00", "2.00", "3.00"]), default="3.00", show_default=True)
@click.option("--dialect", type=click.Choice(["number", "tag"]), default="number", show_default=True)
@click.option("--protocol", type=click.Choice(["T0", "T1"]), default="T1", show_default=True)
@click.option("--serial", type=click.IntRange(1, 0xFFFFFF), default=1, show_default=True, help="卡号 · which card.")
@click.option("--number", default=CardData.number, show_default=True, help="社会保障号码 · the holder's number.")
@click.option("--name", default=CardData.name, show_default=True, help="姓名 · the holder's name.")
@click.option("--pin", default="123456", show_default=True, help="虚拟卡的密码 · this virtual card's PIN.")
@click.option("--clone", is_flag=True, help="复制卡: 有全部文件, 没有密钥 · a copy of all files, without the keys.")
def main(
    host: str,
    port: int,
    version: str,
    dialect: str,
    protocol: str,
    serial: int,
    number: str,
    name: str,
    pin: str,
    *,
    clone: bool,
) -> None:
    """Insert the card and serve it."""
    card = VirtualCard(
        CardData(number=number, name=name, serial=serial, card_no=f"A99{serial:06d}"[:9]),
        version=version,
        dialect=Dialect[dialect.upper()],
        t0=protocol == "T0",
        pin=pin,
    )
    if clone:
        card = card.copy_of_files()
    try:
        link = connected(host, port)
    except OSError:
        text = f"{host}:{port} 没有虚拟读卡器 · no virtual reader there"
        raise click.ClickException(text) from None
    click.echo(f"已插卡 · inserted: {card.data.card_id.hex().upper()} {version} {dialect} {protocol}")
    try:
        serve(card, link)
    except KeyboardInterrupt:
        click.echo("已取卡 · removed")


if __name__ == "__main__":
    main()
