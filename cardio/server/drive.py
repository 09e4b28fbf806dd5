"""Driving one card session over a bridge's line: recognise, prove, read, and what the item asks for besides.

The scripts are those of `cardio.reading`; each yield is one round trip. What the card says is compared here: its
answer to our challenge by the key module, the rest by `cardio.server.judging`. The counter's PC passes bytes on.
"""

import asyncio
import contextlib
import logging
from typing import NamedTuple, TypeVar

from cardio import reading
from cardio.bridge.messages import Answers, Apdus, AskPin, Close, Failed, Open, Opened, PinEntered, Prompt
from cardio.commands.apdu import Response
from cardio.errors import BadAnswer, CardError, KeyMissing, KeyServiceDown, NotAuthentic, Refused
from cardio.keys.model import Answered, Asked, KeyModule, Proof, check
from cardio.reading import Holder, Recognised
from cardio.script import Script
from cardio.server import judging, sessions
from cardio.server.judging import Judged, Read
from cardio.server.links import Drive, Link, LinkLost, SessionFrame
from cardio.server.model import Policy, SessionState, Why, amr, asks_pin, strength
from cardio.server.sessions import Result, SessionRow
from cardio.server.writes import USAGE, Outcome, open_write, outcome, script
from ecard.catalogue.model import Catalogue, Item
from ecard.runtime import Runtime

T = TypeVar("T")
Frame = TypeVar("Frame", bound=SessionFrame)
ANSWER_SECONDS = 12
"""Seconds for a batch: a few commands of two seconds at most each."""
MODULE_SECONDS = 5
ATR_BYTES = 33
"""Bytes of the longest ATR (ISO/IEC 7816-3 §8.2.1)."""
_ASKS_PIN = frozenset({Policy.IDENTIFY_PIN, Policy.PAN, Policy.WRITE_A1_04, Policy.SETTLE_A2_52})
log = logging.getLogger("cardio.server")


class Ended(Exception):
    """The session ends; `why` is a reason of ours or a code of the bridge, `card` whose it is where that is known."""

    def __init__(self, why: str, *, card: int | None = None) -> None:
        super().__init__(why)
        self.why, self.card = why, card


class Bench(NamedTuple):
    """What sessions are judged with."""

    runtime: Runtime
    catalogue: Catalogue
    keys: KeyModule | None


class Talk:
    """One session over one line; counts the round trips."""

    def __init__(self, link: Link, row: SessionRow) -> None:
        self.link, self.row = link, row
        self.n = self.trips = 0

    async def hear(self, kind: type[Frame], seconds: float) -> Frame:
        """Return the next frame, which must be of this kind; raises Ended."""
        try:
            frame = await asyncio.wait_for(self.link.heard(self.row.id), seconds)
        except TimeoutError:
            raise Ended(Why.TIMED_OUT) from None
        if isinstance(frame, Failed):
            raise Ended(frame.code[:40])
        if not isinstance(frame, kind):
            raise Ended(Why.BAD_ANSWER)
        return frame

    async def run(self, script: Script[T]) -> T:
        """Return what a script makes of the card at the other end; raises CardError, Ended."""
        try:
            batch = next(script)
            while True:
                self.n, self.trips = self.n + 1, self.trips + 1
                commands = [one.encode().hex().upper() for one in batch.commands]
                await self.link.say(Apdus(self.row.id, self.n, commands, batch.stop_on_error))
                frame = await self.hear(Answers, ANSWER_SECONDS)
                batch = script.send(self._answers(frame, len(commands), stops=batch.stop_on_error))
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            script.close()

    def _answers(self, frame: Answers, asked: int, *, stops: bool) -> list[Response]:
        """Return the answers to batch `n`; one too many, one too few, or no hexadecimal digits are BadAnswer."""
        if frame.n != self.n or not 0 < len(frame.answers) <= asked:
            raise BadAnswer
        try:
            found = [Response.parse(bytes.fromhex(one)) for one in frame.answers]
        except ValueError:
            raise BadAnswer from None
        if len(found) < asked and not (stops and not found[-1].ok):
            raise BadAnswer
        return found

    async def pin(self, runtime: Runtime) -> None:
        """Have the holder enter the PIN at the counter until it is right; raises Ended when no try is left."""
        while True:
            self.n += 1
            if not await sessions.move(runtime.pool, self.row.id, SessionState.PIN):
                raise Ended(Why.TIMED_OUT)
            await self.link.say(AskPin(self.row.id, self.n))
            frame = await self.hear(PinEntered, 60)
            if frame.n != self.n:
                raise Ended(Why.BAD_ANSWER)
            if frame.verified:
                return
            if not frame.left:
                raise Ended(Why.PIN_LOCKED)
            await sessions.move(runtime.pool, self.row.id, SessionState.PIN, pin_left=min(frame.left, 15))


def driver(runtime: Runtime, catalogue: Catalogue, keys: KeyModule | None) -> Drive:
    """Return what drives the sessions of this process; `keys` None is a server without a key module."""
    bench = Bench(runtime, catalogue, keys)

    async def drive(link: Link, row: SessionRow) -> None:
        with link.session(row.id):
            try:
                await _drive(bench, Talk(link, row), catalogue.get(row.item))
            finally:
                with contextlib.suppress(LinkLost):
                    await asyncio.shield(link.say(Close(row.id)))

    return drive


