"""Example features: a made-up market to try strategies on, one row per (symbol, session), the same each time."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import polars as pl

from trading_assets.features.build import BENCHMARK, build_daily_features
from trading_assets.sectors import SECTORS
from trading_assets.sessions import sessions_between
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS
from trading_assets.tables.listings import CORPORATE_ACTIONS

FIRST, LAST = date(2022, 1, 3), date(2024, 3, 28)
SHOWN = 150
"""Sessions that are returned; the earlier ones warm the averages up."""
SYMBOLS = 48
_QUARTER = 63
_SEED = 20240328
_USUAL = {"pe": 18.0, "pb": 3.0, "ps": 3.0, "roe": 0.12, "dividend_yield": 0.02, "market_cap": 2e10, "margin": 0.1,
          "revenue_growth": 0.06, "eps_growth": 0.08}  # fmt: skip


@cache
def example_features() -> pl.DataFrame:
    """Return features of 48 symbols over 150 sessions: trends and falls, splits, missing bars, names that come and go.

    Some symbols are delisted on the way and some are listed late; ratios change once a quarter and are missing before the
    first report; sectors stand beside them as the universe has them.

    Returns
    -------
    pl.DataFrame
        Every column of ``daily_features``, and ``name``, ``sector``, ``industry``, ``exchange`` and ``asset_type``; sorted by
        (session, symbol).
    """
    sessions = sessions_between(FIRST, LAST)
    bars, actions = _bars(sessions)
    features = build_daily_features(bars, actions, sessions=sessions[-SHOWN:])
    rows = features.join(_listed(), on="symbol").join(_ratios(sessions), on=["symbol", "session"], how="left")
    lacking = [name for name in DAILY_FEATURES.columns if name not in rows.columns]
    return rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in lacking).sort(
        "session", "symbol"
    )


def _names() -> list[str]:
    return [BENCHMARK, *(f"X{number:02d}" for number in range(1, SYMBOLS))]


def _bars(sessions: list[date]) -> tuple[pl.DataFrame, pl.DataFrame]:
    random = np.random.default_rng(_SEED)
    shape = (SYMBOLS, len(sessions))
    market = random.standard_t(5, len(sessions)) * 0.006
    # trends that turn every few weeks, so that averages cross and ranks change
    drift = np.repeat(random.normal(0, 0.004, (SYMBOLS, len(sessions) // 30 + 1)), 30, axis=1)[
        :, : len(sessions)
    ]
    steps = market + drift + random.standard_t(4, shape) * 0.012
    close = random.uniform(15, 300, (SYMBOLS, 1)) * np.exp(np.cumsum(steps, axis=1))
    opened = close * np.exp(random.normal(0, 0.004, shape))
    spread = np.exp(np.abs(random.normal(0, 0.005, shape)))
    volume = np.floor(random.lognormal(13.5, 0.5, shape))
    days = pl.Series(sessions)
    number, day = np.repeat(np.arange(SYMBOLS), len(sessions)), np.tile(np.arange(len(sessions)), SYMBOLS)
    bars = pl.DataFrame(
        {
            "symbol": pl.Series(_names()).gather(number), "session": days.gather(day), "open": opened.ravel(),
            "high": (np.maximum(opened, close) * spread).ravel(), "low": (np.minimum(opened, close) / spread).ravel(),
            "close": close.ravel(), "volume": volume.ravel(), "number": number, "day": day,
        }
    )  # fmt: skip
    splits = {which: len(sessions) - SHOWN + 3 * which for which in range(3, SYMBOLS, 4)}
    for which, at in splits.items():
        later = (pl.col("number") == which) & (pl.col("day") >= at)
        prices = [
            pl.when(later).then(pl.col(name) / 2).otherwise(name).alias(name)
            for name in ("open", "high", "low", "close")
        ]
        bars = bars.with_columns(
            *prices, volume=pl.when(later).then(pl.col("volume") * 2).otherwise("volume")
        )
    actions = pl.DataFrame(
        [
            {"symbol": _names()[which], "ex_date": sessions[at], "kind": "split", "split_ratio": 2.0}
            for which, at in splits.items()
        ],
        schema={name: column.dtype for name, column in CORPORATE_ACTIONS.columns.items()},
    )
    return _that_traded(bars, len(sessions)).drop("number", "day").sort("symbol", "session"), actions


def _that_traded(bars: pl.DataFrame, sessions: int) -> pl.DataFrame:
    number, day = pl.col("number"), pl.col("day")
    is_delisted = (number % 8 == 5) & (day >= sessions - 15 * (number // 8 + 1))
    is_not_yet = (number % 8 == 6) & (day < sessions - 15 * (number // 8 + 3))
    is_missing = (number > 0) & ((number * 31 + day * 17) % 97 == 0)
    return bars.filter(~(is_delisted | is_not_yet | is_missing))


def _listed() -> pl.DataFrame:
    numbers = range(SYMBOLS)
    return pl.DataFrame(
        {
            "symbol": _names(),
            "name": [f"Example company {number}" for number in numbers],
            "sector": [SECTORS[number % len(SECTORS)].name for number in numbers],
            "industry": [f"Industry {number % 20}" for number in numbers],
            "exchange": ["XNYS" if number % 2 else "XNAS" for number in numbers],
            "asset_type": ["CS" if number else "ETF" for number in numbers],
        }
    )


def _ratios(sessions: list[date]) -> pl.DataFrame:
    random = np.random.default_rng(_SEED + 1)
    day = np.tile(np.arange(len(sessions)), SYMBOLS)
    number = np.repeat(np.arange(SYMBOLS), len(sessions))
    since = (day + 5 * number) % _QUARTER  # everybody reports on another day
    report = (day + 5 * number) // _QUARTER
    values = {
        name: _USUAL.get(name, 1.0) * random.lognormal(0, 0.5, (SYMBOLS, report.max() + 1))[number, report]
        for name in FUNDAMENTALS
    }
    rows = pl.DataFrame(
        {"symbol": pl.Series(_names()).gather(number), "session": pl.Series(sessions).gather(day), **values}
    ).with_columns(pl.Series(since).cast(pl.Int32).alias(AGE_COLUMN), known=pl.Series(report > number % 11))
    return rows.filter("known").drop("known")
