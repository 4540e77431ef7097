"""Asset of the screens: one row per (screen, session, symbol) that passed."""

from __future__ import annotations

from datetime import date

import dagster as dg
import polars as pl

from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.history_plan import unbroken
from trading_assets.market_data.assets import write_metadata
from trading_assets.market_data.findings import BEFORE_ORDERS
from trading_assets.observability import combined_version, frame_metadata
from trading_assets.schemas import DAILY_FEATURES, SCREENER_RESULTS
from trading_assets.screener.compile import evaluate_sessions
from trading_assets.screener.presets import SCREENS
from trading_assets.session_asset import Outcome, session_asset


@session_asset(
    group="research",
    kinds={"polars", "parquet"},
    table=SCREENER_RESULTS,
    deps=["daily_features"],
    catches_up=True,
    unless_blocked=BEFORE_ORDERS,
)
def screener_results(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """The saved screens, evaluated each session; `event` says which symbols are new since the session before."""
    parts = unbroken(calendar.sessions_between(sessions[0], sessions[-1]), sessions)
    rows = pl.concat(_screened(platform, part) for part in parts)
    report = platform.lake.write_sessions(SCREENER_RESULTS, rows, sessions, known_at=platform.clock.now())
    last = rows.filter(pl.col("session") == sessions[-1])
    return Outcome(
        rows=rows.height,
        data_version=combined_version(report.hashes),
        metadata={
            **frame_metadata(rows),
            **write_metadata(report),
            **{f"members_{name}": last.filter(pl.col("screen") == name).height for name in SCREENS},
        },
    )


def _screened(platform: Platform, sessions: list[date]) -> pl.DataFrame:
    before = calendar.shift(sessions[0], -1)
    features = platform.lake.scan(DAILY_FEATURES, start=sessions[0], end=sessions[-1]).collect()
    previous = platform.lake.scan(
        SCREENER_RESULTS, start=before, end=before, columns=["screen", "symbol"]
    ).collect()
    members = {name: set(previous.filter(pl.col("screen") == name)["symbol"]) for name in SCREENS}
    return evaluate_sessions(SCREENS.values(), features, members)
