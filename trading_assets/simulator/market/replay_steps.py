"""Steps of the adjusted close of a replayed history: one per pair of neighbouring rows of one collection.

What a vendor's adjusted close is scaled to is the day on which it was collected. Two rows that were collected together
are in the same scale: where adjusted over raw close differs between them, an action lies between. Rows of different
collections say nothing about each other, and one row alone says nothing at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_assets.simulator.market.tape import Days, Floats

LONGEST_GAP_DAYS = 30
"""Rows further apart are of two instruments: a ticker that was used again."""
SMALLEST_STEP = 1e-5
COARSEST = 0.02
"""Where rounding may have moved the ratio of two adjusted closes by more than this, no step can be told from it."""
_MOST_DECIMALS = 8
_BINARY_ROUNDING = 2e-7  # what 32 bits leave of a price, relative
_SYMBOL_SPAN, _DAY_SPAN, _DAY_ORIGIN = 1 << 42, 1 << 21, 1 << 20

Flags = NDArray[np.bool_]


class AdjustedRows(NamedTuple):
    """Rows with an adjusted close as equally long columns: whole symbols, each in the order of day and collection.

    ``collection`` numbers what was collected together.
    """

    place: NDArray[np.int32]
    day: Days
    collection: Days
    close: Floats
    adjusted: Floats

    def take(self, which: Flags | NDArray[np.intp] | slice) -> AdjustedRows:
        """Return the chosen rows."""
        return AdjustedRows._make(column[which] for column in self)


class Steps(NamedTuple):
    """Actions' traces as equally long columns.

    ``day`` and ``close`` are those of the last row before, ``next_day`` and ``move`` the day of the first row since and its
    close over ``close``. ``factor`` is what the action does to the prices before it; rounding may have moved it by
    ``error``, relative.
    """

    place: NDArray[np.int32]
    day: Days
    next_day: Days
    collection: Days
    close: Floats
    move: Floats
    factor: Floats
    error: Floats


_NO_DAYS, _NO_NUMBERS = np.empty(0, np.int32), np.empty(0, np.float64)
NO_STEPS = Steps(_NO_DAYS, _NO_DAYS, _NO_DAYS, _NO_DAYS, _NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS)


@dataclass(frozen=True)
class Read:
    """What adjusted closes say.

    ``steps`` are in the order of place, collection and day. ``adjusted`` are the places that have adjusted closes, ``alone``
    those of them of which each was collected without a neighbour: what they stand for cannot be known.
    """

    steps: Steps
    adjusted: NDArray[np.int32]
    alone: NDArray[np.int32]

    @classmethod
    def nothing(cls) -> Read:
        """Return what a file without adjusted closes says."""
        return cls(NO_STEPS, _NO_DAYS, _NO_DAYS)

    @classmethod
    def joined(cls, parts: Sequence[Read]) -> Read:
        """Return in one what parts of a file say."""
        return cls(
            Steps._make(map(np.concatenate, zip(*(part.steps for part in parts), strict=True))),
            np.concatenate([part.adjusted for part in parts]),
            np.concatenate([part.alone for part in parts]),
        )


def read_steps(rows: AdjustedRows) -> Read:
    """Find the steps between neighbouring rows of one collection; rows without two usable prices are passed over."""
    with np.errstate(invalid="ignore"):
        rows = rows.take((rows.close > 0) & (rows.adjusted > 0) & np.isfinite(rows.close * rows.adjusted))
    factor = rows.adjusted / rows.close
    is_adjusted = np.abs(factor - 1) > SMALLEST_STEP
    # most symbols of many files were never adjusted
    rows = rows.take(np.isin(rows.place, np.unique(rows.place[is_adjusted])))
    collected, day = (column.astype(np.int64) + _DAY_ORIGIN for column in (rows.collection, rows.day))
    key = rows.place * np.int64(_SYMBOL_SPAN) + collected * _DAY_SPAN + day
    order = np.argsort(key, kind="stable")
    key = key[order]
    last = np.ones(len(key), dtype=np.bool_)  # of one row that was collected twice on a day
    last[:-1] = key[1:] != key[:-1]
    rows = rows.take(order[last])
    return _between_neighbours(rows)


def _between_neighbours(rows: AdjustedRows) -> Read:
    together = (rows.place[1:] == rows.place[:-1]) & (rows.collection[1:] == rows.collection[:-1])
    together &= rows.day[1:] - rows.day[:-1] <= LONGEST_GAP_DAYS
    factor, doubt = rows.adjusted / rows.close, _doubt(rows)
    step, error = factor[:-1] / factor[1:], doubt[:-1] + doubt[1:]
    found = together & (np.abs(step - 1) > np.maximum(SMALLEST_STEP, error)) & (error <= COARSEST)
    before, since = np.flatnonzero(found), np.flatnonzero(found) + 1
    has_neighbour = np.zeros(len(factor), dtype=np.bool_)
    has_neighbour[:-1] |= together
    has_neighbour[1:] |= together
    is_adjusted = np.abs(factor - 1) > SMALLEST_STEP
    adjusted = np.unique(rows.place[is_adjusted])
    return Read(
        Steps(
            place=rows.place[before],
            day=rows.day[before],
            next_day=rows.day[since],
            collection=rows.collection[before],
            close=rows.close[before],
            move=rows.close[since] / rows.close[before],
            factor=step[before],
            error=error[before],
        ),
        adjusted,
        np.setdiff1d(adjusted, rows.place[is_adjusted & has_neighbour]),
    )


def _doubt(rows: AdjustedRows) -> Floats:
    # How far rounding may have moved each adjusted close, relative: half of the last decimal that its symbol's have. One
    # that equals the close was not computed, and is exact.
    decimals = np.zeros(len(rows.place), dtype=np.int64)
    left = np.ones(len(rows.place), dtype=np.bool_)
    for count in range(_MOST_DECIMALS + 1):
        decimals[left] = count
        scaled = rows.adjusted[left] * 10.0**count
        left[left] = np.abs(scaled - np.rint(scaled)) > _BINARY_ROUNDING * np.maximum(scaled, 1.0)
    most = np.zeros(int(rows.place.max(initial=-1)) + 1, dtype=np.int64)
    np.maximum.at(most, rows.place, decimals)
    half = 0.5 * 10.0 ** -most[rows.place]
    return np.where(rows.adjusted == rows.close, 0.0, half / rows.adjusted)
