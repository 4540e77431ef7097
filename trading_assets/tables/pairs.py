"""Pairs: what a formation found of two symbols of one sector, from the sessions before it."""

from __future__ import annotations

import polars as pl

from trading_assets.tables.table import SESSION, Column, Table

PAIR_STATISTICS = Table(
    name="pair_statistics",
    grain="One row per (pair of symbols of a sector, first session of a month): how they moved together in the 252 sessions before",
    columns={
        "symbol": Column(pl.String, "Ticker of the pair that comes first in the alphabet", nullable=False),
        "other_symbol": Column(pl.String, "The other ticker", nullable=False),
        "session": SESSION,
        "sector": Column(pl.String, "Sector of both at the end of the formation", nullable=False),
        "sector_session": Column(
            pl.Date,
            "Session of what says so of both. One after last_session was not known then, as there was no company snapshot yet: such "
            "a pair is one to look at, not one that could have been traded",
            nullable=False,
        ),
        "rank": Column(
            pl.Int32,
            "1 = least p-value of the session's pairs, then least statistic; null where there is no test",
        ),
        "dependent_symbol": Column(
            pl.String,
            "The one of the two that is regressed on the other: log(its price) = spread_mean + hedge_ratio x log(the other's) + "
            "spread; the order with the smaller p-value",
            nullable=False,
        ),
        "hedge_ratio": Column(
            pl.Float64,
            "Slope of that regression; prices are adjusted closes in the scale of last_session",
            "ratio",
        ),
        "spread_mean": Column(pl.Float64, "Its constant", "log USD"),
        "spread_std": Column(
            pl.Float64, "Sample standard deviation of the spread in the formation", "log USD"
        ),
        "half_life_sessions": Column(
            pl.Float64,
            "Sessions until half of a deviation is gone, by a regression of the spread on the one before; null where it does not "
            "come back",
            "sessions",
        ),
        "z_score": Column(
            pl.Float64, "Spread of the formation's last session in standard deviations", "standard deviations"
        ),
        "statistic": Column(
            pl.Float64,
            "Engle-Granger statistic (constant; lags by Akaike's criterion); null where there is no test, or the prices are one line",
        ),
        "lags": Column(pl.Int32, "Lagged differences in the test; null without one", "sessions"),
        "p_value": Column(
            pl.Float64, "MacKinnon's p-value of that statistic: the smaller one of both orders", "fraction"
        ),
        "p_value_symbol": Column(pl.Float64, "p-value with symbol regressed on other_symbol", "fraction"),
        "p_value_other": Column(pl.Float64, "p-value with other_symbol regressed on symbol", "fraction"),
        "adjusted_p_value": Column(
            pl.Float64,
            "Smaller one of both orders after the correction of Benjamini and Hochberg over all tests of the session, both orders "
            "of every pair: the share of false finds among the pairs up to this one",
            "fraction",
        ),
        "first_session": Column(pl.Date, "First session of the formation", nullable=False),
        "last_session": Column(
            pl.Date, "Last one: the session before the row's; nothing later is known to it", nullable=False
        ),
    },
    key=("symbol", "other_symbol", "session"),
    tags=("pairs",),
)
