"""The first sessions of a new simulated market: the account trades the last month one by one, up to the present."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from resources.clock import SystemClock
from resources.database.database import Database
from resources.platform import Platform
from resources.services.simulator_admin import CATCHING_UP, SimulatorAdmin
from trading_assets import sessions as calendar
from trading_assets.settings import Settings

TRADED = "select max(session) from session_runs where outcome = 'succeeded'"


def begins_at(settings: Settings) -> datetime | None:
    """Return where the clock of a new simulated market begins: when the session before the first one to trade is final.

    None where nothing is traded before the present: outside ``sim`` mode, with a simulator that runs already, with a recorded
    market, which begins where it begins, and without TRADING_FIRST_SESSIONS.
    """
    if settings.mode != "sim" or settings.sim_url or settings.sim_replay or not settings.first_sessions:
        return None
    return ready_at(settings, calendar.shift(_first(settings), -1))


def is_behind(platform: Platform) -> bool:
    """Say whether the market's clock has not joined the present yet: not all of the first sessions are done."""
    if platform.settings.mode != "sim" or platform.settings.sim_url or not platform.simulator_url:
        return False
    return SimulatorAdmin(platform.simulator_url).health().clock == CATCHING_UP


def join_the_present(platform: Platform) -> None:
    """Let the market's clock go on from the present."""
    if platform.simulator_url:
        SimulatorAdmin(platform.simulator_url).join_the_present()


def sessions_to_run(platform: Platform) -> list[date]:
    """List the sessions that `up` runs, oldest first; never none, the newest one last.

    It is the newest one alone, unless the market's clock is behind: then also those of TRADING_FIRST_SESSIONS that come after
    the last one that a run completed.
    """
    if not is_behind(platform):
        return [platform.latest_session()]
    settings = platform.settings
    latest = _latest(settings)
    return left(calendar.sessions_between(_first(settings), latest), last_traded(platform.database))


def left(wanted: Sequence[date], traded: date | None) -> list[date]:
    """Return the sessions after the last one traded; of all that are, the last once more, which changes nothing.

    Examples
    --------
    >>> days = [date(2024, 5, 1), date(2024, 5, 2), date(2024, 5, 3)]
    >>> [day.day for day in left(days, date(2024, 5, 1))], [day.day for day in left(days, date(2024, 5, 3))]
    ([2, 3], [3])
    """
    return [day for day in wanted if traded is None or day > traded] or [wanted[-1]]


def last_traded(database: Database) -> date | None:
    """Return the newest session that a run completed."""
    newest: date | None = database.fetch(TRADED)[0][0]
    return newest


def ready_at(settings: Settings, session: date) -> datetime:
    """Return when the bars of a session are final."""
    return calendar.session_close(session) + settings.data_delay


def _latest(settings: Settings) -> date:
    present = settings.sim_at or SystemClock().now()
    return calendar.latest_closed_session(present, delay=settings.data_delay)


def _first(settings: Settings) -> date:
    latest = _latest(settings)
    month_ago = calendar.shift(latest, 1 - settings.first_sessions)
    return min(max(month_ago, calendar.next_session(settings.start)), latest)
