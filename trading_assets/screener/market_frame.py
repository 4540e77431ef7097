"""Market frame: the values that a screen reads of each (symbol, session) asked for, of earlier sessions too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property, lru_cache

import numpy as np
import polars as pl

from trading_assets.indicators.kernel import FloatArray, IndexArray
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import DEFAULT_SORT, Basis, Query, predicates, values_of
from trading_assets.sessions import sessions_between
from trading_assets.tables.fundamentals import AGE_COLUMN

_FACTORS: dict[tuple[str, Basis], str] = {
    ("price", "total_return"): "price_factor",
    ("price", "splits"): "share_factor",
    ("shares", "total_return"): "share_factor",
    ("shares", "splits"): "share_factor",
}
# By scale of the field and basis: the column that says how a session's scale relates to another's.
BADGE_FIELDS = ("close", "rsi_14", "sma_50", "sma_200", "macd_histogram")
_KEPT_PLACES = 4
_DAY = np.dtype("datetime64[D]")


class Market:
    """Rows of the sessions asked for, with the earlier rows that conditions look back on.

    Input: one row per (symbol, session) with ``symbol``, ``session`` and the columns of ``columns_needed``, in any
    order, of the sessions asked for and of those that are looked back on. Null and NaN are missing data.

    Look-ahead: each row knows its session's close; an earlier value is that of the symbol's row at the market session so
    many sessions before, in the scale that is asked for (``filters.basis_of``), and missing if there is no such row or it is
    another instrument's.

    Parameters
    ----------
    rows
        As above.
    sessions
        Sessions asked for; all if not given.
    seams
        ``symbol`` and ``session`` of bars that began another instrument (``features.seams.first_bars``) within what is
        looked back on. None if nobody did.
    """

    def __init__(
        self,
        rows: pl.DataFrame,
        sessions: Sequence[date] | None = None,
        *,
        seams: pl.DataFrame | None = None,
    ) -> None:
        self._rows = _Rows(rows, seams)
        self._asked: IndexArray | None = None
        if sessions is not None:
            asked = rows["session"].is_in(list(sessions))
            self._asked = None if asked.all() else asked.arg_true().to_numpy()
        self._place = lru_cache(maxsize=_KEPT_PLACES)(self._find_place)

    def only(self, places: Sequence[int] | IndexArray) -> Market:
        """Return the market of some of the rows asked for, by their place."""
        chosen = np.asarray(places, dtype=np.int64)
        market = object.__new__(Market)
        market._rows = self._rows
        market._asked = chosen if self._asked is None else self._asked[chosen]
        market._place = lru_cache(maxsize=_KEPT_PLACES)(market._find_place)
        return market

    @property
    def height(self) -> int:
        """Number of rows asked for."""
        return self._rows.frame.height if self._asked is None else len(self._asked)

    @cached_property
    def keys(self) -> pl.DataFrame:
        """``symbol`` and ``session`` of the rows asked for."""
        keys = self._rows.frame.select("symbol", "session")
        return keys if self._asked is None else keys[self._asked]

    def has(self, field: str) -> bool:
        """Say whether a field was loaded."""
        return field in self._rows.frame.columns

    def text(self, field: str) -> pl.Series:
        """Return a text field of the rows asked for."""
        column = self._rows.frame[field]
        return column if self._asked is None else column.gather(self._asked)

    def numbers(self, field: str, ago: int = 0, basis: Basis = "total_return") -> FloatArray:
        """Return a number of the rows asked for, as it was so many sessions before; NaN is missing.

        Earlier prices and share counts are in the scale of the row's session, as ``filters.basis_of`` says.
        """
        if ago == 0:
            return self._now(field)
        place = self._place(ago)
        earlier = self._rows.column(field)[place]
        scale = FIELDS[field].scale
        factor = _FACTORS.get((scale, basis))
        if factor is not None:
            then, now = self._rows.column(factor)[place], self._now(factor)
            # a split into two doubles the shares and halves the price
            is_inverse = scale == "price" and factor == "share_factor"
            earlier = earlier * then / now if is_inverse else earlier * (now / then)
        return np.where(place < 0, np.nan, earlier)

    def _now(self, name: str) -> FloatArray:
        column = self._rows.column(name)
        return column if self._asked is None else column[self._asked]

    def _find_place(self, ago: int) -> IndexArray:
        # The row of the same instrument at the market session so many sessions before each row asked for; -1 if none.
        number, symbol, table = self._rows.coordinates
        if self._asked is not None:
            number, symbol = number[self._asked], symbol[self._asked]
        before = number - ago
        place = np.where(before < 0, -1, table[symbol, np.maximum(before, 0)])
        instruments = self._rows.instruments
        if instruments is None:
            return place
        now = instruments if self._asked is None else instruments[self._asked]
        return np.where(instruments[place] == now, place, -1)


class _Rows:
    # All rows that were loaded, their numbers as arrays, and where the row of each symbol and session is.

    def __init__(self, frame: pl.DataFrame, seams: pl.DataFrame | None) -> None:
        self.frame = frame
        self._seams = seams
        self._numbers: dict[str, FloatArray] = {}

    def column(self, name: str) -> FloatArray:
        if name not in self._numbers:
            self._numbers[name] = self.frame[name].cast(pl.Float64).rechunk().to_numpy()
        return self._numbers[name]

    @cached_property
    def instruments(self) -> IndexArray | None:
        # How many seams of its symbol each row has behind it; None if there are none.
        if self._seams is None or self._seams.is_empty():
            return None
        began = self._seams.select("symbol", began="session")
        keys = self.frame.select(pl.col("symbol").cast(pl.String), "session").with_row_index("row")
        behind = keys.join(began, on="symbol").filter(pl.col("began") <= pl.col("session"))
        return np.bincount(behind["row"].to_numpy(), minlength=self.frame.height)

    @cached_property
    def coordinates(self) -> tuple[IndexArray, IndexArray, IndexArray]:
        days = self.frame["session"].to_numpy().astype(_DAY)
        symbol = self.frame["symbol"].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
        if not len(days):
            return symbol, symbol, np.full((1, 1), -1, dtype=np.int64)
        calendar = np.array(sessions_between(days.min().item(), days.max().item()), dtype=_DAY)
        number = np.searchsorted(calendar, days).astype(np.int64)
        table = np.full((int(symbol.max()) + 1, len(calendar)), -1, dtype=np.int64)
        table[symbol, number] = np.arange(len(days))
        return number, symbol, table


def columns_needed(query: Query) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Say which columns a query reads, and how many sessions before.

    They are those of ``columns_decided``, the one it sorts by, those of the badge and, with fundamentals, their age.

    Returns
    -------
    tuple
        Names, without ``symbol`` and ``session``; and the distances back to earlier sessions, 0 included, ascending.
    """
    decided, distances = columns_decided(query)
    sort = (query.sort or DEFAULT_SORT).field
    names = dict.fromkeys([*BADGE_FIELDS, *decided, sort])
    if any(name in FIELDS and FIELDS[name].group == "fundamental" for name in names):
        names[AGE_COLUMN] = None
    return tuple(names), distances


def columns_decided(query: Query) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Say which columns the conditions of a query read, and how many sessions before, as ``columns_needed`` does.

    They are its fields, and the factors that bring earlier values into the scale of the session.
    """
    values = {value for predicate in predicates(query.where) for value in values_of(predicate)}
    fields = {value.field for value in values}
    scaled = {(FIELDS[field].scale, basis) for field, ago, basis in values if ago}
    factors = {_FACTORS[key] for key in scaled if key in _FACTORS}
    names = dict.fromkeys([*sorted(fields), *sorted(factors)])
    names.pop("symbol", None)
    return tuple(names), tuple(sorted({0, *(value.sessions_ago for value in values)}))
