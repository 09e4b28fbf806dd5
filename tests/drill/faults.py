"""The drills: each does harm under load (T1, T3 … T8 of the design), and says what it measured."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx

from ecard.client import Refused
from ecard.ids import new_id
from tests.bureau import outcomes
from tests.drill.load import Load
from tests.drill.proxy import Line, Proxy
from tests.drill.site import WORKERS, Site

Progress = Callable[[str], None]
_BACK = 120.0
"""Seconds for which a drill waits until work can be done again; a busy machine starts a worker slowly."""
_SPARE = 64 * 1024
"""Bytes that the full disk keeps for those who only want to say so."""


class Drill(NamedTuple):
    """A drill: its name in the design, what is done, in both languages, and the doing."""

    code: str
    zh: str
    en: str
    do: Callable[[Site, Load, Progress, bool], list[str]]


def workers_killed(site: Site, load: Load, tell: Progress, long: bool) -> list[str]:  # noqa: FBT001 - as every drill
    """T1: kill -9 of a worker, 8 times (20), each once the last one is back; KILLS names another number."""
    times = int(os.environ.get("KILLS", "20" if long else "8"))
    with load:
        for n in range(times):
            time.sleep(0.3)
            site.workers()[n % 2 if len(site.workers()) > 1 else 0].kill()
            tell(f"{n + 1}/{times}")
            _until(lambda: len(site.workers()) == WORKERS and site.ready(), _BACK)
    return [f"{times} × kill -9"]


def refunds_at_once(site: Site, load: Load, tell: Progress, long: bool) -> list[str]:  # noqa: FBT001 - as every drill
    """T3: 32 refunds of 60 % of one order at once: exactly one is made, whatever happens to the workers."""
    del site
    times, wrong = 20 if long else 3, 0
    for n in range(times):
        order = _paid(load, 1000)
        acts = [_refund(load, order, 600) for _ in range(32)]
        found = outcomes(acts)
        wrong += found["ok"] != 1
        tell(f"{n + 1}/{times}")
    return [f"{times} × 32, {wrong} wrong"] if not wrong else [f"! {wrong} of {times} refunded other than once"]


def one_key_at_once(site: Site, load: Load, tell: Progress, long: bool) -> list[str]:  # noqa: FBT001 - as every drill
    """T4: 32 requests with one key at once, a worker killed in their midst: one order, and its answer ever after."""
    times, wrong = 20 if long else 3, 0
    for n in range(times):
        body, key = load.shop.body(load.phones[0].code("pay"), 100), new_id().hex
        threading.Timer(0.05, site.workers()[0].kill).start()
        outcomes([_tolerant(load, body, key) for _ in range(32)])
        _until(lambda: len(site.workers()) == WORKERS and site.ready(), _BACK)
        answer = _asked(load, body, key)
        rows = site.sql("SELECT count(*) FROM pay_order WHERE out_trade_no = $1", body["out_trade_no"])
        if answer is None:  # none of them came through before the code expired: then nothing may have been done
            wrong += rows[0][0] != 0
            continue
        other = _code_of(lambda b=body, k=key: load.shop.asking({**b, "amount": 101}, key=k))  # type: ignore[misc] # mypy does not infer a default's type
        wrong += rows[0][0] != 1 or answer["out_trade_no"] != body["out_trade_no"] or other != "idempotency_key_reused"
        load.told.charged(body["out_trade_no"], answer)
        tell(f"{n + 1}/{times}")
    return [f"{times} × 32, one order each"] if not wrong else [f"! {wrong} of {times} had other than one effect"]


def database_killed(site: Site, load: Load, tell: Progress, long: bool) -> list[str]:  # noqa: FBT001 - as every drill
    """T5: kill -9 of PostgreSQL with its children, 5 times (20); the start is tried again."""
    times = 20 if long else 5
    with load:
        for n in range(times):
            time.sleep(1.5)
            site.kill_database()
            time.sleep(0.5)
            site.restart_database()
            tell(f"{n + 1}/{times}")
            _until(site.ready, _BACK)
    return [f"{times} × kill -9"]


def cache_lost(site: Site, load: Load, tell: Progress, long: bool) -> list[str]:  # noqa: FBT001 - as every drill
    """T6: Redis emptied, hung and killed: payments go on, at 80 % of their rate at least."""
    seconds = 30.0 if long else 6.0
    with load:
        calm = _rate(load, seconds)
        tell("FLUSHALL")
        site.kill_cache()
        site.start_cache()
        tell("SIGSTOP")
        site.hang_cache(hang=True)
        hung = _rate(load, seconds)
        site.hang_cache(hang=False)
        tell("kill -9")
        site.kill_cache()
        gone = _rate(load, seconds)
        site.start_cache()
    return [f"{calm:.0f}/s; hung {hung / calm:.0%}, gone {gone / calm:.0%}"]


def bank_cut_off(site: Site, load: Load, tell: Progress, long: bool) -> list[str]:  # noqa: FBT001 - as every drill
    """T7: the line to the bank cut, silent, slow; requests and replies lost; notifications late, double, reversed."""
    with load:
        for seconds in (1, 5, 30) if long else (1, 5):
            _broken(site.to_bank, Line.CUT, seconds, tell)
            _broken(site.to_bank, Line.SILENT, seconds, tell)
        _broken(site.to_bank, Line.SLOW, 2, tell)
        site.bank.notify(f"{site.base_url}/v1/banks/SANDBOX/notifications", delay=0.5, copies=2, shuffle=3)
        for kind in ("lose_reply", "lose_request", "half_open", "error", "twice", "out_of_order", "next_day", "forged"):
            tell(kind)
            site.bank.fault(kind, times=None, chance=0.3, seconds=0.3)
            time.sleep(2)
            site.bank.clear()
    return [f"{sum(site.bank.met().values())} faults at the bank"]


def database_cut_off(site: Site, load: Load, tell: Progress, long: bool) -> list[str]:  # noqa: FBT001 - as every drill
    """T7: the line to PostgreSQL cut and silent."""
    with load:
        for seconds in (1, 5, 30) if long else (1, 5):
            _broken(site.to_database, Line.CUT, seconds, tell)
            _until(site.ready, _BACK)
            time.sleep(1)
        _broken(site.to_database, Line.SILENT, 3, tell)
        _until(site.ready, _BACK)
    return []


def disk_full(site: Site, load: Load, tell: Progress, long: bool) -> list[str]:  # noqa: FBT001 - as every drill
    """T8: the disk full: nothing is acknowledged that is not kept, and 503 is said within 2 s."""
    del long
    filler = site.place / "filler"
    with load:
        time.sleep(1)
        tell("filling")
        with filler.open("wb") as file, contextlib.suppress(OSError):
            room = os.statvfs(site.place)
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - _SPARE)
        with contextlib.suppress(Exception):  # it may be gone at once, which is the drill
            for _ in range(3):
                site.sql("SELECT pg_switch_wal()")
        slowest = max(_refusal_seconds(load) for _ in range(3))
        tell("healing")
        filler.unlink()
        if site.database.process.poll() is None and not _answers(site):
            site.kill_database()
        if site.database.process.poll() is not None or not _answers(site):
            site.restart_database()
        _until(site.ready, _BACK)
    return [f"answered within {slowest:.1f} s"] if slowest <= 2 else [f"! answered after {slowest:.1f} s"]


DRILLS = (
    Drill("T1", "反复杀死工作进程", "workers killed", workers_killed),
    Drill("T3", "并发退款", "refunds at once", refunds_at_once),
    Drill("T4", "同一幂等键并发, 其间杀死工作进程", "one key at once, a worker killed", one_key_at_once),
    Drill("T5", "反复杀死 PostgreSQL", "PostgreSQL killed", database_killed),
    Drill("T6", "Redis 清空、挂起、被杀", "Redis emptied, hung, killed", cache_lost),
    Drill("T7", "银行断线、丢应答、重复与乱序通知", "the bank cut off, replies lost", bank_cut_off),
    Drill("T7", "数据库断线与半开", "PostgreSQL cut off", database_cut_off),
    Drill("T8", "磁盘写满", "the disk full", disk_full),
)


def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            msg = f"not within {seconds} s: {condition}"
            raise RuntimeError(msg)
        time.sleep(0.05)


def _broken(proxy: Proxy, line: Line, seconds: float, tell: Progress) -> None:
    tell(f"{line.value} {seconds:g} s")
    proxy.set(line)
    time.sleep(seconds)
    proxy.set(Line.OPEN)
    time.sleep(0.5)


def _rate(load: Load, seconds: float) -> float:
    before = len(load.told.seconds)
    time.sleep(seconds)
    return max(len(load.told.seconds) - before, 1) / seconds


def _paid(load: Load, amount: int) -> dict[str, Any]:
    for order in _charges(load, amount):
        if order["state"] == "paid":
            return order
    msg = "nothing was paid"
    raise RuntimeError(msg)


def _charges(load: Load, amount: int) -> Iterator[dict[str, Any]]:
    for _ in range(20):
        with contextlib.suppress(Refused, httpx.HTTPError):
            order = load.shop.charge(load.phones[0].code("pay"), amount)
            load.told.charged(order["out_trade_no"], order)
            yield order
        time.sleep(0.5)


def _refund(load: Load, order: dict[str, Any], amount: int) -> Callable[[], object]:
    return lambda: load.shop.refund(order, amount)


def _tolerant(load: Load, body: dict[str, Any], key: str) -> Callable[[], object]:
    def act() -> None:
        with contextlib.suppress(httpx.HTTPError):
            load.shop.asking(body, key=key)

    return act


def _asked(load: Load, body: dict[str, Any], key: str) -> dict[str, Any] | None:
    """Return the answer to a request, repeated until it has one; None when it is refused for good."""
    for _ in range(300):
        try:
            return dict(load.shop.asking(body, key=key).json())
        except Refused as refusal:
            if refusal.status < 500 and refusal.code != "idempotency_in_flight":
                return None
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    msg = "no answer"
    raise RuntimeError(msg)


def _code_of(act: Callable[[], object]) -> str:
    try:
        act()
    except Refused as refusal:
        return refusal.code
    return "ok"


def _refusal_seconds(load: Load) -> float:
    """Return how long a charge waits to be refused."""
    started = time.monotonic()
    with contextlib.suppress(Refused, httpx.HTTPError):
        load.shop.open(1)
    return time.monotonic() - started


def _answers(site: Site) -> bool:
    with contextlib.suppress(Exception):  # whatever it was, it did not answer
        site.sql("INSERT INTO bank_notice (bank, event, bank_ref, result) VALUES ('X', 'x', 'x', 'known')")
        site.sql("DELETE FROM bank_notice WHERE bank = 'X'")
        return True
    return False
