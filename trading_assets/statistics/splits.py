"""Splits of a history into rows to learn from and rows to test on, so that no label of the one tells of the other.

A row's label is known some rows later (a return over five sessions: five). Rows whose label overlaps that of a test row are purged;
``embargo`` rows after each run of test rows are left out too, as what happened there still echoes. Source: Lopez de Prado, Advances in
Financial Machine Learning (2018), chapters 7 and 12.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.statistics.series import FloatArray, IndexArray


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to learn from and rows to test on, both in order of time."""

    train: IndexArray
    test: IndexArray


def purged_folds(rows: int, folds: int, *, label_rows: ArrayLike = 1, embargo: int = 0) -> Iterator[Split]:
    """Yield ``folds`` splits; each tests one run of rows and learns from those before and after it.

    Parameters
    ----------
    rows
        Length of the history.
    folds
        Runs that the history is cut into; their lengths differ by one row at most.
    label_rows
        Rows until a label is known, one number or one per row; at least 1.
    embargo
        Rows left out after each run of test rows.

    Examples
    --------
    >>> first = next(purged_folds(6, 3, label_rows=2, embargo=1))
    >>> first.train.tolist(), first.test.tolist()
    ([3, 4, 5], [0, 1])
    """
    ends = _label_ends(rows, label_rows)
    for block in blocks(rows, folds):
        yield Split(_kept(np.setdiff1d(np.arange(rows), block), block, ends, embargo), block)


def combinatorial_folds(
    rows: int, groups: int, tested: int, *, label_rows: ArrayLike = 1, embargo: int = 0
) -> Iterator[Split]:
    """Yield a split for every choice of ``tested`` out of ``groups`` runs of rows, in lexicographic order.

    Parameters
    ----------
    rows, label_rows, embargo
        As in ``purged_folds``.
    groups
        Runs that the history is cut into.
    tested
        Runs that each split tests.

    Examples
    --------
    >>> len(list(combinatorial_folds(60, 6, 2)))
    15
    """
    ends, cut = _label_ends(rows, label_rows), blocks(rows, groups)
    for chosen in combinations(range(groups), tested):
        test = np.concatenate([cut[group] for group in chosen])
        yield Split(_kept(np.setdiff1d(np.arange(rows), test), test, ends, embargo), test)


def combinatorial_paths(results: Sequence[ArrayLike], rows: int, groups: int, tested: int) -> FloatArray:
    """Join the results of ``combinatorial_folds`` to whole histories, none of which uses a row twice.

    Parameters
    ----------
    results
        For each split, in its order, one number per test row (a return, a forecast).
    rows, groups, tested
        As they were given to ``combinatorial_folds``.

    Returns
    -------
    FloatArray
        Shape (paths, rows); group ``g`` of path ``p`` is from the ``p``-th split that tests ``g``.

    Examples
    --------
    >>> combinatorial_paths([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]], 3, 3, 2).tolist()
    [[1.0, 1.0, 2.0], [2.0, 3.0, 3.0]]
    """
    cut = blocks(rows, groups)
    pieces: list[list[FloatArray]] = [[] for _ in cut]
    for chosen, result in zip(combinations(range(groups), tested), results, strict=True):
        sizes = np.cumsum([len(cut[group]) for group in chosen])[:-1]
        for group, piece in zip(chosen, np.split(np.asarray(result, np.float64), sizes), strict=True):
            pieces[group].append(piece)
    return np.concatenate([np.stack(of_group) for of_group in pieces], axis=1)


def walk_forward(
    rows: int,
    folds: int,
    test_rows: int,
    *,
    window: Literal["expanding", "rolling"] = "expanding",
    train_rows: int | None = None,
    label_rows: ArrayLike = 1,
    embargo: int = 0,
) -> Iterator[Split]:
    """Yield ``folds`` splits that test the end of the history piece by piece, and learn from what came before only.

    Parameters
    ----------
    rows
        Length of the history.
    folds
        Pieces of ``test_rows`` rows; ``folds * test_rows`` is less than ``rows``.
    test_rows
        Rows of a piece.
    window
        ``expanding`` learns from all that came before, ``rolling`` from the last ``train_rows`` of it.
    train_rows
        Rows to learn from, after purging; all where it is not given.
    label_rows
        As in ``purged_folds``.
    embargo
        Rows between the last label that is learned from and the first test row.

    Raises
    ------
    ValueError
        If the pieces leave nothing to learn from, or a rolling window has no length.

    Examples
    --------
    >>> [(split.train.tolist(), split.test.tolist()) for split in walk_forward(6, 2, 2, embargo=1)]
    [([0], [2, 3]), ([0, 1, 2], [4, 5])]
    """
    if folds * test_rows >= rows:
        raise ValueError(f"{folds} pieces of {test_rows} rows leave nothing of {rows} rows to learn from")
    if window == "rolling" and not train_rows:
        raise ValueError("a rolling window needs train_rows")
    ends = _label_ends(rows, label_rows)
    for first in range(rows - folds * test_rows, rows, test_rows):
        train = np.flatnonzero(ends[:first] <= first - embargo)
        yield Split(train[-train_rows:] if train_rows else train, np.arange(first, first + test_rows))


def blocks(rows: int, count: int) -> list[IndexArray]:
    """Cut ``rows`` into ``count`` runs in order, whose lengths differ by one at most, the longer ones first.

    Raises
    ------
    ValueError
        If there are fewer than two runs, or fewer rows than runs.

    Examples
    --------
    >>> [block.tolist() for block in blocks(5, 2)]
    [[0, 1, 2], [3, 4]]
    """
    if not 2 <= count <= rows:
        raise ValueError(f"{rows} rows cannot be cut into {count} runs")
    return np.array_split(np.arange(rows), count)


def _label_ends(rows: int, label_rows: ArrayLike) -> IndexArray:
    # the row at which a label is known, which it does not need itself
    ends: IndexArray = np.arange(rows) + np.asarray(label_rows, np.int64)
    return ends


def _kept(train: IndexArray, test: IndexArray, ends: IndexArray, embargo: int) -> IndexArray:
    keep = np.ones(len(train), dtype=np.bool_)
    for run in np.split(test, np.flatnonzero(np.diff(test) > 1) + 1):
        overlaps = (train < ends[run].max()) & (ends[train] > run[0])
        keep &= ~overlaps & ~((train > run[-1]) & (train <= run[-1] + embargo))
    return train[keep]
