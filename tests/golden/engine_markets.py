"""The two markets on which backtest engines were compared: 14 real tickers, and 500 made ones; bars sorted by symbol and session."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl

SYMBOLS, SESSIONS = 500, 2520
REAL = ("AAPL", "AIG", "BAC", "BNO", "EEM", "FB", "GOOG", "GOOGL", "IBM", "IWM", "QQQ", "SPY", "USO", "WM")


def real_market(data: Path) -> pl.DataFrame:
    """Return the last instrument of each ticker, split-adjusted, not rounded."""
    silence = (pl.col("session").diff().over("symbol").dt.total_days() > 30).fill_null(value=False)
    bars = (
        pl.read_parquet(data / "us_daily_raw_1998_2021.parquet")
        .filter(pl.col("symbol").is_in(REAL)).sort("symbol", "session")
        .with_columns(seam=silence.cast(pl.Int32)).with_columns(pl.col("seam").cum_sum().over("symbol"))
        .filter(pl.col("seam") == pl.col("seam").max().over("symbol"))
    )  # fmt: skip
    factors = pl.read_csv(data / "adjustment_factors_1998_2021.csv", try_parse_dates=True)
    known = factors.select("symbol", session="last_session", factor="split_factor").sort("session")
    placed = bars.sort("session").join_asof(
        known, on="session", by="symbol", strategy="forward", check_sortedness=False
    )
    adjusted = placed.with_columns(
        pl.col("open", "high", "low", "close") * pl.col("factor"), pl.col("volume") / pl.col("factor")
    )
    return adjusted.select("symbol", "session", "open", "high", "low", "close", "volume").sort(
        "symbol", "session"
    )


def made_market() -> pl.DataFrame:
    """Return the made market: prices in whole cents, a fixed seed; the draws are in the order of its recipe."""
    rng = np.random.default_rng(20261128)
    shape = (SYMBOLS, SESSIONS)
    market = rng.standard_t(5, size=SESSIONS) * 0.008
    beta = rng.uniform(0.5, 1.5, SYMBOLS)
    own = rng.standard_t(4, size=shape) * rng.uniform(0.008, 0.02, SYMBOLS)[:, None]
    first = rng.uniform(10, 400, SYMBOLS)
    close = first[:, None] * np.exp(np.cumsum(0.0002 + beta[:, None] * market[None, :] + own, axis=1))
    gap = rng.normal(0, 0.004, shape)
    open_ = np.concatenate([first[:, None], close[:, :-1]], axis=1) * np.exp(gap)
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.004, shape)))
    low = np.minimum(open_, close) / np.exp(np.abs(rng.normal(0, 0.004, shape)))
    volume = np.floor(np.exp(rng.normal(13.5, 0.6, shape)))
    close, open_ = (np.maximum(np.round(values, 2), 0.01) for values in (close, open_))
    high = np.maximum(np.maximum(np.round(high, 2), 0.01), np.maximum(open_, close))
    low = np.minimum(np.maximum(np.round(low, 2), 0.01), np.minimum(open_, close))
    digest = hashlib.sha256(np.ascontiguousarray(close).tobytes()).hexdigest()
    assert digest.startswith("9f207774"), "the recipe gives another market here"
    days = np.busday_offset("2014-01-01", np.arange(SESSIONS), roll="forward").astype("datetime64[D]")
    return pl.DataFrame(
        {
            "symbol": np.repeat([f"S{number:03d}" for number in range(SYMBOLS)], SESSIONS),
            "session": np.tile(days, SYMBOLS),
            "open": open_.ravel(), "high": high.ravel(), "low": low.ravel(), "close": close.ravel(),
            "volume": volume.ravel(),
        }
    )  # fmt: skip
