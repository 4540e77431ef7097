"""Corporate actions of a replayed history, read from the adjusted close of the day before: one per (symbol, ex-date).

On an ex-date the vendor collects the session before once more, and its adjusted close over its close is then
the action's factor: 3 after a reverse split of 1 for 3, and 1 - cash / close after a dividend.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trading_assets.sessions import is_session, next_session
from trading_assets.simulator.market.tape import Action, Days, Floats, day_of, publication

_SMALLEST_MOVE = 1e-5
_LARGEST_PART = 500
_RATIO_TOLERANCE = 2e-5
_ROUND_TOLERANCE = 0.02
_BIG_MOVE = 0.10


class Restated:
    """Bars that were collected again with an adjusted close that differs, as equally long columns.

    Parameters
    ----------
    place, day, known
        Instrument, session and day of the second collection.
    close, factor
        Close, and adjusted close over close.
    """

    def __init__(
        self, *, place: NDArray[np.int32], day: Days, known: Days, close: Floats, factor: Floats
    ) -> None:
        self.place, self.day, self.known = place, day, known
        self.close, self.factor = close, factor


def factor_differs(adjusted: Floats, close: Floats) -> NDArray[np.bool_]:
    """Say which rows have an adjusted close that means something."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (close > 0) & (adjusted > 0) & (np.abs(adjusted / close - 1.0) > _SMALLEST_MOVE)


def derive_actions(rows: Restated, symbols: Sequence[str], moves: Floats) -> Iterator[Action]:
    """Yield the actions behind restated rows.

    Parameters
    ----------
    rows
        Restated rows.
    symbols
        Names by place.
    moves
        For each row, the next bar's close over the row's close; not-a-number if there is no next bar.
    """
    ratios, cash = classify(rows.factor, rows.close, moves)
    cash = np.round(cash, 4)
    kept = (rows.known > rows.day) & ~(np.isnan(ratios) & np.isnan(cash))
    seen: set[tuple[int, int]] = set()
    for number in np.flatnonzero(kept).tolist():
        key = int(rows.place[number]), int(rows.day[number])
        if key in seen:
            continue
        seen.add(key)
        known = int(rows.known[number])
        ratio = float(ratios[number])
        is_split = not np.isnan(ratio)
        yield Action(
            symbol=symbols[key[0]],
            ex_date=_ex_date(key[1], known),
            kind="split" if is_split else "cash_dividend",
            split_ratio=ratio if is_split else None,
            cash_usd=None if is_split else float(cash[number]),
            known_at=publication(day_of(known)),
        )


@lru_cache(maxsize=4096)
def _ex_date(day: int, known: int) -> date:
    # the session after ``day``, unless the row was collected on an earlier or later one
    following, collected = next_session(day_of(day)), day_of(known)
    return collected if following > collected or is_session(collected) else following


def classify(factor: Floats, close: Floats, move: Floats) -> tuple[Floats, Floats]:
    """Tell splits from cash dividends.

    A factor of more than a tenth that the prices do not follow is an adjustment made early or by mistake,
    and neither. What they follow is a split if it is a ratio in use, otherwise a distribution of its worth
    in cash. A smaller factor is a split (a stock dividend) only if it is a ratio in use and its worth in cash is
    no round amount.

    Parameters
    ----------
    factor
        Adjusted close over close of the last session before the ex-date.
    close
        Raw close of that session, in USD.
    move
        Raw close of the ex-date over ``close``; not-a-number if unknown.

    Returns
    -------
    tuple of two arrays
        New shares per old share, and cash per share in USD; not-a-number where a row is not of that kind.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        is_followed = ~(move > 0) | (np.abs(np.log(move / factor)) < np.abs(np.log(move)))
    cash = close * (1.0 - factor)
    ratio = _ratio_in_use(1.0 / factor)
    is_ratio = ~np.isnan(ratio)
    is_big = (factor > 1.0) | (np.abs(factor - 1.0) > _BIG_MOVE)
    is_round = np.abs(cash * 1000 - np.rint(cash * 1000)) < _ROUND_TOLERANCE
    is_split = is_ratio & np.where(is_big, is_followed, ~is_round)
    is_cash = ~is_split & (factor < 1.0) & (~is_big | (is_followed & ~is_ratio))
    return np.where(is_split, ratio, np.nan), np.where(is_cash, cash, np.nan)


def _ratio_in_use(value: Floats) -> Floats:
    # n:1 and 1:n, small parts such as 3:2 or 7:5, and stock dividends of whole percents
    found = np.full(len(value), np.nan)
    for turned, is_up in ((value, True), (1.0 / value, False)):
        for old in (1, *range(2, 11), 20, 100):
            new = np.rint(turned * old)
            fits = np.abs(turned * old / np.maximum(new, 1.0) - 1.0) < _RATIO_TOLERANCE
            fits &= (new > old) & (new <= _LARGEST_PART) & np.isnan(found)
            if old == 100:
                fits &= is_up & (new <= 120)
            elif old > 1:
                fits &= new <= 4 * old
            found = np.where(fits, new / old if is_up else old / np.maximum(new, 1.0), found)
    return found
