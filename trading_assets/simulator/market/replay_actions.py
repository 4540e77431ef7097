"""Corporate actions of a replayed history, read from steps of its adjusted close: one per (symbol, ex-date).

A step's factor is 3 at a reverse split of 1 for 3, and 1 - cash / close at a dividend, of the last close before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np

from trading_assets.sessions import is_session, next_session
from trading_assets.simulator.market.replay_steps import Steps
from trading_assets.simulator.market.tape import Action, Floats, day_of, publication

_LARGEST_PART = 500
_RATIO_TOLERANCE = 2e-5
_SMALL_PART, _SMALL_PARTS_TOLERANCE = 4, 0.002
_ROUND_TOLERANCE = 0.02
_BIG_MOVE = 0.10
_DECIMALS = (2, 3, 4)
"""Of a cent: dividends are declared in so many decimals of a dollar."""


def derive_actions(steps: Steps, symbols: Sequence[str], *, collected: bool) -> Iterator[Action]:
    """Yield the actions behind steps, each as the first collection that shows it.

    Parameters
    ----------
    steps
        In the order of place, collection and day.
    symbols
        Names by place.
    collected
        Whether the collections are days: an action is known when its collection is. Otherwise, on its ex-date.
    """
    ratios, cash = classify(steps.factor, steps.close, steps.move, steps.error)
    cash = plainest(cash, steps.close * steps.error)
    seen: set[tuple[int, date]] = set()
    for number in np.flatnonzero(~(np.isnan(ratios) & np.isnan(cash))).tolist():
        place = int(steps.place[number])
        ex_date = _ex_date(int(steps.day[number]), int(steps.next_day[number]))
        if (place, ex_date) in seen:
            continue
        seen.add((place, ex_date))
        ratio = float(ratios[number])
        is_split = not np.isnan(ratio)
        yield Action(
            symbol=symbols[place],
            ex_date=ex_date,
            kind="split" if is_split else "cash_dividend",
            split_ratio=ratio if is_split else None,
            cash_usd=None if is_split else float(cash[number]),
            known_at=publication(day_of(int(steps.collection[number])) if collected else ex_date),
        )


def _ex_date(day: int, next_day: int) -> date:
    # a row of a closed day, which is the file's mistake, trades nothing: the session after the last one does
    since = day_of(next_day)
    return since if is_session(since) else next_session(day_of(day))


def plainest(cash: Floats, error: Floats) -> Floats:
    """Round each amount to as few decimals, from the cent on, as lie within what rounding may have moved it by; in USD.

    Examples
    --------
    >>> plainest(np.array([0.51997, 0.4725, 0.47251]), np.array([0.005, 1e-4, 1e-6])).tolist()
    [0.52, 0.4725, 0.4725]
    """
    found = np.round(cash, _DECIMALS[-1])
    for count in reversed(_DECIMALS):
        rounded = np.round(cash, count)
        found = np.where(
            np.abs(rounded - cash) <= np.maximum(error, 0.5 * 10.0 ** -_DECIMALS[-1]), rounded, found
        )
    return found


def classify(factor: Floats, close: Floats, move: Floats, error: Floats) -> tuple[Floats, Floats]:
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
    error
        How far rounding may have moved ``factor``, relative.

    Returns
    -------
    tuple of two arrays
        New shares per old share, and cash per share in USD; not-a-number where a row is not of that kind.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        is_followed = ~(move > 0) | (np.abs(np.log(move / factor)) < np.abs(np.log(move)))
    cash = close * (1.0 - factor)
    ratio = _ratio_in_use(1.0 / factor, np.maximum(error, _RATIO_TOLERANCE))
    is_ratio = ~np.isnan(ratio)
    is_sure = error <= _RATIO_TOLERANCE
    is_big = (factor > 1.0) | (np.abs(factor - 1.0) > _BIG_MOVE)
    is_round = np.abs(cash * 1000 - np.rint(cash * 1000)) < _ROUND_TOLERANCE
    is_split = is_ratio & np.where(is_big, is_followed, is_sure & ~is_round)
    is_cash = ~is_split & (factor < 1.0) & (~is_big | (is_followed & ~is_ratio))
    return np.where(is_split, ratio, np.nan), np.where(is_cash, cash, np.nan)


def _ratio_in_use(value: Floats, tolerance: Floats) -> Floats:
    # n:1 and 1:n, small parts such as 3:2 or 7:5, and stock dividends of whole percents. The smaller the parts, the less
    # must be known: any distribution is near some ratio of larger ones.
    found = np.full(len(value), np.nan)
    for turned, is_up in ((value, True), (1.0 / value, False)):
        for old in (1, *range(2, 11), 20, 100):
            new = np.rint(turned * old)
            most = 1.0 if old == 1 else _SMALL_PARTS_TOLERANCE if old <= _SMALL_PART else _RATIO_TOLERANCE
            fits = np.abs(turned * old / np.maximum(new, 1.0) - 1.0) < np.minimum(tolerance, most)
            fits &= (new > old) & (new <= _LARGEST_PART) & np.isnan(found)
            if old == 100:
                fits &= is_up & (new <= 120)
            elif old > 1:
                fits &= new <= 4 * old
            found = np.where(fits, new / old if is_up else old / np.maximum(new, 1.0), found)
    return found
