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
        the first of the look-back, but not before all that is done. What was never begun is not missed: without
        anything done lately it is ``session`` alone.

    Examples
    --------
    >>> from datetime import date
    >>> done = [date(2024, 4, 29), date(2024, 4, 30)]
    >>> [day.day for day in session_window(date(2024, 5, 3), done, look_back=0)]
    [1, 2, 3]
    >>> [day.day for day in session_window(date(2024, 5, 3), done, look_back=3)]
    [30, 1, 2, 3]
    """
    known = _lately(session, done)
    if not known:
        return [session]
    looked_back = max(shift(session, -look_back), known[0])
    return sessions_between(min(next_session(known[-1]), looked_back), session)


def skipped_sessions(session: date, done: Collection[date], *, look_back: int) -> list[date]:
    """Return the sessions of the look-back that are not done although earlier and later ones are, oldest first.

    Parameters are those of `session_window`.

    Examples
    --------
    >>> from datetime import date
    >>> done = [date(2024, 4, 29), date(2024, 4, 30), date(2024, 5, 2)]
    >>> [day.day for day in skipped_sessions(date(2024, 5, 3), done, look_back=3)]
    [1]
    """
    known = _lately(session, done)
    if not known:
        return []
    first = max(shift(session, -look_back), known[0])
    return [day for day in sessions_between(first, session) if day < known[-1] and day not in known]


def _lately(session: date, done: Collection[date]) -> list[date]:
    oldest = shift(session, -CATCH_UP_SESSIONS)
    return sorted(day for day in done if oldest <= day < session)
