"""Large moves of the close: how unusual each is for its symbol, on what volume, and whether it came back; per (symbol, session).

A fault of the data moves a price without trade: the whole bar lies elsewhere, and the volume, in the new or the old
shares, is the usual one. News moves it on several times the usual volume. Of the moves above 10 % of 429 large US companies
from 2015 to 2017, 14 of 362 came on less than twice the usual volume, most of them actions that the data did not tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_assets.features.seams import begins_anew

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

USUAL_BARS = 20
"""Bars before, of which the usual move, range and volume are the medians."""
LEAST_BARS = 10
"""Fewer of them are too few to say what is usual."""
SPIKE_SESSIONS = 5
"""The longest spike: what stays away for more bars has moved."""
NORMAL = 1.4826
"""Median absolute deviation to standard deviation of a normal distribution (Rousseeuw and Croux, 1993)."""
LEAST_VOLATILITY = 0.002
"""What is added to the usual move of a session, so that a symbol that hardly moves is not judged by cents; log return."""
_OPENED_THERE = 0.35
_BACK = 0.25
_SPREAD = 0.35
MOVE_SCHEMA = pl.Schema(
    {
        "symbol": pl.String(),
        "session": pl.Date(),
        "previous_session": pl.Date(),
        "previous_close": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),
        "ratio": pl.Float64(),
        "move": pl.Float64(),
        "gap": pl.Float64(),
        "usual_move": pl.Float64(),
        "usual_volume": pl.Float64(),
        "volume_ratio": pl.Float64(),
        "spike_sessions": pl.Int64(),
        "comes_back": pl.Boolean(),
        "spike_end": pl.Date(),
    }
)
"""A bar whose close moved much.

``previous_close`` is in the shares of the bar; ``ratio`` the close over it; ``move`` and ``gap`` the log returns to the
close and to the open; ``usual_move`` the standard deviation of a session's move, from the median of those before;
``volume_ratio`` the smaller of volume and traded value over their usual ones. ``spike_sessions`` says how many bars stay
at the new level before the price is back where it was, 0 if it is not, or not yet; ``spike_end`` which is the last of
them. ``comes_back`` marks the bar that ends a spike."""


@dataclass(frozen=True)
class _Series:
    """Bars of all symbols, one after another: the first and last place of each bar's instrument, and log closes."""

    first: Integers
    last: Integers
    level: Floats

    def before(self, values: Floats, places: Integers) -> Floats:
        """Values of up to ``USUAL_BARS`` bars before each place, one row a place; NaN where there is none."""
        at = places[:, None] - np.arange(1, USUAL_BARS + 1)
        inside = at >= self.first[places][:, None]
        return np.where(inside, values[np.where(inside, at, 0)], np.nan)


def opened_there() -> pl.Expr:
    """Say of large moves whether the whole bar lies elsewhere: the gap to its open is about the move to its close."""
    return (pl.col("gap") - pl.col("move")).abs() <= _OPENED_THERE * pl.col("move").abs()


def trailing_median(rows: pl.DataFrame, values: Floats, places: Integers, least: int = LEAST_BARS) -> Floats:
    """Return the median of a value in up to 20 bars before each of some rows, NaN for fewer than ``least``.

    Parameters
    ----------
    rows
        Sorted by ``symbol`` and ``session``.
    values
        One a row.
    places
        Which rows.
    """
    return _median(_series(rows, values).before(values, places), least)


