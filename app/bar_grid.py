"""Bar grid: which bars should be stored and which are, symbols by sessions, summed into the cells of a heatmap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import numpy as np
import polars as pl
from numpy.typing import NDArray

Counts = NDArray[np.uint8]

MAX_COLUMNS = 130
"""Above so many sessions a cell is a week, then a month."""
MAX_ROWS = 26
STATES = ("complete", "under 1 % missing", "1 to 5 %", "5 to 20 %", "over 20 %", "no bar")
_LIMITS = (0.01, 0.05, 0.20)
CELL_SCHEMA = {
    "row": pl.String, "first": pl.Date, "last": pl.Date, "expected": pl.Int64, "missing": pl.Int64,
    "stored_frac": pl.Float64, "state": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """Bars of one table: ``expected`` and ``stored`` counts, one row a symbol and one column a session.

    Bars that nobody expected are not counted in ``stored``, so that they cannot hide missing ones.
    """

    symbols: tuple[str, ...]
    sessions: tuple[date, ...]
    expected: Counts
    stored: Counts

    @property
    def missing(self) -> Counts:
        """Bars that should be there and are not."""
        return self.expected - np.minimum(self.stored, self.expected)

    def since(self, sessions: int) -> Grid:
        """Return the newest sessions."""
        first = max(0, len(self.sessions) - sessions)
        return Grid(self.symbols, self.sessions[first:], self.expected[:, first:], self.stored[:, first:])


def columns(sessions: Sequence[date], limit: int = MAX_COLUMNS) -> list[tuple[date, date]]:
    """Cut sessions into the columns of a heatmap: sessions, or else weeks, or else months; first and last of each."""
    if len(sessions) <= limit:
        return [(day, day) for day in sessions]
    for key in (lambda day: tuple(day.isocalendar())[:2], lambda day: (day.year, day.month)):
        spans = [list(days) for _, days in groupby(sessions, key)]
        if len(spans) <= limit:
            break
    return [(days[0], days[-1]) for days in spans]


def alphabetical(symbols: Sequence[str], rows: int = MAX_ROWS) -> list[str]:
    """Label each of the sorted symbols with its row: itself if they are few, else a range such as ``AA to AMZN``."""
    if len(symbols) <= rows:
        return list(symbols)
    labels: list[str] = []
    for part in np.array_split(np.arange(len(symbols)), rows):
        labels += [f"{symbols[part[0]]} to {symbols[part[-1]]}"] * len(part)
    return labels


def cells(grid: Grid, rows: Sequence[str]) -> pl.DataFrame:
    """Sum a grid into cells.

    Parameters
    ----------
    grid
        Bars of one table.
    rows
        Label of the row to which each of the grid's symbols belongs.

    Returns
    -------
    pl.DataFrame
        One row per heatmap row and column in which any bar was expected: ``row``, ``first`` and ``last`` session,
        ``expected`` and ``missing`` bars, ``stored_frac`` (fraction), ``state`` (one of ``STATES``). A week with one
        missing bar is never ``complete``.
    """
    if not grid.symbols or not grid.sessions:
        return pl.DataFrame(schema=CELL_SCHEMA)
    labels = list(dict.fromkeys(rows))
    place = {label: number for number, label in enumerate(labels)}
    row_of = np.array([place[label] for label in rows])
    spans = columns(grid.sessions)
    starts = np.searchsorted(np.array(grid.sessions), np.array([first for first, _ in spans]))
    expected, missing = (_summed(counts, starts, row_of) for counts in (grid.expected, grid.missing))
    table = pl.DataFrame(
        {
            "row": np.repeat(labels, len(spans)),
            "first": [first for first, _ in spans] * len(labels),
            "last": [last for _, last in spans] * len(labels),
            "expected": expected.ravel(),
            "missing": missing.ravel(),
        }
    ).filter(pl.col("expected") > 0)
    share = pl.col("missing") / pl.col("expected")
    state = pl.when(pl.col("missing") == 0).then(pl.lit(STATES[0])).when(share == 1).then(pl.lit(STATES[5]))
    for limit, name in zip(_LIMITS, STATES[1:4], strict=True):
        state = state.when(share < limit).then(pl.lit(name))
    return table.with_columns(stored_frac=1 - share, state=state.otherwise(pl.lit(STATES[4]))).select(
        pl.col(name).cast(dtype) for name, dtype in CELL_SCHEMA.items()
    )


def _summed(counts: Counts, starts: NDArray[np.int64], row_of: NDArray[np.int64]) -> NDArray[np.int64]:
    wide = np.add.reduceat(counts, starts, axis=1, dtype=np.int32)
    order = np.argsort(row_of, kind="stable")
    heads = np.searchsorted(row_of[order], np.arange(row_of.max() + 1))
    return np.add.reduceat(wide[order], heads, axis=0, dtype=np.int64)


def per_session(grid: Grid) -> pl.DataFrame:
    """Return ``session``, ``expected`` and ``missing`` bars and ``symbols`` that lack any, oldest first."""
    missing = grid.missing
    return pl.DataFrame(
        {
            "session": grid.sessions,
            "expected": grid.expected.sum(axis=0, dtype=np.int64),
            "missing": missing.sum(axis=0, dtype=np.int64),
            "symbols": (missing > 0).sum(axis=0, dtype=np.int64),
        },
        schema_overrides={"session": pl.Date},
    )


def per_symbol(grid: Grid) -> pl.DataFrame:
    """Return the symbols that lack bars: ``expected``, ``missing``, first and last session without; worst first."""
    missing = grid.missing
    short = np.flatnonzero(missing.any(axis=1))
    holes = missing[short] > 0
    last = len(grid.sessions) - 1 - holes[:, ::-1].argmax(axis=1) if len(short) else short
    return pl.DataFrame(
        {
            "symbol": [grid.symbols[number] for number in short],
            "expected": grid.expected[short].sum(axis=1, dtype=np.int64),
            "missing": missing[short].sum(axis=1, dtype=np.int64),
            "first_missing": [grid.sessions[number] for number in holes.argmax(axis=1)] if len(short) else [],
            "last_missing": [grid.sessions[number] for number in last],
        },
        schema={
            "symbol": pl.String, "expected": pl.Int64, "missing": pl.Int64, "first_missing": pl.Date, "last_missing": pl.Date,
        },
    ).sort("missing", "symbol", descending=[True, False])  # fmt: skip


def missing_symbols(grid: Grid, session: date) -> pl.DataFrame:
    """Return ``symbol``, ``expected`` and ``missing`` of the symbols that lack bars in a session, by symbol."""
    column = grid.sessions.index(session)
    missing = grid.missing[:, column]
    short = np.flatnonzero(missing)
    return pl.DataFrame(
        {
            "symbol": [grid.symbols[number] for number in short],
            "expected": grid.expected[short, column],
            "missing": missing[short],
        },
        schema={"symbol": pl.String, "expected": pl.Int64, "missing": pl.Int64},
    )
