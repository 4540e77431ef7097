"""Seams: where a symbol's bars go on after a long silence, as another company's may; nothing is computed across one.

A ticker that is given up is used again by somebody else. Its series then looks like one, and twelve months of momentum
over both companies like the best of the market. What begins after more than ``SILENCE`` without a bar is therefore taken
for a new instrument: its windows, its averages that never forget and its adjustment begin with its own first bar. A company
that was suspended for so long begins anew as well.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

SILENCE = timedelta(days=30)
"""The longest time between two bars of one instrument; calendar days."""
_MARK = "\0"
"""Between a symbol and the number of its instrument: sorts before everything that a symbol can go on with."""


def begins_anew(bars: pl.DataFrame) -> pl.Series:
    """Say of each bar whether its symbol was silent for too long before it; sorted by ``symbol`` and ``session``."""
    long_after = np.zeros(bars.height, dtype=np.bool_)
    long_after[1:] = np.diff(bars["session"].to_physical().to_numpy()) > SILENCE.days
    found = pl.Series("symbol", long_after)
    if not long_after.any():  # seldom: then symbols need not be compared
        return found
    return found & (bars["symbol"] == bars["symbol"].shift(1)).fill_null(value=False)


def first_bars(bars: pl.DataFrame) -> pl.DataFrame:
    """Return ``symbol`` and ``session`` of the bars after a seam, one row each; sorted bars as in ``begins_anew``."""
    return bars.filter(begins_anew(bars)).select("symbol", "session")


def newest_instruments(bars: pl.DataFrame) -> pl.DataFrame:
    """Return the bars of each symbol's last instrument; sorted bars as in ``begins_anew``."""
    is_seam = begins_anew(bars)
    if not is_seam.any():
        return bars
    number = is_seam.cast(
        pl.Int64
    ).cum_sum()  # it grows from symbol to symbol too: the highest is each one's last
    numbered = bars.with_columns(seam=number)
    return numbered.filter(pl.col("seam") == pl.col("seam").max().over("symbol")).drop("seam")


@dataclass(frozen=True)
class Instruments:
    """Bars and actions by instrument: those after a symbol's first seam have a symbol of their own, until ``named`` again."""

    bars: pl.DataFrame
    actions: pl.DataFrame
    has_seams: bool

    @classmethod
    def of(cls, bars: pl.DataFrame, actions: pl.DataFrame, *, without: Collection[str] = ()) -> Instruments:
        """Tell the instruments of some bars apart.

        Parameters
        ----------
        bars
            At least ``symbol`` and ``session``, sorted by them.
        actions
            Corporate actions: ``symbol``, ``ex_date`` and, of a spin-off, ``new_symbol``. An action belongs to the
            instrument that the symbol was on its ex-date.
        without
            Symbols that are one instrument, whatever is missing of them.
        """
        is_seam = begins_anew(bars)
        if is_seam.any():
            is_seam &= ~bars["symbol"].is_in(list(without))
        if not is_seam.any():
            return cls(bars, actions, has_seams=False)
        number = pl.col("seam").cum_sum().over("symbol")
        numbered = bars.with_columns(seam=is_seam.cast(pl.Int64)).with_columns(seam=number)
        spans = numbered.group_by("symbol", "seam").agg(
            first=pl.col("session").min(), last=pl.col("session").max()
        )
        own = numbered.with_columns(symbol=_name(pl.col("symbol"), pl.col("seam"))).drop("seam")
        return cls(own, _actions_by_instrument(actions, spans), has_seams=True)

    def named(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows under the symbols that the market knows."""
        if not self.has_seams:
            return rows
        return rows.with_columns(pl.col("symbol").str.replace(f"{_MARK}.*$", ""))


def _name(symbol: pl.Expr, number: pl.Expr) -> pl.Expr:
    later = pl.format("{}{}{}", symbol, pl.lit(_MARK), number.cast(pl.String).str.zfill(4))
    return pl.when(number > 0).then(later).otherwise(symbol)


def _actions_by_instrument(actions: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    reused = spans.filter(pl.col("seam").max().over("symbol") > 0)
    numbered = actions.with_row_index("place")

    def instrument(symbol: str, fits: pl.Expr, best: pl.Expr) -> pl.DataFrame:
        found = numbered.join(reused, left_on=symbol, right_on="symbol", how="inner").filter(fits)
        return found.group_by("place").agg(best.alias(f"{symbol} seam"))

    # an action is the instrument's that had begun by then; what was spun off is the one that trades from then on
    rules = {
        "symbol": (pl.col("first") <= pl.col("ex_date"), pl.col("seam").max()),
        "new_symbol": (pl.col("last") >= pl.col("ex_date"), pl.col("seam").min()),
    }
    for symbol, (fits, best) in rules.items():
        if symbol in actions.columns:
            numbered = numbered.join(
                instrument(symbol, fits, best), on="place", how="left", maintain_order="left"
            ).with_columns(_name(pl.col(symbol), pl.col(f"{symbol} seam").fill_null(0)).alias(symbol))
    return numbered.select(actions.columns)