def large_moves(
    rows: pl.DataFrame, shares: Floats, *, least: float, volatility: float, until: date
) -> pl.DataFrame:
    """List the bars whose close moved much, after known splits.

    Parameters
    ----------
    rows
        Bars sorted by ``symbol`` and ``session``, those that are judged, and before and after them.
    shares
        New shares per share of the first row, by the splits that are known up to each row.
    least
        Smallest move; fraction.
    volatility
        Smallest move of a spike in the symbol's usual one; ratio.
    until
        Last session that is judged: later bars only say what comes back.

    Returns
    -------
    pl.DataFrame
        ``MOVE_SCHEMA``, of ``rows`` up to ``until``, in their order. Look-ahead: ``spike_sessions`` and ``spike_end`` read
        up to five bars after; all else reads the bar and those before it.
    """
    close = rows["close"].to_numpy()
    series = _series(rows, np.log(close * shares))
    move = np.full(rows.height, np.nan)
    move[1:] = np.diff(series.level)
    move[series.first == np.arange(rows.height)] = np.nan
    with np.errstate(invalid="ignore"):
        is_large = np.abs(move) > np.log1p(least)
    is_large &= (rows["session"] <= until).to_numpy()
    places: Integers = np.flatnonzero(is_large)
    if not len(places):
        return pl.DataFrame(schema=MOVE_SCHEMA)
    usual = NORMAL * _median(series.before(np.abs(move), places), LEAST_BARS) + LEAST_VOLATILITY
    spike = _spikes(series, places, usual, least=np.log1p(least), volatility=volatility)
    ends = (places + spike)[spike > 0]
    volume = rows["volume"].to_numpy() / shares
    usual_volume = _median(series.before(volume, places), LEAST_BARS) * shares[places]
    with np.errstate(divide="ignore", invalid="ignore"):
        traded = rows["volume"].to_numpy()[places] / usual_volume
    previous = close[places - 1] * shares[places - 1] / shares[places]
    ratio = np.exp(move[places])
    return pl.DataFrame(
        {
            "symbol": rows["symbol"][places],
            "session": rows["session"][places],
            "previous_session": rows["session"][places - 1],
            "previous_close": previous,
            "close": close[places],
            "volume": rows["volume"][places],
            "ratio": ratio,
            "move": move[places],
            "gap": np.log(rows["open"].to_numpy()[places] / previous),
            "usual_move": usual,
            "usual_volume": usual_volume,
            "volume_ratio": np.minimum(traded, traded * ratio),
            "spike_sessions": spike,
            "comes_back": np.isin(places, ends),
            "spike_end": rows["session"][places + np.maximum(spike - 1, 0)],
        },
        schema=MOVE_SCHEMA,
    ).with_columns(pl.col("usual_move", "usual_volume", "volume_ratio").fill_nan(None))


def _series(rows: pl.DataFrame, level: Floats) -> _Series:
    if rows.is_empty():
        nothing = np.zeros(0, dtype=np.int64)
        return _Series(nothing, nothing, level)
    other_symbol = np.diff(rows["symbol"].rle_id().to_numpy().astype(np.int64)) != 0
    begins = np.r_[True, other_symbol] | begins_anew(rows).to_numpy()
    starts = np.flatnonzero(begins)
    ends = np.r_[starts[1:], rows.height] - 1
    run = np.cumsum(begins) - 1
    return _Series(starts[run], ends[run], level)


def _median(values: Floats, least: int) -> Floats:
    """Median of each row without NaN; NaN for fewer than ``least`` numbers."""
    ordered = np.sort(values, axis=1)  # NaN last
    count = np.isfinite(values).sum(axis=1)
    row = np.arange(len(values))
    middle = np.maximum(count, 1)
    median = (ordered[row, (middle - 1) // 2] + ordered[row, middle // 2]) / 2
    return np.where(count >= least, median, np.nan)


def _spikes(series: _Series, places: Integers, usual: Floats, *, least: float, volatility: float) -> Integers:
    """How many bars of each place on lie elsewhere before the price is back; 0 where it is not."""
    found = np.zeros(len(places), dtype=np.int64)
    before = series.level[places - 1]
    smallest, largest = np.full(len(places), np.inf), np.zeros(len(places))
    side = np.sign(series.level[places] - before)
    for length in range(1, SPIKE_SESSIONS + 1):
        is_inside = places + length <= series.last[places]
        away = (series.level[np.minimum(places + length - 1, series.last[places])] - before) * side
        smallest, largest = np.minimum(smallest, away), np.maximum(largest, away)
        back = series.level[np.minimum(places + length, series.last[places])] - before
        with np.errstate(invalid="ignore"):
            is_spike = (smallest > least) & (smallest > volatility * usual)
        is_spike &= (largest - smallest <= _SPREAD * smallest) & (np.abs(back) <= _BACK * smallest)
        found = np.where((found == 0) & is_inside & is_spike, length, found)
    return found
