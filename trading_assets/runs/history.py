"""Runs over a range of history, through Dagster in this process: what is missing, in as few runs as possible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import dagster as dg

from resources.dagster_home import dagster_instance
from resources.lake.lake import Lake
from resources.platform import Platform
from resources.vendors.registry import require_keys
from trading_assets import sessions as calendar
from trading_assets.assets.analytics import refresh_catalog
from trading_assets.assets.partitions import RANGE_END_TAG, RANGE_START_TAG
from trading_assets.errors import ConfigurationError
from trading_assets.market_data.usable_sessions import usable_parts
from trading_assets.missing_work import missing_work
from trading_assets.runs.in_process import execute_job, quiet_dagster
from trading_assets.runs.refusals import require_over, wanted_sessions
from trading_assets.settings import Settings
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.registry import TABLES

YEAR = 252
"""Sessions that the longest of the features looks back."""
SESSIONS_PER_RUN = 504


def backfill(
    platform: Platform,
    start: date,
    end: date,
    assets: Sequence[str] | None = None,
    *,
    again: bool = False,
) -> list[date]:
    """Materialise what is missing of ``assets`` between two days, in as few runs as possible; return the sessions done.

    Without ``assets``: all of the history, up to screens and signals.

    Exactly what is missing is done: sessions that an asset lacks, or that something before it in the graph lacked.
    Interrupted, the next call goes on with what is left, inside a vendor's long range after the last part that was
    stored. A failed blocking check interrupts it too; the next call goes on without features and signals of the
    sessions that failed, which stay missing until they are mended or accepted. With ``again``, all of the range counts as missing: late corrections of any age are taken over.
    """
    wanted = wanted_sessions(platform.settings, start, end)
    require_over(platform, wanted[-1])
    require_keys(platform.settings)
    done: set[date] = set()
    with quiet_dagster(platform.settings), dagster_instance(platform.settings, platform.postgres) as instance:
        for first in range(0, len(wanted), SESSIONS_PER_RUN):
            chunk = wanted[first : first + SESSIONS_PER_RUN]
            for selection, missing in _missing_work(platform, instance, assets, chunk, again=again):
                for part in usable_parts(platform.database, selection, missing):
                    execute_job(
                        "history_job",
                        platform,
                        instance,
                        asset_selection=[dg.AssetKey(name) for name in selection],
                        tags={RANGE_START_TAG: part[0].isoformat(), RANGE_END_TAG: part[-1].isoformat()},
                    )
                    done.update(part)
    if done:
        compact_closed_years(platform.lake, platform.clock.now().year)
        refresh_catalog(platform)
    return sorted(done)


def missing_history(platform: Platform, session: date) -> list[date]:
    """List the sessions that the history before ``session`` lacks, if it is too short to decide anything.

    It is the last year's, or what the settings want of it. Some may lack: sessions whose checks failed have no features.
    """
    settings = platform.settings
    if settings.sim_replay:  # a recorded market begins where it begins
        return []
    first = max(settings.start, calendar.shift(session, -settings.history_sessions))
    wanted = calendar.sessions_between(first, calendar.shift(session, -1))
    there = platform.lake.row_counts(DAILY_FEATURES, wanted[0], wanted[-1]) if wanted else {}
    newest = wanted[-YEAR:]
    is_enough = is_long_enough(sum(day in there for day in newest), len(newest))
    return [] if is_enough else [day for day in wanted if day not in there]


def is_long_enough(there: int, wanted: int = YEAR) -> bool:
    """Say whether so many sessions with features are a history to decide on: nine tenths of those wanted."""
    return there >= 0.9 * wanted


def history_minutes(settings: Settings, sessions: int) -> float:
    """Return about how long so many sessions take at the vendor's pace: Polygon is asked once a session; 0 where it has none."""
    per_minute = (
        settings.per_minute("polygon") if settings.mode != "sim" and "polygon" in settings.sources else 0
    )
    return sessions / per_minute if per_minute else 0.0


def compact_closed_years(lake: Lake, present: int) -> int:
    """Merge the month files of years before the present one into one file each; return the bytes written."""
    written = 0
    for table in TABLES.values():
        for year in {day.year for day in lake.sessions(table) if day.year < present}:
            written += lake.compact_year(table, year)
    return written


def _missing_work(
    platform: Platform,
    instance: dg.DagsterInstance,
    assets: Sequence[str] | None,
    chunk: Sequence[date],
    *,
    again: bool = False,
) -> Iterator[tuple[list[str], list[date]]]:
    from trading_assets.definitions import build_definitions, history_assets

    history = history_assets(platform.settings)
    others = [name for name in assets or () if name not in history]
    if others:
        raise ConfigurationError(
            f"No asset named {', '.join(others)} can be backfilled; there are {', '.join(history)}"
        )
    graph = build_definitions(platform.settings).resolve_asset_graph()
    done = {
        name: []
        if again
        else [date.fromisoformat(day) for day in instance.get_materialized_partitions(dg.AssetKey(name))]
        for name in history
        if assets is None or name in assets
    }
    parents = {
        name: [key.to_user_string() for key in graph.get(dg.AssetKey(name)).parent_keys] for name in done
    }
    yield from missing_work(chunk, done, parents)
