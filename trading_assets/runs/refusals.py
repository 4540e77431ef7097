"""Refusals: what cannot be run, told before anything is started wherever only settings and calendar decide it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from resources.clock import SystemClock
from trading_assets import sessions as calendar
from trading_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from resources.platform import Platform
    from trading_assets.settings import Settings


def require_session(settings: Settings, session: date) -> None:
    """Refuse a day that is no exchange session, or lies before the first one of these settings.

    Raises
    ------
    ConfigurationError
        Says which session would do.
    """
    if session < settings.start:
        raise ConfigurationError(f"{session} lies before TRADING_START={settings.start}")
    if session > calendar.last_session():
        _require_partition(settings, session)
    if not calendar.is_session(session):
        raise ConfigurationError(
            f"{session} is no exchange session; the next one is {calendar.next_session(session)}"
        )


def wanted_sessions(settings: Settings, start: date, end: date) -> list[date]:
    """Return the sessions between two days, both included, since the first one of these settings; never none.

    Raises
    ------
    ConfigurationError
        If there is none.
    """
    wanted = calendar.sessions_between(max(start, settings.start), end)
    if not wanted:
        raise ConfigurationError(f"There is no exchange session between {start} and {end}")
    return wanted


def require_over(platform: Platform, session: date) -> None:
    """Refuse a session whose bars are not final yet; a simulated clock is advanced to the instant when they are.

    Raises
    ------
    ConfigurationError
        Also if the day is no session, lies before the first partition or after the last one.
    """
    settings = platform.settings
    _require_partition(settings, session)
    require_session(settings, session)
    ready = calendar.session_close(session) + settings.data_delay
    if not platform.clock.advance_to(ready):
        raise _not_over(settings, session, ready)


def require_decidable(platform: Platform, session: date) -> None:
    """Refuse a session that the account cannot decide on; the account's books are opened at first contact.

    Raises
    ------
    ConfigurationError
        As `require_over` and `trading_account.open_account` do; and if the session was over before the account was opened:
        what it held and had then is not known, and its orders could not be sent any more.
    """
    from trading_assets.execution.booked import opening
    from trading_assets.execution.trading_account import account_of

    require_over(platform, session)
    account = account_of(platform).number
    _, opened = opening(platform.database, account)
    if session < opened:
        raise ConfigurationError(
            f"Session {session} was over before account {account} was opened (its first session is {opened}): nothing can be "
            f"decided for it. Its data, features and signals: trading-assets backfill --start {session} --end {session}"
        )


def require_runnable(settings: Settings, session: date | None) -> None:
    """Refuse what could not be run however the services were: tells it in a fraction of a second, with none started.

    Parameters
    ----------
    settings
        Must have the keys of the configured vendors and of the broker, and name files without a mistake.
    session
        Must be over, unless the market is a simulated one, which has a time of its own; ``None`` is the newest one.

    Raises
    ------
    ConfigurationError
        Says what to set, or which session would do.
    """
    if session is not None:
        require_session(settings, session)
        ready = calendar.session_close(session) + settings.data_delay
        if settings.mode != "sim" and SystemClock().now() < ready:
            raise _not_over(settings, session, ready)
    from resources.vendors.registry import require_keys  # takes 0.5 s, more than all above
    from trading_assets.market_data.thresholds import load_thresholds
    from trading_assets.research.plan_in_force import load_plan

    load_thresholds(settings.quality)
    load_plan(settings.strategies)
    require_keys(settings)


def _require_partition(settings: Settings, session: date) -> None:
    from trading_assets.definitions import partitions_of  # takes two seconds with Dagster

    last = partitions_of(settings).get_last_partition_key() or ""
    if session.isoformat() > last:
        raise ConfigurationError(f"{session} lies too far ahead: the last session that can be run is {last}")


def _not_over(settings: Settings, session: date, ready: datetime) -> ConfigurationError:
    shown = ready.astimezone(settings.zone)
    return ConfigurationError(
        f"Session {session} is not over: its bars are final at {shown:%Y-%m-%d %H:%M %Z}"
    )
