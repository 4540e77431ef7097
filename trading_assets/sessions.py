"""Exchange sessions: XNYS days, opens, closes and hours. The only module that knows the calendar."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

NEW_YORK = ZoneInfo("America/New_York")
FIRST_SESSION = date(1998, 1, 2)


@lru_cache(maxsize=1)
def _minutes() -> NDArray[np.int64]:
    # Opens and closes of all sessions in minutes since 1970, two columns. Making the calendar takes 1.4 s with pandas, and
    # every command and service needs it: like byte code it is kept beside this module, for each version and month.
    month = datetime.now(UTC).strftime("%Y%m")  # noqa: TID251 (how far ahead the exchange's rules are known, no session's time)
    kept = Path(__file__).parent / "__pycache__" / f"sessions-{version('exchange-calendars')}-{month}.npy"
    with suppress(OSError, EOFError, ValueError):
        return np.asarray(np.load(kept), dtype=np.int64)
    import exchange_calendars  # takes a second with pandas, once a month

    known = exchange_calendars.get_calendar("XNYS", start=FIRST_SESSION.isoformat())
    columns = (times.dt.tz_convert(None).to_numpy() for times in (known.opens, known.closes))
    minutes = np.column_stack([times.astype("datetime64[m]").astype(np.int64) for times in columns])
    fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
    with suppress(OSError):  # installed where this user may not write: made anew each time
        kept.parent.mkdir(exist_ok=True)
        with fresh.open("wb") as file:
            np.save(file, minutes)
        fresh.replace(kept)
    return minutes


@lru_cache(maxsize=1)
def _sessions() -> tuple[NDArray[np.datetime64], tuple[date, ...]]:
    # XNYS opens in the morning of New York, which is the same date in UTC
    values = _minutes()[:, 0].astype("datetime64[m]").astype("datetime64[D]")
    return values, tuple(values.tolist())


def last_session() -> date:
    """Return the last session that the exchange's calendar knows, about a year ahead."""
    return _sessions()[1][-1]


def is_session(day: date) -> bool:
    """Say whether the exchange trades on ``day``."""
    values, _ = _sessions()
    position = int(np.searchsorted(values, np.datetime64(day)))
    return position < len(values) and values[position] == np.datetime64(day)


def sessions_between(start: date, end: date) -> list[date]:
    """List the sessions from ``start`` to ``end``, both included."""
    values, days = _sessions()
    first = int(np.searchsorted(values, np.datetime64(start)))
    last = int(np.searchsorted(values, np.datetime64(end), side="right"))
    return list(days[first:last])


def in_parts(sessions: Sequence[date], size: int) -> list[Sequence[date]]:
    """Cut a range into parts of ``size`` sessions at most, in order of time."""
    return [sessions[start : start + size] for start in range(0, len(sessions), size)]


def shift(session: date, by: int) -> date:
    """Return the session ``by`` sessions after (before, if negative) ``session``, at the most the calendar's first one."""
    values, days = _sessions()
    position = int(np.searchsorted(values, np.datetime64(session)))
    if position >= len(values) or values[position] != np.datetime64(session):
        raise ValueError(f"{session} is not an exchange session")
    return days[max(position + by, 0)]


def session_open(session: date) -> datetime:
    """Return the instant (UTC) at which the session opens."""
    return _hours()[session][0]


def session_close(session: date) -> datetime:
    """Return the instant (UTC) at which the session closes; early closes included."""
    return _hours()[session][1]


def latest_closed_session(now: datetime, *, delay: timedelta = timedelta(0)) -> date:
    """Return the newest session whose close lies at least ``delay`` before ``now``."""
    day = now.astimezone(NEW_YORK).date()
    candidate = sessions_between(day - timedelta(days=12), day)
    for session in reversed(candidate):
        if session_close(session) + delay <= now:
            return session
    raise ValueError(f"No session closed in the 12 days before {now.isoformat()}")


def whole_session(session: date) -> tuple[tuple[datetime, datetime], ...]:
    """Return start and end (UTC) of the session as its only period."""
    return (_hours()[session],)


@lru_cache(maxsize=1024)
def session_hours(session: date) -> tuple[tuple[datetime, datetime], ...]:
    """Return start and end (UTC) of each hour of the session: the clock hours of New York, clipped to it.

    The first one begins with the session (09:30 to 10:00), the last one ends with it: 16:00, or 13:00 on a half day.
    """
    opens, closes = session_open(session), session_close(session)
    # New York is whole hours away from UTC, so its full hours are those of UTC
    borders = [opens]
    while borders[-1] < closes:
        full = borders[-1].replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        borders.append(min(full, closes))
    return tuple(pairwise(borders))


def finished_hours(
    session: date, now: datetime, delay: timedelta = timedelta(0)
) -> tuple[tuple[datetime, datetime], ...]:
    """Return the hours of the session whose end lies at least ``delay`` before ``now``: their bars are final."""
    return tuple(hour for hour in session_hours(session) if hour[1] + delay <= now)


def current_session(now: datetime, *, delay: timedelta = timedelta(0)) -> date:
    """Return the newest session with a finished hour; it may be over."""
    day = now.astimezone(NEW_YORK).date()
    for session in reversed(sessions_between(day - timedelta(days=12), day)):
        if session_hours(session)[0][1] + delay <= now:
            return session
    raise ValueError(f"No hour of a session was finished in the 12 days before {now.isoformat()}")


def next_session(day: date) -> date:
    """Return the first session after ``day`` (which need not be a session)."""
    values, days = _sessions()
    return days[int(np.searchsorted(values, np.datetime64(day), side="right"))]


def first_opening_after(instant: datetime) -> date:
    """Return the first session that opens after ``instant``."""
    return _sessions()[1][bisect_right(_openings(), instant)]


def closures_between(start: date, end: date) -> list[date]:
    """List the weekdays from ``start`` to ``end`` on which the exchange is closed."""
    trading = set(sessions_between(start, end))
    days = (start + timedelta(days=offset) for offset in range((end - start).days + 1))
    return [day for day in days if day.weekday() < 5 and day not in trading]


@lru_cache(maxsize=1)
def _openings() -> tuple[datetime, ...]:
    return tuple(opens for opens, _ in _hours().values())


@lru_cache(maxsize=1)
def _hours() -> dict[date, tuple[datetime, datetime]]:
    hours = (
        (datetime.fromtimestamp(60 * opens, UTC), datetime.fromtimestamp(60 * closes, UTC))
        for opens, closes in _minutes().tolist()
    )
    return dict(zip(_sessions()[1], hours, strict=True))
