"""Look-ahead check: whether the future changes a past signal; one finding per difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from trading_assets.strategies.contract import Strategy, checked_signals

KEY = ("session", "symbol")


@dataclass(frozen=True)
class LookAhead:
    """A past signal that changed when only the future was changed."""

    cut: date
    how: str
    differing_rows: int
    first: tuple[object, ...]


def look_ahead(
    strategy: Strategy, features: pl.DataFrame, cuts: Sequence[date] | None = None
) -> list[LookAhead]:
    """Truncate, corrupt and shuffle the future, and compare the signals up to the cut.

    Parameters
    ----------
    strategy
        The strategy with its parameters.
    features
        Rows of ``daily_features`` of several sessions.
    cuts
        Last known sessions to try; five, spread over the range, if omitted.

    Returns
    -------
    list of LookAhead
        Empty for a strategy that cannot see the future, forgets no more than it declares
        (``lookback_sessions``), and gives the same rows for the same features in any order.
    """
    sessions = features["session"].unique().sort().to_list()
    places = sorted({len(sessions) * step // 6 for step in range(1, 6)})
    full = checked_signals(strategy, features)
    found: list[LookAhead] = []
    for cut in cuts if cuts is not None else [sessions[place] for place in places]:
        known = pl.col("session") <= cut
        expected = full.filter(known)
        window = sessions[max(0, sessions.index(cut) - strategy.lookback_sessions) :]
        for how, changed in (
            ("future removed", features.filter(known)),
            ("future corrupted", _corrupted(features, known)),
            ("rows in another order", features.sample(fraction=1.0, shuffle=True, seed=7)),
        ):
            found += _differences(cut, how, expected, checked_signals(strategy, changed).filter(known))
        short = checked_signals(strategy, features.filter(known & (pl.col("session") >= window[0])))
        if window[0] > sessions[0] or strategy.lookback_sessions == 0:
            at_cut = pl.col("session") == cut
            how = f"only {strategy.lookback_sessions} earlier sessions given"
            found += _differences(cut, how, expected.filter(at_cut), short.filter(at_cut))
    return found


def _corrupted(features: pl.DataFrame, known: pl.Expr) -> pl.DataFrame:
    """Negate, scale and reverse every number after the cut: any dependence on it shows."""
    numbers = [name for name, kind in features.schema.items() if kind.is_float()]
    return features.with_columns(
        pl.when(known).then(pl.col(name)).otherwise(-1000.0 * pl.col(name).reverse() + 1.0).alias(name)
        for name in numbers
    )


def _differences(cut: date, how: str, expected: pl.DataFrame, got: pl.DataFrame) -> list[LookAhead]:
    if expected.equals(got):
        return []
    left, right = set(expected.rows()), set(got.rows())
    differing = sorted(left ^ right, key=repr)
    return [LookAhead(cut, how, len(differing), differing[0] if differing else ())]
