"""Logins in the database: every step from one state to the next is one guarded statement."""

from uuid import UUID

import msgspec

from auth.logins.model import QR_RENEW_SECONDS, QR_SECONDS, Channel, State
from auth.requests.model import Asked
from ecard.db import Db, Row, Tx

# Who confirmed in the last second is still answered: whoever waits for it has a minute to come.
_STATE = """
    CASE WHEN l.state IN ('pending', 'scanned') AND l.ends_at <= clock_timestamp()
           OR l.state = 'confirmed' AND l.redeemed_at IS NULL AND l.ends_at <= clock_timestamp() - interval '1 minute'
         THEN 'expired' ELSE l.state END
"""
_COLUMNS = f"""
    l.id, l.client, l.channel, l.request, l.terminal, l.jkt, l.address, l.browser, l.number, {_STATE} AS state,
    l.card, l.device, l.why, l.remember, l.consent_grant, l.refused_scans, l.qr_n, l.interval_s,
    greatest(0, ceil(extract(epoch FROM l.ends_at - clock_timestamp())))::int AS expires_in,
    coalesce(greatest(0, {QR_SECONDS} - floor(extract(epoch FROM clock_timestamp() - l.qr_at))), 0)::int
        AS qr_expires_in
"""
_OPEN = """
    INSERT INTO login (id, client, channel, request, poll, user_code, terminal, jkt, address, browser, number, card,
                       ends_at, interval_s)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp() + make_interval(secs => $13), $14)
"""
# One statement, so that a code that is shown can be scanned; of many that ask at once one makes it.
_RENEW_QR = f"""
    WITH renewed AS (
        UPDATE login SET qr_n = $2, qr_at = clock_timestamp()
        WHERE id = $1 AND qr_n = $2 - 1 AND state = 'pending' AND ends_at > clock_timestamp()
          AND (qr_at IS NULL OR qr_at < clock_timestamp() - interval '{QR_RENEW_SECONDS} seconds')
        RETURNING id, ends_at
    )
    INSERT INTO login_qr (handle, login, expires_at)
    SELECT $3, id, least(ends_at, clock_timestamp() + interval '{QR_SECONDS} seconds') FROM renewed
"""  # noqa: S608 - a constant of our own
_FIND = f"SELECT {_COLUMNS} FROM login l WHERE l.id = $1"  # noqa: S608 - names of columns
_BY_POLL = f"SELECT {_COLUMNS} FROM login l WHERE l.id = $1 AND l.poll = $2"  # noqa: S608 - names of columns
_BY_QR = "SELECT login FROM login_qr WHERE handle = $1 AND expires_at > clock_timestamp()"
_BY_USER_CODE = "SELECT id FROM login WHERE user_code = $1 AND ends_at > clock_timestamp()"
_SCAN = """
    UPDATE login SET state = 'scanned', card = $2, device = $3, scanned_at = clock_timestamp()
    WHERE id = $1 AND state = 'pending' AND channel <> 'ciba' AND ends_at > clock_timestamp() RETURNING id
"""
_REFUSE_SCAN = """
    UPDATE login SET refused_scans = refused_scans + 1 WHERE id = $1 AND state IN ('pending', 'scanned', 'confirmed')
"""
_WAITING = f"""
    SELECT {_COLUMNS} FROM login l WHERE l.card = $1 AND l.channel = 'ciba' AND l.state = 'pending'
    AND l.ends_at > clock_timestamp() ORDER BY l.created_at
"""  # noqa: S608 - names of columns
# Whose it is to decide: the phone that scanned it, or for a message to a known holder any phone of the card.
_DECIDE = """
    UPDATE login SET state = $4, decided_at = clock_timestamp(), device = $2, card = $3, why = $5, remember = $6
    WHERE id = $1 AND ends_at > clock_timestamp()
      AND ((state = 'scanned' AND device = $2) OR (state = 'pending' AND channel = 'ciba' AND card = $3))
    RETURNING id
"""
_CANCEL = """
    UPDATE login SET state = 'declined', decided_at = clock_timestamp(), why = 'cancelled'
    WHERE id = $1 AND poll = $2 AND state IN ('pending', 'scanned') RETURNING id
"""
_AGAIN = """
    UPDATE login SET why = 'again', state = 'expired'
    WHERE id = $1 AND poll = $2 AND why IS NULL AND state IN ('pending', 'scanned', 'expired')
      AND ends_at BETWEEN clock_timestamp() - interval '15 minutes' AND clock_timestamp() RETURNING id
"""
_GRANTED = "UPDATE login SET consent_grant = $2 WHERE id = $1"
_REDEEM = """
    UPDATE login SET redeemed_at = clock_timestamp()
    WHERE id = $1 AND poll = $2 AND state = 'confirmed' AND redeemed_at IS NULL
      AND ends_at > clock_timestamp() - interval '1 minute' RETURNING consent_grant
"""
# A poll that comes too early moves the interval and nothing else: were the time of the last poll moved
# too, a client that polls a little fast would never be answered again.
_POLL = f"""
    WITH asked AS (
        SELECT id AS i, redeemed_at IS NOT NULL AS redeemed_before, polled_at IS NOT NULL
               AND clock_timestamp() < polled_at + make_interval(secs => interval_s - 0.5) AS early
        FROM login WHERE poll = $1 AND client = $2 AND channel = $3 AND (jkt IS NULL OR jkt = $4) FOR UPDATE
    )
    UPDATE login l SET
        interval_s = CASE WHEN early THEN least(interval_s + 5, 60) ELSE interval_s END,
        polled_at = CASE WHEN early THEN polled_at ELSE clock_timestamp() END,
        redeemed_at = CASE WHEN NOT early AND state = 'confirmed' AND redeemed_at IS NULL
                           AND ends_at > clock_timestamp() - interval '1 minute'
                      THEN clock_timestamp() ELSE redeemed_at END
    FROM asked WHERE l.id = asked.i
    RETURNING {_COLUMNS}, asked.early, asked.redeemed_before
"""  # noqa: S608 - names of columns
_FORGET = [
    "DELETE FROM login WHERE ends_at < now() - interval '1 day'",
    "DELETE FROM browser_session WHERE expires_at < now() - interval '1 day'",
]


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A login as it stands; `state` is expired when its time is over, whatever was written."""

    id: UUID
    client: UUID
    channel: Channel
    asked: Asked
    terminal: UUID | None
    jkt: str | None
    address: str
    browser: str
    number: int
    state: State
    card: int | None
    device: UUID | None
    why: str | None
    remember: bool
    consent_grant: UUID | None
    refused_scans: int
    qr_n: int
    interval_s: int
    expires_in: int
    qr_expires_in: int


class Polled(msgspec.Struct, frozen=True, kw_only=True):
    """A device's poll: the login, whether it came too early, and whether an earlier poll was answered."""

    login: Login
    early: bool
    redeemed_before: bool


