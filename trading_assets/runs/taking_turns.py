"""Runs that take turns: of two runs of one session, the second waits for the first and says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

from resources.platform import Platform


@contextmanager
def one_at_a_time(platform: Platform, session: date, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the run of a session; who has to wait for it says which process it waits for, and since when that is at it."""
    name, database = f"run of session {session}", platform.database
    with database.try_advisory_lock(name) as is_free:
        if is_free:
            yield
            return
    holder = database.lock_holder(name)
    if holder is not None:
        who = f"process {holder.process}" if holder.process else "another process"
        since = holder.since.astimezone(platform.settings.zone)
        say(f"Session {session} is being run by {who} since {since:%H:%M:%S %Z}: waiting for its end")
    with database.advisory_lock(name):
        yield
