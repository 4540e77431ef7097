"""Market: bars, features, actions, signals and fills of one symbol, from the lake and Postgres, as known now or before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import polars as pl
import streamlit as st

from app.queries.installation import database_version, installation, lake_version, newest, read
from trading_assets.feature_store.adjusted_bars import Adjust, read_adjusted_bars
from trading_assets.features.build import BENCHMARK
from trading_assets.indicators.series import with_indicators
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.features import DAILY_FEATURES, HOURLY_FEATURES
from trading_assets.tables.hourly import HOURLY_BARS, QUARANTINED_HOURLY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS, UNIVERSE
from trading_assets.tables.table import Table

HISTORY = timedelta(days=6 * 366)  # five years to draw, one for the averages to warm up
HOURLY_HISTORY = timedelta(days=400)
PRICES = ("open", "high", "low", "close", "vwap")
Grain = Literal["Daily", "Hourly"]

_cached = st.cache_data(max_entries=64, show_spinner=False)


@dataclass(frozen=True)
class View:
    """How to look at a symbol: daily or hourly bars, adjusted for what, as known when (``None``: now)."""

    grain: Grain = "Daily"
    adjust: Adjust = "all"
    as_of: datetime | None = None


def symbols() -> pl.DataFrame:
    """Return ``symbol``, ``name``, ``sector``, ``exchange`` and ``asset_type`` as last listed, sorted by symbol."""
    return _symbols(lake_version(UNIVERSE), lake_version(DAILY_BARS))


def bars(symbol: str, view: View) -> pl.DataFrame:
    """Return one symbol's bars with indicators and the scales that they were multiplied by, oldest first.

    Every registered indicator is there, computed on the prices that are shown.
    """
    tables = (DAILY_BARS, CORPORATE_ACTIONS, *((HOURLY_BARS,) if view.grain == "Hourly" else ()))
    return _bars(symbol, view, "".join(map(lake_version, tables)))


def actions(symbol: str, as_of: datetime | None = None) -> pl.DataFrame:
    """Return the corporate actions of a symbol, newest first, with what each did to the prices shown."""
    version = lake_version(CORPORATE_ACTIONS) + lake_version(DAILY_BARS)
    return _actions(symbol, as_of, version)


def quarantined(symbol: str, view: View) -> pl.DataFrame:
    """Return the bars of a symbol that a row check refused, newest first."""
    table = QUARANTINED_BARS if view.grain == "Daily" else QUARANTINED_HOURLY_BARS
    rows = _rows(table, symbol, view.as_of, lake_version(table))
    return rows.sort([table.key[1], "source"], descending=[True, False])


def features(symbol: str, grain: Grain = "Daily") -> pl.DataFrame:
    """Return the symbol's newest feature row, at most one."""
    table = DAILY_FEATURES if grain == "Daily" else HOURLY_FEATURES
    return _features(table, symbol, lake_version(table))


def signals(symbol: str, limit: int = 250) -> pl.DataFrame:
    """Return the newest signals for a symbol."""
    return _signals(symbol, limit, database_version())


def symbol_fills(symbol: str, account: str | None) -> pl.DataFrame:
    """Return our fills in a symbol, newest first; ``session`` is the day of the trade."""
    return _symbol_fills(symbol, account or "", database_version())


def sectors(session: date) -> pl.DataFrame:
    """Return ``symbol``, ``name`` and ``sector`` as listed at a session."""
    return _sectors(session, lake_version(UNIVERSE))


@_cached
def _symbols(universe_version: str, bars_version: str) -> pl.DataFrame:
    lake = installation().lake
    listed = newest(UNIVERSE, universe_version)
    columns = ("symbol", "name", "sector", "exchange", "asset_type")
    last = newest(DAILY_BARS, bars_version)
    if last is None or listed is None:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    year = last - timedelta(days=370)
    names = lake.scan(UNIVERSE, start=year, columns=(*columns, "session"))
    traded = lake.scan(DAILY_BARS, start=year, columns=("symbol",)).unique()
    newest_names = names.group_by("symbol").agg(pl.col(columns[1:]).sort_by("session").last())
    return traded.join(newest_names, on="symbol", how="left").sort("symbol").collect()


