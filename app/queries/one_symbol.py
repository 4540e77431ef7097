"""Market: bars, features, actions, signals and fills of one symbol, from the lake and Postgres, as known now or before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import polars as pl

from app.queries.cached import cached_by
from app.queries.installation import database_version, installation, lake_version, newest, read
from trading_assets.feature_store.adjusted_bars import Adjust, read_adjusted_bars
from trading_assets.features.build import BENCHMARK
from trading_assets.indicators.series import with_indicators
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.features import DAILY_FEATURES, HOURLY_FEATURES
from trading_assets.tables.hourly import HOURLY_BARS, QUARANTINED_HOURLY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS, INSTRUMENTS, UNIVERSE
from trading_assets.tables.table import Table

HISTORY = timedelta(days=6 * 366)  # five years to draw, one for the averages to warm up
HOURLY_HISTORY = timedelta(days=400)
PRICES = ("open", "high", "low", "close", "vwap")
Grain = Literal["Daily", "Hourly"]


@dataclass(frozen=True)
class View:
    """How to look at a symbol: daily or hourly bars, adjusted for what, as known when (``None``: now)."""

    grain: Grain = "Daily"
    adjust: Adjust = "all"
    as_of: datetime | None = None


@cached_by(lambda *_: lake_version(UNIVERSE, DAILY_BARS), entries=64)
def symbols() -> pl.DataFrame:
    """Return ``symbol``, ``name``, ``sector``, ``exchange`` and ``asset_type`` as last listed, sorted by symbol."""
    lake = installation().lake
    listed = newest(UNIVERSE)
    columns = ("symbol", "name", "sector", "exchange", "asset_type")
    last = newest(DAILY_BARS)
    if last is None or listed is None:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    year = last - timedelta(days=370)
    names = lake.scan(UNIVERSE, start=year, columns=(*columns, "session"))
    traded = lake.scan(DAILY_BARS, start=year, columns=("symbol",)).unique()
    newest_names = names.group_by("symbol").agg(pl.col(columns[1:]).sort_by("session").last())
    return traded.join(newest_names, on="symbol", how="left").sort("symbol").collect()


@cached_by(lambda _, view: lake_version(*_tables(view.grain)), entries=64)
def bars(symbol: str, view: View) -> pl.DataFrame:
    """Return one symbol's bars with indicators and the scales that they were multiplied by, oldest first.

    Every registered indicator is there, computed on the prices that are shown.
    """
    shown = _scaled(symbol, view)
    if shown.is_empty():
        return shown
    at = "session" if view.grain == "Daily" else "bar_start"
    benchmark = shown if symbol == BENCHMARK else _scaled(BENCHMARK, view)
    return with_indicators(shown, _beside(shown, benchmark, at), hourly=view.grain == "Hourly")


@cached_by(lambda *_: lake_version(CORPORATE_ACTIONS, DAILY_BARS), entries=64)
def actions(symbol: str, as_of: datetime | None = None) -> pl.DataFrame:
    """Return the corporate actions of a symbol, newest first, with what each did to the prices shown."""
    lake = installation().lake
    known = lake.scan(CORPORATE_ACTIONS, symbols=[symbol], as_of=as_of).collect()
    done = read_adjusted_bars(lake, [symbol], as_of=as_of).actions
    outcome = done.select("symbol", "ex_date", "kind", "effective_session", "outcome", "price_step")
    return known.join(outcome, on=["symbol", "ex_date", "kind"], how="left").sort("ex_date", descending=True)


@cached_by(lambda *_: lake_version(INSTRUMENTS), entries=64)
def instruments(symbol: str, as_of: datetime | None = None) -> pl.DataFrame:
    """Return what the symbol stood for, oldest first: rows of ``instruments``."""
    rows = installation().lake.scan(INSTRUMENTS, symbols=[symbol], as_of=as_of)
    return rows.sort("first_session").collect()


def quarantined(symbol: str, view: View) -> pl.DataFrame:
    """Return the bars of a symbol that a row check refused, newest first."""
    table = QUARANTINED_BARS if view.grain == "Daily" else QUARANTINED_HOURLY_BARS
    rows = _rows(table, symbol, view.as_of)
    return rows.sort([table.key[1], "source"], descending=[True, False])


def features(symbol: str, grain: Grain = "Daily") -> pl.DataFrame:
    """Return the symbol's newest feature row, at most one."""
    table = DAILY_FEATURES if grain == "Daily" else HOURLY_FEATURES
    return _newest_row(table, symbol)


@cached_by(lambda *_: database_version(), entries=64)
def signals(symbol: str, limit: int = 250) -> pl.DataFrame:
    """Return the newest signals for a symbol."""
    return read(
        "select session, strategy, side, strength, reason, strategy_version, created_at from signals"
        " where symbol = %s order by session desc, strategy limit %s",
        (symbol, limit),
    )


@cached_by(lambda *_: database_version(), entries=64)
def symbol_fills(symbol: str, account: str | None) -> pl.DataFrame:
    """Return our fills in a symbol, newest first; ``session`` is the day of the trade."""
    return read(
        "select executed_session as session, executed_at, side, quantity::float8, price_usd::float8 as price,"
        " (quantity * price_usd)::float8 as value_usd, client_order_id"
        " from fills where symbol = %s and account = %s order by executed_at desc",
        (symbol, account or ""),
    )


@cached_by(lambda *_: lake_version(UNIVERSE), entries=64)
def sectors(session: date) -> pl.DataFrame:
    """Return ``symbol``, ``name`` and ``sector`` as listed at a session."""
    last = newest(UNIVERSE)
    columns = ("symbol", "name", "sector")
    if last is None:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    day = min(session, last)
    return installation().lake.scan(UNIVERSE, start=day, end=day, columns=columns).collect()


def _tables(grain: Grain) -> tuple[Table, ...]:
    return (DAILY_BARS, CORPORATE_ACTIONS, *((HOURLY_BARS,) if grain == "Hourly" else ()))


def _scaled(symbol: str, view: View) -> pl.DataFrame:
    lake = installation().lake
    last = newest(DAILY_BARS)
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


@cached_by(lambda table, *_: lake_version(table), entries=64)
def _rows(table: Table, symbol: str, as_of: datetime | None) -> pl.DataFrame:
    return installation().lake.scan(table, symbols=[symbol], as_of=as_of).collect()


@cached_by(lambda table, *_: lake_version(table), entries=64)
def _newest_row(table: Table, symbol: str) -> pl.DataFrame:
    last = newest(table)
    if last is None:
        return pl.DataFrame(schema=table.schema)
    recent = installation().lake.scan(table, start=last - timedelta(days=370), symbols=[symbol])
    return recent.sort(table.key[1]).tail(1).collect()
