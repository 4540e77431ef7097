"""Missing work: which sessions the run of the newest one answers for, and which runs make a range of history complete."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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


def missing_work(
    sessions: Sequence[date],
    done: Mapping[str, Collection[date]],
    parents: Mapping[str, Collection[str]],
) -> Iterator[tuple[list[str], list[date]]]:
    """Yield the runs that make a range complete, in the order in which they must be run.

    A session is missing of an asset if it was not done, or if it is missing of one that the asset is made from.
    Assets that lack the same sessions share a run.

    Parameters
    ----------
    sessions
        All sessions of the range, ascending.
    done
        By asset, the sessions that are done; assets come after those that they are made from.
    parents
        By asset, what it is made from; names that are not in ``done`` play no part.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2024, 5, day) for day in (1, 2, 3)]
    >>> done = {"bars": days[:2], "features": days[:1]}
    >>> [(names, len(part)) for names, part in missing_work(days, done, {"features": ["bars"]})]
    [(['bars'], 1), (['features'], 2)]
    """
    missing: dict[str, frozenset[date]] = {}
    for name, there in done.items():
        above = (missing[parent] for parent in parents.get(name, ()) if parent in missing)
        missing[name] = frozenset(sessions).difference(there).union(*above)
    together: dict[frozenset[date], list[str]] = {}
    for name, lacks in missing.items():
        if lacks:
            together.setdefault(lacks, []).append(name)
    # what an asset is made from never lacks more than the asset itself, so fewer comes first
    for lacks, names in sorted(together.items(), key=lambda item: len(item[0])):
        for part in unbroken(sessions, lacks):
            yield names, part


def unbroken(sessions: Sequence[date], wanted: Collection[date]) -> Iterator[list[date]]:
    """Yield the ranges of ``sessions`` (ascending) that are wanted without a gap, oldest first."""
    part: list[date] = []
    for session in sessions:
        if session in wanted:
            part.append(session)
        elif part:
            yield part
            part = []
    if part:
        yield part