async def _drive(bench: Bench, talk: Talk, item: Item) -> None:
    """Read, judge, and note the outcome; whatever happens, the session has an end."""
    runtime, row = bench.runtime, talk.row
    seconds = max(0.0, row.expires_at.timestamp() - runtime.clock.time())
    version, card, ended = None, None, Ended(Why.BAD_ANSWER)
    try:
        async with asyncio.timeout(seconds):
            read = await _read(bench, talk, item)
            version = read.seen.version
            judged = await judging.judge(runtime, read)
            card = judged.card
            await _finish(bench, talk, item, read, judged)
            return
    except (Ended, judging.Refusal) as error:
        ended, card = Ended(error.why), error.card or card
    except CardError as error:
        ended = Ended(error.code)
    except TimeoutError:
        ended = Ended(Why.TIMED_OUT)
    except LinkLost:
        ended = Ended(Why.BRIDGE_LOST)
    except Exception as error:  # noqa: BLE001 - the counter is told that it failed, whatever it was
        log.warning("a card session failed: %s", type(error).__name__)
    why = str(ended.why)
    await judging.note(runtime, row, why, card)
    await sessions.fail(runtime.pool, row.id, why, card=card, version=version, trips=talk.trips)


async def _read(bench: Bench, talk: Talk, item: Item) -> Read:
    """Return what the card says, and whether it is the one that it says it is."""
    row = talk.row
    prompt = Prompt(f"请插入社会保障卡：{item.title}"[:200], f"Insert the card. {item.purpose.en}"[:200])
    await talk.link.say(Open(row.id, row.policy.value, row.item, row.reader, prompt))
    opened = await talk.hear(Opened, 60)
    if not await sessions.move(bench.runtime.pool, row.id, SessionState.READING):
        raise Ended(Why.TIMED_OUT)
    try:
        atr = bytes.fromhex(opened.atr)
    except ValueError:
        raise Ended(Why.BAD_ANSWER) from None
    if len(atr) > ATR_BYTES:
        raise Ended(Why.BAD_ANSWER)
    seen = await talk.run(reading.recognise())
    try:
        answered = await _proven(bench.keys, talk, seen, atr)
    except NotAuthentic:
        known = await judging.known(bench.runtime, seen.card_id)
        raise Ended(Why.NOT_GENUINE, card=known.seq if known else None) from None
    holder = await _holder(talk, seen, answered)
    return Read(item, seen, holder, atr, authentic=answered is not None)


async def _written(bench: Bench, talk: Talk, read: Read, judged: Judged) -> Outcome:
    """Write what the item puts on the card, which has proven itself; raises KeyMissing for one that has not."""
    runtime, row, seen = bench.runtime, talk.row, read.seen
    if bench.keys is None or not read.authentic or row.to_write is None:
        raise KeyMissing
    random = await talk.run(reading.challenges())
    asked = Asked(seen.card_id, read.atr, seen.algorithm, external=random, usage=USAGE[row.policy])
    answered = await _asked(bench.keys, asked)
    values = open_write(runtime, row.to_write)
    # Before the first byte: a write that is cut off, or undone, must not be one that nobody knows of.
    await judging.note_written(runtime, row, judged.card, sorted(values), "begun")
    done = outcome(await talk.run(script(row.policy, seen, values, answered.external or b"")))
    await judging.note_written(runtime, row, judged.card, sorted(values), "ok", done.mended)
    return done


async def _proven(keys: KeyModule | None, talk: Talk, seen: Recognised, atr: bytes) -> Answered | None:
    """Return the key module's answers for a card that answered as it says, None where it has no key for such cards.

    Raises NotAuthentic: the card answered otherwise, or would not answer what it should be able to.
    """
    if keys is None:
        return None
    proof: Proof | None = None
    with contextlib.suppress(Refused, BadAnswer):
        proof = await talk.run(reading.prove(seen, talk.row.challenge))
    asked = Asked(seen.card_id, atr, seen.algorithm, talk.row.challenge, proof.random if proof else None)
    try:
        answered = await _asked(keys, asked)
    except KeyMissing:
        return None
    if proof is None:
        raise NotAuthentic
    check(proof, answered)
    return answered


async def _asked(keys: KeyModule, asked: Asked) -> Answered:
    """Return the key module's answer, waited for in a thread; raises KeyMissing, KeyServiceDown."""
    try:
        async with asyncio.timeout(MODULE_SECONDS):
            return await asyncio.to_thread(keys.answer, asked)
    except TimeoutError:
        raise KeyServiceDown from None


async def _holder(talk: Talk, seen: Recognised, answered: Answered | None) -> Holder | None:
    """Return what EF06 says; None for a card that opens it to a key alone, which nobody here has."""
    if answered is None and seen.profile.holder_needs_key:
        return None
    return await talk.run(reading.holder(seen, answered.external if answered else None))


async def _finish(bench: Bench, talk: Talk, item: Item, read: Read, judged: Judged) -> None:
    """Ask for what the item wants besides: the PIN, the bank account. Then the session is proven, or read."""
    runtime, row = bench.runtime, talk.row
    pin = read.authentic and asks_pin(item) and row.policy in _ASKS_PIN
    if pin:
        await talk.pin(runtime)
    account = row.policy is Policy.PAN
    if account:
        judging.check_account(judged, await talk.run(reading.pan()))
    done = await _written(bench, talk, read, judged) if row.to_write is not None else Outcome()
    result = Result(
        state=SessionState.PROVEN if read.authentic else SessionState.READ,
        card=judged.card,
        strength=strength(authentic=read.authentic, pin=pin),
        amr=amr(authentic=read.authentic, pin=pin, account=account),
        version=read.seen.version,
        trips=talk.trips,
        written=done.written,
        mended=done.mended,
    )
    if not await sessions.finish(runtime.pool, row.id, result):
        raise Ended(Why.TIMED_OUT)
