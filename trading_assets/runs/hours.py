"""Runs of the hours: what is finished and not there yet, in as few runs as possible, through Dagster in this process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import dagster as dg

from resources.dagster_home import dagster_instance
from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.assets.analytics import refresh_catalog
from trading_assets.assets.partitions import RANGE_END_TAG, RANGE_START_TAG
from trading_assets.definitions import data_assets, history_assets
from trading_assets.errors import ConfigurationError, DataQualityError
from trading_assets.market_data.progress import finished_until, unfinished_sessions
from trading_assets.missing_work import missing_work
from trading_assets.runs.history import backfill
from trading_assets.runs.in_process import execute_job, quiet_dagster
from trading_assets.settings import Settings
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import HOURLY_FEATURES
from trading_assets.tables.hourly import HOURLY, HOURLY_BARS, VENDOR_HOURLY_BARS

JOB = "hourly_job"


def hourly_assets(settings: Settings) -> tuple[str, ...]:
    """Name the assets of the hours, in the order in which they are made; none if no source has hours."""
    sources = settings.hourly_bar_sources
    vendors = tuple(VENDOR_HOURLY_BARS[source].name for source in sources)
    return (*vendors, HOURLY_BARS.name, HOURLY_FEATURES.name) if sources else ()


def newest_hours(platform: Platform) -> list[date]:
    """List the sessions whose hours are kept complete: those of the setting, up to the one that goes on.

    Without daily bars before a session there is nothing to choose its symbols by.
    """
    if not hourly_assets(platform.settings):
        return []
    newest = calendar.current_session(platform.clock.now(), delay=platform.settings.data_delay)
    first = calendar.shift(newest, 1 - platform.settings.hourly_history_sessions)
    ranked = platform.lake.row_counts(DAILY_BARS, calendar.shift(first, -1), calendar.shift(newest, -1))
    if not ranked:
        return []
    return calendar.sessions_between(
        max(first, platform.settings.start, calendar.shift(min(ranked), 1)), newest
    )


def missed_hours(platform: Platform, session: date) -> list[date]:
    """List a session and the kept ones before it that have come since the newest stored hours."""
    stored = [day for day in platform.lake.sessions(HOURLY_BARS) if day < session]
    since = [day for day in newest_hours(platform) if stored and stored[-1] < day < session]
    return [*since, session]


def complete_hours(
    platform: Platform,
    sessions: Sequence[date],
    assets: Sequence[str] | None = None,
    *,
    again: bool = False,
) -> list[date]:
    """Fetch the finished hours that are not there yet, and make their bars and features; return the sessions done.

    A session that goes on gets the hours finished so far. Sessions whose blocking checks fail get no features; the
    others do before the failure is reported. With ``again``, hours that are there are fetched again.

    Raises
    ------
    DataQualityError
        If a blocking check failed.
    """
    names = [name for name in hourly_assets(platform.settings) if assets is None or name in assets]
    now, delay = platform.clock.now(), platform.settings.data_delay
    begun = [session for session in sessions if session in finished_until(sessions, now, delay, grain=HOURLY)]
    gaps = {
        name: unfinished_sessions(platform.database, name, begun, now, delay, grain=HOURLY) for name in names
    }
    there = {
        name: [session for session in begun if not again and session not in lacks]
        for name, lacks in gaps.items()
    }
    above = {
        name: [HOURLY_BARS.name] if name == HOURLY_FEATURES.name else names[: names.index(name)]
        for name in names
        if name in {HOURLY_BARS.name, HOURLY_FEATURES.name}
    }
    done: set[date] = set()
    with quiet_dagster(platform.settings), dagster_instance(platform.settings, platform.postgres) as instance:
        for selection, part in missing_work(begun, there, above):
            _run(platform, instance, selection, part)
            done.update(part)
    if done:
        refresh_catalog(platform)
    return sorted(done)


def _run(
    platform: Platform, instance: dg.DagsterInstance, names: Sequence[str], sessions: Sequence[date]
) -> None:
    tags = {RANGE_START_TAG: sessions[0].isoformat(), RANGE_END_TAG: sessions[-1].isoformat()}
    try:
        execute_job(JOB, platform, instance, asset_selection=[dg.AssetKey(name) for name in names], tags=tags)
    except DataQualityError:
        if HOURLY_FEATURES.name in names and len(names) > 1 and len(sessions) > 1:
            execute_job(
                JOB, platform, instance, asset_selection=[dg.AssetKey(HOURLY_FEATURES.name)], tags=tags
            )
        raise


def require_assets(settings: Settings, names: Sequence[str]) -> None:
    """Refuse assets that cannot be backfilled.

    Raises
    ------
    ConfigurationError
        Names those that can.
    """
    possible = (*history_assets(settings), *hourly_assets(settings))
    strangers = [name for name in names if name not in possible]
    if strangers:
        raise ConfigurationError(
            f"No asset named {', '.join(strangers)} can be backfilled; there are {', '.join(possible)}"
        )


def backfill_with_hours(
    platform: Platform, start: date, end: date, assets: Sequence[str] = (), *, again: bool = False
) -> list[date]:
    """Backfill daily assets, then those of the hours among ``assets``; return the sessions done.

    Without ``assets``: all of the daily history. With ``again``, what is there already is fetched and made again, and
    without ``assets`` that is the data only: what was decided stays as it was decided.

    Raises
    ------
    ConfigurationError
        If an asset cannot be backfilled; names those that can.
    """
    require_assets(platform.settings, assets)
    history = history_assets(platform.settings)
    assets = assets or (data_assets(platform.settings) if again else history)
    hourly = [name for name in assets if name in hourly_assets(platform.settings)]
    daily = [name for name in assets if name not in hourly]
    done = set(backfill(platform, start, end, daily, again=again)) if daily else set()
    if hourly:
        done.update(
            complete_hours(
                platform,
                calendar.sessions_between(max(start, platform.settings.start), end),
                hourly,
                again=again,
            )
        )
    return sorted(done)
