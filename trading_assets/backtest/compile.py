"""Compile ahead: the machine code of the backtest kernels, stored on disk, so that no user waits for it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from trading_assets.backtest.accounts import run_accounts
from trading_assets.backtest.crossover import crossover_signals
from trading_assets.backtest.rebalance import run_target_weights
from trading_assets.backtest.series import Series


def warm() -> None:
    """Run every kernel once on a made-up symbol; the first time on a machine this takes some seconds.

    Examples
    --------
    >>> warm()
    """
    days = [date(2024, 1, 2) + timedelta(days=offset) for offset in range(4)]
    prices = {key: [10.0, 11.0, 12.0, 11.0] for key in ("open", "high", "low", "close", "volume")}
    series = Series.of(pl.DataFrame({"symbol": ["A"] * 4, "session": days, **prices}))
    run_accounts(series, crossover_signals(series, 1, 2, threads=1), threads=1)
    dense = series.prices[:, :1]
    run_target_weights(dense, dense, np.ones((1, 1)), np.zeros(1, dtype=np.int64))


if __name__ == "__main__":
    warm()
