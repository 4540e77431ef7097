"""Crossover: signals of two moving averages of the close for whole markets and many pairs of lengths, one pass each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from trading_assets.backtest.accounts import AccountRules, Accounts, Signals, run_accounts
from trading_assets.backtest.costs import Costs
from trading_assets.backtest.series import Series
from trading_assets.indicators.crossing import EQUAL_WITHIN
from trading_assets.indicators.kernel import FloatArray, IndexArray, compiled, read_only


@compiled
def cross_averages(  # noqa: PLR0917 - kernels are called by position
    first: int,
    last: int,
    starts: IndexArray,
    close: FloatArray,
    fast: int,
    slow: int,
    signals: NDArray[np.int8],
) -> None:
    """Write the signals of symbols ``first`` to ``last`` (excluded): 1 where the fast average crosses above, 2 below."""
    for symbol in range(first, last):
        begin, end = starts[symbol], starts[symbol + 1]
        # sums of differences from the first close: what is added and taken away again loses nothing to a large price
        base = close[begin]
        sum_fast = sum_slow = 0.0
        before = 2
        for row in range(begin, end):
            value = close[row] - base
            sum_fast += value
            sum_slow += value
            bars = row - begin + 1
            if bars > fast:
                sum_fast -= close[row - fast] - base
            if bars > slow:
                sum_slow -= close[row - slow] - base
            signals[row] = 0
            if bars < slow:
                continue
            one, two = sum_fast / fast + base, sum_slow / slow + base
            apart = one - two
            now = 0
            if abs(apart) > EQUAL_WITHIN * abs(two):
                now = 1 if apart > 0.0 else -1
            if before != 2:
                if now == 1 and before <= 0:
                    signals[row] = 1
                elif now == -1 and before >= 0:
                    signals[row] = 2
            before = now


def crossover_signals(
    series: Series, fast: int, slow: int, *, threads: int = 2, out: Signals | None = None
) -> Signals:
    """Return, by row, ``LONG`` where the average of ``fast`` closes crosses above that of ``slow``, ``LEAVE`` where below.

    Both must exist on the bar and the one before; a tie (within ``EQUAL_WITHIN``) is neither above nor below. Look-ahead: the bar's close.

    Raises
    ------
    ValueError
        Unless 0 < ``fast`` < ``slow``.
    """
    if not 0 < fast < slow:
        raise ValueError(f"the fast average must be the shorter one: {fast}, {slow}")
    signals = np.empty(series.rows, dtype=np.int8) if out is None else out
    starts, close = read_only(series.starts), read_only(series.signal_close)
    symbols = len(series.symbols)

    def run(part: int) -> None:
        edge = (symbols * part // threads, symbols * (part + 1) // threads)
        cross_averages(*edge, starts, close, fast, slow, signals)

    if threads == 1:
        run(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, range(threads)))
    return signals


def sweep_crossovers(
    series: Series,
    pairs: Sequence[tuple[int, int]],
    rules: AccountRules | None = None,
    costs: Costs | None = None,
    *,
    threads: int = 2,
) -> Iterator[tuple[tuple[int, int], Accounts]]:
    """Run every pair of lengths on the same series, one after the other; memory is that of one."""
    signals = np.empty(series.rows, dtype=np.int8)
    for fast, slow in pairs:
        crossover_signals(series, fast, slow, threads=threads, out=signals)
        yield (fast, slow), run_accounts(series, signals, rules, costs, threads=threads)
