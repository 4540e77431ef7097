"""Market: bars, features, actions, signals and fills of one symbol, from the lake and Postgres."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import streamlit as st

from app.queries.installation import database_version, installation, lake_version, newest, read
from trading_assets.features.adjust import adjusted_as_seen_from, adjustment_factors
from trading_assets.indicators import momentum, trend, volatility
from trading_assets.schemas import CORPORATE_ACTIONS, DAILY_BARS, DAILY_FEATURES, QUARANTINED_BARS, UNIVERSE
from trading_assets.table import Table

HISTORY = timedelta(days=6 * 366)  # five years to draw, one for the averages to warm up
FACTORS = ("price_factor", "share_factor")

_cached = st.cache_data(max_entries=64, show_spinner=False)


def symbols() -> pl.DataFrame:
    """Return ``symbol``, ``name``, ``sector``, ``exchange`` and ``asset_type`` as last listed, sorted by symbol."""
    return _symbols(lake_version(UNIVERSE), lake_version(DAILY_BARS))


def bars(symbol: str, *, adjusted: bool) -> pl.DataFrame:
    """Return one symbol's bars with indicators and adjustment factors, oldest first.

    Indicators are computed on the prices that are shown: on adjusted ones unless raw ones are asked for.
    """
    return _bars(symbol, adjusted, lake_version(DAILY_BARS) + lake_version(CORPORATE_ACTIONS))


def actions(symbol: str) -> pl.DataFrame:
    """Return the corporate actions of a symbol, newest first."""
    return _rows(CORPORATE_ACTIONS, CORPORATE_ACTIONS.name, symbol, lake_version(CORPORATE_ACTIONS)).sort(
        "ex_date", descending=True
    )


def quarantined(symbol: str) -> pl.DataFrame:
    """Return the bars of a symbol that a row check refused, newest first."""
    return _rows(QUARANTINED_BARS, QUARANTINED_BARS.name, symbol, lake_version(QUARANTINED_BARS)).sort(
        "session", descending=True
    )


def features(symbol: str) -> pl.DataFrame:
    """Return the symbol's newest feature row, at most one."""
    return _features(symbol, lake_version(DAILY_FEATURES))


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
    names = lake.scan(UNIVERSE, columns=(*columns, "session"))
    last = newest(DAILY_BARS, bars_version)
    if last is None or listed is None:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    traded = lake.scan(DAILY_BARS, start=last - timedelta(days=370), columns=("symbol",)).unique()
    newest_names = names.sort("session").group_by("symbol").last().drop("session")
    return traded.join(newest_names, on="symbol", how="left").sort("symbol").collect()


@_cached
def _bars(symbol: str, adjusted: bool, version: str) -> pl.DataFrame:
    lake = installation().lake
    last = newest(DAILY_BARS, lake_version(DAILY_BARS))
    if last is None:
        return pl.DataFrame(schema=DAILY_BARS.schema)
    raw = lake.scan(DAILY_BARS, start=last - HISTORY, symbols=[symbol]).sort("session").collect()
    if raw.is_empty():
        return raw
    known = lake.scan(CORPORATE_ACTIONS, symbols=[symbol]).collect()
    factors = adjustment_factors(raw, known).select(FACTORS)
    shown = adjusted_as_seen_from(raw, known, raw["session"][-1]) if adjusted else raw
    return _with_indicators(shown.hstack(factors))


def _with_indicators(frame: pl.DataFrame) -> pl.DataFrame:
    close = frame["close"].to_numpy()
    upper, _, lower, _ = volatility.bollinger(close, 20, 2.0)
    line, signal, histogram = trend.macd(close, 12, 26, 9)
    return frame.with_columns(
        sma_20=trend.sma(close, 20),
        sma_50=trend.sma(close, 50),
        sma_200=trend.sma(close, 200),
        ema_26=trend.ema(close, 26),
        bb_upper=upper,
        bb_lower=lower,
        rsi_14=momentum.rsi(close, 14),
        macd=line,
        macd_signal=signal,
        macd_histogram=histogram,
    )


@_cached
def _rows(_table: Table, name: str, symbol: str, version: str) -> pl.DataFrame:
    return installation().lake.scan(_table, symbols=[symbol]).collect()


@_cached
def _features(symbol: str, version: str) -> pl.DataFrame:
    last = newest(DAILY_FEATURES, version)
    if last is None:
        return pl.DataFrame(schema=DAILY_FEATURES.schema)
    lake = installation().lake
    recent = lake.scan(DAILY_FEATURES, start=last - timedelta(days=370), symbols=[symbol])
    return recent.sort("session").tail(1).collect()


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
