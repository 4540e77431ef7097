"""Which sessions the run of the newest session answers for: those that were missed, those looked back on, and its own."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from trading_assets.sessions import next_session, sessions_between, shift

CATCH_UP_SESSIONS = 60


def session_window(session: date, done: Collection[date], *, look_back: int) -> list[date]:
    """Return the sessions to do, oldest first; the last one is ``session``.

    Parameters
    ----------
    session
        Newest session.
    done
        Sessions that are done already, in any order.
    look_back
        Sessions before the newest that are done once more, for late corrections.

    Returns
    -------
    list of date
        An unbroken range: from the first session after the newest one done, at most `CATCH_UP_SESSIONS` ago, and from
        the oldest one done within the look-back. What was never begun is not missed: without anything done
        lately it is ``session`` alone.

    Examples
    --------
    >>> from datetime import date
    >>> done = [date(2024, 4, 29), date(2024, 4, 30)]
    >>> [day.day for day in session_window(date(2024, 5, 3), done, look_back=0)]
    [1, 2, 3]
    >>> [day.day for day in session_window(date(2024, 5, 3), done, look_back=3)]
    [30, 1, 2, 3]
    """
    oldest = shift(session, -CATCH_UP_SESSIONS)
    known = sorted(day for day in done if oldest <= day < session)
    if not known:
        return [session]
    first = next_session(known[-1])
    looked_back = [day for day in known if day >= shift(session, -look_back)]
    return sessions_between(min([first, *looked_back]), session)
