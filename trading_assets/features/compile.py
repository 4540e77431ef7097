"""Compile ahead: the machine code of every kernel and the calendar, stored on disk, so that no user waits for them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from trading_assets.features.build import build_daily_features
from trading_assets.features.symbol_runs import copy_stretches, repeated
from trading_assets.sessions import last_session


def warm() -> None:
    """Compute all features of two made-up symbols, with a split, so that every kernel has run once.

    The first time on a machine this compiles and stores the machine code (some seconds); every later process
    loads it from disk. The calendar of the exchange is kept the same way.

    Examples
    --------
    >>> warm()
    """
    days = [date(2024, 1, 2) + timedelta(days=offset) for offset in range(3)]
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), [10.0, 11.0, 12.0] * 2)
    bars = pl.DataFrame({"symbol": ["A"] * 3 + ["B"] * 3, "session": days * 2, **prices})
    split = {
        "symbol": ["A"],
        "ex_date": [days[1]],
        "kind": ["split"],
        "split_ratio": [2.0],
        "cash_usd": [0.0],
    }
    build_daily_features(bars, pl.DataFrame(split), sessions=days)
    none = np.zeros(1, dtype=np.int64)
    repeated(np.zeros(1, np.uint32), np.array([0, 1]), np.zeros(1, np.uint32))
    # the columns of bars: prices, instants, dates
    copy_stretches(np.zeros(1), none, none, none, np.zeros(1))
    copy_stretches(none, none, none, none, none.copy())
    copy_stretches(np.zeros(1, np.int32), none, none, none, np.zeros(1, np.int32))
    last_session()


if __name__ == "__main__":
    warm()