@_cached
def _bars(symbol: str, view: View, version: str) -> pl.DataFrame:
    bars = _scaled(symbol, view)
    if bars.is_empty():
        return bars
    at = "session" if view.grain == "Daily" else "bar_start"
    benchmark = bars if symbol == BENCHMARK else _scaled(BENCHMARK, view)
    return with_indicators(bars, _beside(bars, benchmark, at), hourly=view.grain == "Hourly")


def _scaled(symbol: str, view: View) -> pl.DataFrame:
    lake = installation().lake
    last = newest(DAILY_BARS, lake_version(DAILY_BARS))
    table = DAILY_BARS if view.grain == "Daily" else HOURLY_BARS
    if last is None:
        return pl.DataFrame(schema=table.schema)
    start = last - (HISTORY if view.grain == "Daily" else HOURLY_HISTORY)
    daily = read_adjusted_bars(lake, [symbol], start=start, adjust=view.adjust, as_of=view.as_of).bars
    if view.grain == "Daily":
        return daily
    hours = (
        lake.scan(HOURLY_BARS, start=start, symbols=[symbol], as_of=view.as_of).sort("bar_start").collect()
    )
    # the hours of a session have its scale; those of one without a daily bar yet are in today's
    scaled = hours.join(
        daily.select("session", "price_scale", "share_scale"), on="session", how="left", maintain_order="left"
    ).with_columns(pl.col("price_scale", "share_scale").fill_null(1.0))
    return scaled.with_columns(
        pl.col(PRICES) * pl.col("price_scale"), volume=pl.col("volume") * pl.col("share_scale")
    )


def _beside(bars: pl.DataFrame, benchmark: pl.DataFrame, at: str) -> pl.Series:
    # where the benchmark has no bar, its last close stands
    closes = benchmark.select(at, benchmark_close="close").sort(at)
    return bars.select(at).sort(at).join_asof(closes, on=at, strategy="backward")["benchmark_close"]


@_cached
def _actions(symbol: str, as_of: datetime | None, version: str) -> pl.DataFrame:
    lake = installation().lake
    known = lake.scan(CORPORATE_ACTIONS, symbols=[symbol], as_of=as_of).collect()
    done = read_adjusted_bars(lake, [symbol], as_of=as_of).actions
    outcome = done.select("symbol", "ex_date", "kind", "effective_session", "outcome", "price_step")
    return known.join(outcome, on=["symbol", "ex_date", "kind"], how="left").sort("ex_date", descending=True)


@_cached
def _rows(_table: Table, symbol: str, as_of: datetime | None, version: str) -> pl.DataFrame:
    return installation().lake.scan(_table, symbols=[symbol], as_of=as_of).collect()


@_cached
def _features(_table: Table, symbol: str, version: str) -> pl.DataFrame:
    last = newest(_table, version)
    if last is None:
        return pl.DataFrame(schema=_table.schema)
    recent = installation().lake.scan(_table, start=last - timedelta(days=370), symbols=[symbol])
    return recent.sort(_table.key[1]).tail(1).collect()


@_cached
def _signals(symbol: str, limit: int, version: str) -> pl.DataFrame:
    return read(
        "select session, strategy, side, strength, reason, strategy_version, created_at from signals"
        " where symbol = %s order by session desc, strategy limit %s",
        (symbol, limit),
    )


@_cached
def _symbol_fills(symbol: str, account: str, version: str) -> pl.DataFrame:
    return read(
        "select executed_session as session, executed_at, side, quantity::float8, price_usd::float8 as price,"
        " (quantity * price_usd)::float8 as value_usd, client_order_id"
        " from fills where symbol = %s and account = %s order by executed_at desc",
        (symbol, account),
    )


@_cached
def _sectors(session: date, version: str) -> pl.DataFrame:
    last = newest(UNIVERSE, version)
    columns = ("symbol", "name", "sector")
    if last is None:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    day = min(session, last)
    return installation().lake.scan(UNIVERSE, start=day, end=day, columns=columns).collect()
