"""Series: the bars of many symbols as the kernels read them, symbol after symbol, with what happened to their shares."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from trading_assets.errors import DataQualityError
from trading_assets.indicators.kernel import FloatArray, IndexArray

PRICES = ("open", "high", "low", "close")
_NONE = np.empty(0)


@dataclass(frozen=True)
class Series:
    """Raw bars by row, symbol after symbol; signals are made of adjusted closes, fills of raw prices.

    Attributes
    ----------
    symbols
        One per run of rows.
    starts
        First row of each symbol, and the number of rows.
    days
        Of each row, since 1970.
    prices
        Raw open, high, low, close; (rows, 4), USD.
    volume
        Shares.
    signal_close
        Closes in one scale, adjusted for splits and what else the caller adjusts for.
    split, dividend
        Shares for one, and USD per share before that split, at the open of each row; empty without any.
    final_value
        By symbol: what a share was worth after its last bar, in USD; NaN while it is traded on.
    volatility
        By row: daily volatility that is known at the open, fraction; empty if no cost needs it.
    """

    symbols: tuple[str, ...]
    starts: IndexArray
    days: IndexArray
    prices: FloatArray
    volume: FloatArray
    signal_close: FloatArray
    split: FloatArray = field(default_factory=lambda: _NONE)
    dividend: FloatArray = field(default_factory=lambda: _NONE)
    final_value: FloatArray = field(default_factory=lambda: _NONE)
    volatility: FloatArray = field(default_factory=lambda: _NONE)

    @property
    def rows(self) -> int:
        """Number of bars."""
        return len(self.days)

    @classmethod
    def of(
        cls,
        bars: pl.DataFrame,
        *,
        splits: pl.DataFrame | None = None,
        dividends: pl.DataFrame | None = None,
        final_values: Mapping[str, float] | None = None,
        signal_close: pl.Series | None = None,
        volatility: pl.Series | None = None,
    ) -> Series:
        """Lay out bars.

        Parameters
        ----------
        bars
            ``symbol``, ``session``, raw ``open``, ``high``, ``low``, ``close`` and ``volume``; one row per key, sorted by it, no
            nulls, prices above 0. Give each instrument a symbol of its own: a ticker used again is not one series.
        splits
            ``symbol``, ``session`` (a bar's) and ``ratio``: shares for one, at that open.
        dividends
            ``symbol``, ``session`` and ``cash_usd`` a share held before that open, in the scale before a split of that day.
        final_values
            Of symbols whose last bar is the end of their listing: what a share was paid, in USD; 0 if nothing.
        signal_close
            Closes that signals are made of, a value per row; if omitted, raw ones divided by the splits since.
        volatility
            Daily volatility that is known at the open of each row, a fraction; needed by ``Costs.volatility_mult`` alone.

        Raises
        ------
        DataQualityError
            If bars are out of order, twice there, null, not finite or not above 0; if volume is below 0, ``signal_close`` or
            ``volatility`` has another length or values that mean nothing, or an action has no bar or no number that means something.
        """
        _require_in_order(bars)
        symbols, starts = _runs(bars["symbol"])
        days = bars["session"].cast(pl.Date).to_physical().to_numpy().astype(np.int64)
        prices = np.ascontiguousarray(bars.select(pl.col(*PRICES).cast(pl.Float64)).to_numpy())
        if not (np.isfinite(prices).all() and (prices > 0).all()):
            raise DataQualityError("A backtest needs bars with finite prices above 0")
        volume = bars["volume"].cast(pl.Float64).to_numpy()
        if not (np.isfinite(volume).all() and (volume >= 0).all()):
            raise DataQualityError("A backtest needs bars with finite volumes of 0 or more")
        split = _by_row(bars, splits, "ratio", 1.0)
        dividend = _by_row(bars, dividends, "cash_usd", 0.0)
        if len(split) or len(dividend):
            split = split if len(split) else np.ones(bars.height)
            dividend = dividend if len(dividend) else np.zeros(bars.height)
        ends = final_values or {}
        if not all(value >= 0 and np.isfinite(value) for value in ends.values()):
            raise DataQualityError("Final values must be finite and 0 or more", final_values=dict(ends))
        closes = prices[:, 3] if signal_close is None else signal_close.cast(pl.Float64).to_numpy()
        if len(closes) != bars.height or not (np.isfinite(closes).all() and (closes > 0).all()):
            raise DataQualityError(
                "Closes of signals must be finite and above 0, one a bar",
                closes=len(closes),
                bars=bars.height,
            )
        if signal_close is None and len(split):
            closes = closes / splits_since(split, starts)
        moves = _NONE if volatility is None else volatility.cast(pl.Float64).to_numpy()
        if volatility is not None and not (
            len(moves) == bars.height and np.isfinite(moves).all() and (moves >= 0).all()
        ):
            raise DataQualityError(
                "Volatilities must be finite and 0 or more, one a bar",
                volatilities=len(moves),
                bars=bars.height,
            )
        return cls(
            symbols, starts, days, prices, volume, np.ascontiguousarray(closes),
            split, dividend, np.array([ends.get(symbol, np.nan) for symbol in symbols]),
            np.ascontiguousarray(moves),
        )  # fmt: skip


def splits_since(split: FloatArray, starts: IndexArray) -> FloatArray:
    """Return, by row, how many shares of a symbol's last row one share of the row became."""
    since = np.ones(len(split))
    for first, last in itertools.pairwise(starts):
        own = split[first:last]
        if (own != 1.0).any():
            since[first : last - 1] = np.cumprod(own[:0:-1])[::-1]
    return since


def _require_in_order(bars: pl.DataFrame) -> None:
    if bars.is_empty():
        raise DataQualityError("A backtest needs bars")
    if bars.select(pl.any_horizontal(pl.col("symbol", "session", *PRICES, "volume").is_null()).any()).item():
        raise DataQualityError("A backtest needs bars without nulls")
    runs = bars["symbol"].rle().struct.unnest()
    later = np.diff(bars["session"].cast(pl.Date).to_physical().to_numpy()) > 0
    later[np.cumsum(runs["len"].to_numpy())[:-1] - 1] = True  # from one symbol to the next
    if not (later.all() and runs["value"].is_sorted() and runs["value"].is_unique().all()):
        raise DataQualityError("A backtest needs bars sorted by symbol and session, each once")


def _runs(symbol: pl.Series) -> tuple[tuple[str, ...], IndexArray]:
    runs = symbol.rle().struct.unnest()
    starts = np.concatenate([[0], np.cumsum(runs["len"].to_numpy())]).astype(np.int64)
    return tuple(runs["value"]), starts


def _by_row(bars: pl.DataFrame, events: pl.DataFrame | None, column: str, otherwise: float) -> FloatArray:
    if events is None or events.is_empty():
        return _NONE
    given = events[column].cast(pl.Float64)
    if not (given.is_finite() & ((given > 0) | (column != "ratio"))).fill_null(value=False).all():
        raise DataQualityError("Ratios of splits must be finite and above 0, dividends finite", column=column)
    once = events.group_by("symbol", "session").agg(
        pl.col(column).product() if column == "ratio" else pl.col(column).sum()
    )
    keys = bars.select("symbol", "session")
    if once.join(keys, on=["symbol", "session"], how="anti").height:
        raise DataQualityError("A corporate action of a backtest has no bar of its day", column=column)
    found = keys.join(once, on=["symbol", "session"], how="left", maintain_order="left")[column]
    return found.fill_null(otherwise).cast(pl.Float64).to_numpy()
