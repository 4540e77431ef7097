"""Features: one row per (symbol, session) or hour, their columns made from the registries; and what is carried on."""

from __future__ import annotations

import polars as pl

from trading_assets.indicators.registry import CARRIED, FEATURES
from trading_assets.tables.bars import OHLCV
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS
from trading_assets.tables.hourly import BAR_START
from trading_assets.tables.table import SESSION, SYMBOL, Column, Table

FEATURE_NAMES = tuple(FEATURES)

_FACTORS = {
    "price_factor": Column(
        pl.Float64,
        "Raw price / adjusted price, from the symbol's first bar on: a price of session t in the scale of a later "
        "session s is its value times price_factor[s] / price_factor[t]",
        "ratio",
    ),
    "share_factor": Column(pl.Float64, "The same for shares: splits only", "ratio"),
}

_FUNDAMENTALS = {
    **{name: Column(pl.Float64, item.description, item.unit) for name, item in FUNDAMENTALS.items()},
    AGE_COLUMN: Column(
        pl.Int32,
        "Calendar days since the company snapshot that the ratios come from; null without one",
        "days",
    ),
}

DAILY_FEATURES = Table(
    name="daily_features",
    grain="One row per (symbol, session): indicators on prices adjusted as known at the session, in its own price scale",
    columns={
        "symbol": SYMBOL,
        "session": SESSION,
        **{name: Column(pl.Float64, feature.description, feature.unit) for name, feature in FEATURES.items()},
        **_FACTORS,
        **_FUNDAMENTALS,
    },
    tags=("features",),
)

HOURLY_FEATURES = Table(
    name="hourly_features",
    grain="One row per (symbol, hour of the session): the daily indicators with bars for sessions, as known at the bar",
    columns={
        "symbol": SYMBOL,
        "bar_start": BAR_START,
        "session": SESSION,
        **{
            name: Column(pl.Float64, feature.hourly_description, feature.unit)
            for name, feature in FEATURES.items()
        },
        **_FACTORS,
        **_FUNDAMENTALS,
    },
    key=("symbol", "bar_start"),
    tags=("features", "hourly"),
)

FEATURE_STATE = Table(
    name="feature_state",
    grain="One row per (symbol, last session of a month): what its bars so far leave to the features of later sessions",
    columns={
        "symbol": SYMBOL,
        "session": SESSION,
        "bar_session": Column(pl.Date, "Session of the symbol's last bar", nullable=False),
        "bars": Column(pl.Int32, "Bars of the symbol so far", "bars", nullable=False),
        **{name: OHLCV[name] for name in ("open", "high", "low", "close", "volume")},
        **_FACTORS,
        "benchmark_close": Column(
            pl.Float64, "Adjusted close of the benchmark at the last bar; null before its first", "USD"
        ),
        **{name: Column(pl.Float64, "Carried from bar to bar by the indicator") for name in CARRIED},
        "fingerprint": Column(
            pl.String,
            "Of the bars, actions and code that it was made from; where they have changed, it is made again",
            nullable=False,
        ),
    },
    tags=("features", "state"),
)