def _login(row: Row) -> Login:
    named = {name: row[name] for name in Login.__struct_fields__ if name not in {"asked", "channel", "state"}}
    return Login(
        **named,
        channel=Channel(row["channel"]),
        state=State(row["state"]),
        asked=msgspec.convert(row["request"], Asked),
    )


async def open_login(tx: Tx, *columns: object) -> None:
    """Add a login: the columns of `_OPEN`, its life in seconds and its interval last."""
    await tx.execute(_OPEN, *columns)


async def renew_qr(db: Db, login: UUID, number: int, handle: bytes) -> None:
    """Make the QR `number` the one to scan, for its seconds, if the one before is old and it is the next."""
    await db.execute(_RENEW_QR, login, number, handle)


async def find(db: Db, login: UUID) -> Login | None:
    """Return a login."""
    row = await db.fetchrow(_FIND, login)
    return None if row is None else _login(row)


async def by_poll(db: Db, login: UUID, poll: bytes) -> Login | None:
    """Return a login to whoever has its poll secret."""
    row = await db.fetchrow(_BY_POLL, login, poll)
    return None if row is None else _login(row)


async def by_qr(db: Db, handle: bytes) -> UUID | None:
    """Return the login whose living QR this is."""
    login: UUID | None = await db.fetchval(_BY_QR, handle)
    return login


async def by_user_code(db: Db, user_code: str) -> UUID | None:
    """Return the login of a typed code."""
    login: UUID | None = await db.fetchval(_BY_USER_CODE, user_code)
    return login


async def scan(db: Db, login: UUID, card: int, device: UUID) -> bool:
    """Lock a pending login to the phone that scans it; return False when another was first or it is over."""
    return await db.fetchval(_SCAN, login, card, device) is not None


async def refuse_scan(db: Db, login: UUID) -> None:
    """Count a second scanner, so that the page can say so."""
    await db.execute(_REFUSE_SCAN, login)


async def waiting(db: Db, card: int) -> list[Login]:
    """Return the messages that wait for a holder's confirmation."""
    return [_login(row) for row in await db.fetch(_WAITING, card)]


async def decide(
    db: Db, login: UUID, device: UUID, card: int, state: State, *, why: str | None = None, remember: bool = False
) -> bool:
    """Decide a login by the phone that may; return False when it may not any more."""
    return await db.fetchval(_DECIDE, login, device, card, state.value, why, remember) is not None


async def cancel(db: Db, login: UUID, poll: bytes) -> bool:
    """Decline a login from its own page."""
    return await db.fetchval(_CANCEL, login, poll) is not None


async def begun_again(db: Db, login: UUID, poll: bytes) -> bool:
    """Note that an expired login is begun anew; return False for any other, a second time, and after 15 minutes."""
    return await db.fetchval(_AGAIN, login, poll) is not None


async def granted(tx: Tx, login: UUID, grant: UUID) -> None:
    """Note what a confirmation gave."""
    await tx.execute(_GRANTED, login, grant)


async def redeem(db: Db, login: UUID, poll: bytes) -> UUID | None:
    """Use a confirmed login up, once; return its grant."""
    grant: UUID | None = await db.fetchval(_REDEEM, login, poll)
    return grant


async def poll(db: Db, secret: bytes, client: UUID, channel: Channel, jkt: str | None) -> Polled | None:
    """Take a device's poll, and use a confirmed login up if it is the first; None when there is no such login."""
    row = await db.fetchrow(_POLL, secret, client, channel.value, jkt)
    if row is None:
        return None
    return Polled(login=_login(row), early=row["early"], redeemed_before=row["redeemed_before"])


async def forget(db: Db) -> None:
    """Drop logins and browsers' sessions of more than a day ago; grants and visits stay."""
    for sql in _FORGET:
        await db.execute(sql)
