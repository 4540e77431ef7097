"""Compile ahead: makes the machine code of every kernel and stores it on disk, so that no user waits for it."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from trading_assets.features.build import build_daily_features


def warm() -> None:
    """Compute all features of two made-up symbols, with a split, so that every kernel has run once.

    The first time on a machine this compiles and stores the machine code (some seconds); every later process
    loads it from disk.

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


if __name__ == "__main__":
    warm()
