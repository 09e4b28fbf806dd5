"""`ecard-bridge doctor`: everything that the bridge needs, looked at one by one; what is wrong, and what to do."""

import email.utils
import os
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import httpx

from cardio import reading
from cardio.bridge.device import Config, Home
from cardio.bridge.queue import Queue
from cardio.errors import CardError, ReaderMissing, Text
from cardio.script import run
from cardio.transport.reader import Readers

_SKEW = 30
"""Seconds by which this PC's clock may differ from the server's."""
_SECONDS = 5


class Finding(NamedTuple):
    """What was looked at: well, not well, or None for a mere remark."""

    well: bool | None
    text: Text
    advice: Text | None = None


def examine(home: Home, readers: Readers) -> Iterator[Finding]:
    """Look at everything: this PC's identity, the queue, readers and cards, scanners, ports, the server."""
    config = yield from _identity(home)
    yield from _cards(readers)
    if config is not None:
        yield from _scanners(config)
        yield _ports(config)
        yield from _server(config)


def _wrong(error: CardError, where: str = "") -> Finding:
    return Finding(
        well=False, text=Text(f"{where}{error.title.zh} ({error.code})", error.title.en), advice=error.action
    )


def _identity(home: Home) -> Generator[Finding, None, Config | None]:
    try:
        device, config = home.device(), home.read_config()
        pending = Queue(home.queue, device.queue_key()).pending()
    except CardError as error:
        yield _wrong(error)
        return None
    if config.id is None:
        action = Text(
            "请把登记信息交管理员, 再运行 ecard-bridge enrol --id …",
            "Give the registration to the operator, then ecard-bridge enrol --id …",
        )
        yield Finding(well=False, text=Text("登记未完成", "Not enrolled to the end"), advice=action)
    else:
        yield Finding(
            well=True, text=Text(f"已登记 {config.id}, 密钥指纹 {device.thumbprint}", "enrolled; the key's thumbprint")
        )
    yield Finding(well=None, text=Text(f"待上传的脱网结算 {len(pending)} 条", "off-line settlements that wait"))
    torn = sorted(home.place.glob(f"{home.queue.stem}.torn-*"))
    if torn:
        advice = Text(
            "断电时未写完, 已另存, 请核对是否漏登记。",
            "Cut off by a power cut and put aside: compare what was entered.",
        )
        yield Finding(well=None, text=Text(f"残缺的队列记录 {len(torn)} 份", "torn records put aside"), advice=advice)
    return config


def once(readers: Readers) -> dict[str, bytes | None]:
    """Return the readers and what is in them now; raises CardError."""
    found: list[Mapping[str, bytes | None] | CardError] = []
    readers.watch(found.append, lambda: bool(found))
    if isinstance(found[0], CardError):
        raise found[0]
    return dict(found[0])


def _cards(readers: Readers) -> Iterator[Finding]:
    try:
        found = once(readers)
        if not found:
            raise ReaderMissing
    except CardError as error:
        yield _wrong(error)
        return
    yield Finding(well=True, text=Text("读卡器服务正在运行", "the readers' service is running"))
    for name, atr in found.items():
        if atr is None:
            yield Finding(well=True, text=Text(f"{name}: 无卡", "no card"))
            continue
        try:
            card = readers.hold(name)
            try:
                seen = run(reading.recognise(), card)
            finally:
                card.close()
        except CardError as error:
            yield Finding(
                well=False, text=Text(f"{name}: {error.title.zh} ({error.code})", error.title.en), advice=error.action
            )
        else:
            yield Finding(
                well=True,
                text=Text(f"{name}: 社会保障卡 {seen.version}, 发卡地 {seen.region}", "a social security card"),
            )


def _scanners(config: Config) -> Iterator[Finding]:
    for scanner in config.scanners:
        if os.access(scanner.device, os.R_OK):
            yield Finding(well=True, text=Text(f"扫码枪 {scanner.device}", "scanner"))
        else:
            there = Path(scanner.device).exists()
            advice = (
                Text(
                    "请把运行账户加入 dialout/input 组, 见 docs/counter.md。",
                    "Add the account to dialout or input: docs/counter.md.",
                )
                if there
                else Text("请检查连接与设备名。", "Check cable and device name.")
            )
            yield Finding(well=False, text=Text(f"扫码枪 {scanner.device} 不可用", "scanner not usable"), advice=advice)


def _ports(config: Config) -> Finding:
    opened = [str(part.port) for part in (config.loopback, config.classic) if part]
    if opened:
        return Finding(well=None, text=Text(f"本机端口 (仅 127.0.0.1): {', '.join(opened)}", "ports on 127.0.0.1"))
    return Finding(well=True, text=Text("不监听任何端口", "listens on no port"))


def _server(config: Config) -> Iterator[Finding]:
    try:
        with httpx.Client(timeout=_SECONDS, verify=config.ca_file or True) as http:
            answer = http.get(f"{config.server.rstrip('/')}/health").raise_for_status()
    except (httpx.HTTPError, OSError):
        advice = Text("请检查网络、代理与证书 (--ca-file)。", "Check network, proxy and certificate (--ca-file).")
        yield Finding(well=False, text=Text(f"无法访问 {config.server}", "the server is not reached"), advice=advice)
        return
    yield Finding(well=True, text=Text(f"可访问 {config.server}", "the server is reached"))
    said = email.utils.parsedate_to_datetime(answer.headers["Date"]) if "Date" in answer.headers else None
    if said and abs(said.timestamp() - time.time()) > _SKEW:
        advice = Text(
            "请启用网络校时 (chrony 或 systemd-timesyncd)。", "Turn on network time (chrony or systemd-timesyncd)."
        )
        yield Finding(well=False, text=Text("本机时钟不准", "this PC's clock is wrong"), advice=advice)
