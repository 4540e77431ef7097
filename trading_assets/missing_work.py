"""The plan of a backfill: which assets to run over which unbroken ranges of sessions, in as few runs as possible."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date


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
