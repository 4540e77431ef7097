"""Backtests of 500 symbols over ten years with full accounting against vectorbt on the same bars, where it is installed.

Both trade the same crossings; vectorbt's accounting has fees only, ours dividends, splits, stops, volume limits, regulators' fees and
slippage as well. Each test asserts what both find; times and ratios are in ``extra_info``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.golden.engine_markets import SESSIONS, SYMBOLS, made_market
from trading_assets.backtest.accounts import AccountRules, SizedAt, Sizing, run_accounts
from trading_assets.backtest.costs import Costs
from trading_assets.backtest.crossover import crossover_signals, sweep_crossovers
from trading_assets.backtest.series import Series

FULL = AccountRules(stop_frac=0.1, target_frac=0.3, trail_frac=0.2, max_volume_frac=0.1)
PAIRS = [(fast, slow) for fast in range(5, 25, 2) for slow in range(30, 130, 10)]
ROUNDS = 5


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return made_market()


@pytest.fixture(scope="module")
def series(bars) -> Series:
    """The market with a split and a dividend a year for every symbol, so that none is skipped."""
    rng = np.random.default_rng(7)
    days = bars.filter(symbol="S000")["session"]
    symbols = [f"S{number:03d}" for number in range(SYMBOLS)]
    split = pl.DataFrame({"symbol": symbols, "session": [days[int(rng.integers(1, SESSIONS))] for _ in symbols], "ratio": 2.0})  # fmt: skip
    paid = pl.DataFrame(
        {"symbol": np.repeat(symbols, 10), "session": [days[int(place)] for place in rng.integers(1, SESSIONS, 10 * SYMBOLS)], "cash_usd": 0.1}
    )  # fmt: skip
    return Series.of(bars, splits=split, dividends=paid)


def fastest(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the shortest time of several calls, in seconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def test_ten_years_with_full_accounting(
    benchmark: BenchmarkFixture, series: Series, bars: pl.DataFrame
) -> None:
    def run() -> float:
        signals = crossover_signals(series, 20, 50)
        return float(
            run_accounts(series, signals, FULL, Costs.alpaca(), keeps_equity=True).final_equity_usd.sum()
        )

    run()
    benchmark.pedantic(run, rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["seconds"] = own = fastest(run)
    vectorbt = pytest.importorskip("vectorbt")
    import pandas as pd

    close, open_ = (
        pd.DataFrame(bars[name].to_numpy().reshape(SYMBOLS, SESSIONS).T) for name in ("close", "open")
    )

    def rival() -> float:
        fast, slow = vectorbt.MA.run(close, 20), vectorbt.MA.run(close, 50)
        entries = fast.ma_crossed_above(slow).vbt.signals.fshift(1)
        exits = fast.ma_crossed_below(slow).vbt.signals.fshift(1)
        entries.columns = exits.columns = close.columns
        portfolio = vectorbt.Portfolio.from_signals(
            close, entries, exits, price=open_, fees=0.0005, init_cash=100_000.0, freq="1D"
        )
        return float(portfolio.final_value().sum())

    plain = AccountRules(sizing=Sizing.FRACTION, sized_at=SizedAt.FILL)
    same = Series.of(bars)
    ours = run_accounts(same, crossover_signals(same, 20, 50), plain, Costs(fee_bps=5)).final_equity_usd.sum()
    assert rival() == pytest.approx(float(ours), rel=1e-3), "but for exact ties of the averages"
    benchmark.extra_info["vectorbt_seconds"] = other = fastest(rival, 3)
    benchmark.extra_info["times_faster"] = other / own
    print(f"\nten years: {own * 1e3:.1f} ms, vectorbt {other * 1e3:.0f} ms, {other / own:.0f}x")


def test_a_sweep_of_a_hundred_pairs(benchmark: BenchmarkFixture, series: Series) -> None:
    def run() -> int:
        return sum(len(result.placed) for _, result in sweep_crossovers(series, PAIRS, FULL, Costs.alpaca()))

    benchmark.pedantic(run, rounds=2, warmup_rounds=1)
    assert run() > 100_000
    benchmark.extra_info["seconds"] = own = fastest(run, 2)
    print(f"\na hundred pairs: {own:.2f} s")
