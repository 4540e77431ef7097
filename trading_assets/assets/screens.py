"""Assets of the screens: who passes each screen in each session, and who came and went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import dagster as dg
import polars as pl

from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.assets.market_data import write_metadata
from trading_assets.assets.metadata import combined_version, frame_metadata
from trading_assets.assets.outcome import Outcome
from trading_assets.assets.session_asset import session_asset
from trading_assets.market_data.findings import BEFORE_ORDERS
from trading_assets.missing_work import unbroken
from trading_assets.screener.presets import SCREENS
from trading_assets.screens.saved import SavedScreens
from trading_assets.screens.session_results import ScreenRun, screen_runs
from trading_assets.tables.screens import SCREENER_EVENTS, SCREENER_RESULTS
from trading_assets.tables.table import Table


@session_asset(
    group="research",
    kinds={"polars", "parquet"},
    table=SCREENER_RESULTS,
    deps=["daily_features", "universe"],
    catches_up=True,
    unless_blocked=BEFORE_ORDERS,
)
def screener_results(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """The shipped and the saved screens, evaluated each session; `event` says which symbols are new since the one before.

    The session before is the last one that has features. A screen that was saved since begins with all its members entered;
    one that was changed since is compared with what it would have had then, whether it had members or not, so that a
    change of the screen never looks like one of the market.
    """
    lacking: dict[str, int] = {}

    def rows_of(run: ScreenRun) -> pl.DataFrame:
        lacking[run.screen.name] = run.undecided(sessions[-1])
        return run.results()

    rows, outcome = _written(platform, SCREENER_RESULTS, sessions, rows_of)
    last = rows.filter(pl.col("session") == sessions[-1])
    members = {f"members_{name}": last.filter(pl.col("screen") == name).height for name in lacking}
    told = {**members, "symbols_that_lack_data": dg.MetadataValue.json(lacking)}
    return replace(outcome, metadata={**outcome.metadata, **told})


@session_asset(
    group="research",
    kinds={"polars", "parquet"},
    table=SCREENER_EVENTS,
    deps=["screener_results", "daily_features", "universe"],
    catches_up=True,
    unless_blocked=BEFORE_ORDERS,
)
def screener_events(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """What entered and what left each screen, with the condition that no longer holds; compared as in `screener_results`.

    A screen that is removed leaves no exits.
    """
    rows, outcome = _written(platform, SCREENER_EVENTS, sessions, ScreenRun.events)
    last = (
        rows.filter(pl.col("session") == sessions[-1])
        .group_by("event", "screen")
        .len()
        .sort("event", "screen")
    )
    told = {f"{event}_{screen}": count for event, screen, count in last.iter_rows()}
    return replace(outcome, metadata={**outcome.metadata, **told})


def _written(
    platform: Platform, table: Table, sessions: list[date], rows_of: Callable[[ScreenRun], pl.DataFrame]
) -> tuple[pl.DataFrame, Outcome]:
    store = SavedScreens(platform.database)
    saved = store.all()
    screens = [*SCREENS.values(), *(item.screen for item in saved if item.screen)]
    parts = unbroken(calendar.sessions_between(sessions[0], sessions[-1]), sessions)
    found = [
        rows_of(run) for part in parts for run in screen_runs(platform.lake, screens, part, store.version_at)
    ]
    rows = pl.concat([pl.DataFrame(schema=table.schema), *found])
    report = platform.lake.write_sessions(table, rows, sessions, known_at=platform.clock.now())
    unreadable = {item.name: item.problem for item in saved if item.problem}
    metadata = {
        **frame_metadata(rows),
        **write_metadata(report),
        **({"unreadable_screens": dg.MetadataValue.json(unreadable)} if unreadable else {}),
    }
    return rows, Outcome(rows.height, combined_version(report.hashes), metadata)
