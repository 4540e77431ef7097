"""Adjustment: factors per bar that vendors multiply raw prices by, from the actions effective so far."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction

import numpy as np

from trading_assets.simulator.market.tape import (
    Action,
    Floats,
    Rows,
    TapeMarket,
    day_number,
    day_of,
    published_day,
)

_BEGINNING = date(1970, 1, 1)
_MOVES = frozenset({"split", "cash_dividend", "spin_off"})


def effective_actions(
    market: TapeMarket, symbol: str, now: datetime, *, until: date | None = None
) -> list[Action]:
    """List the actions that move one symbol's price, by ex-date: splits, cash dividends and spin-offs.

    Up to ``until``; if that is None, up to the last published session.
    """
    last = until or day_of(published_day(now))
    found = market.actions(_BEGINNING, last, known_at=now, symbol=symbol)
    return [action for action in found if action.kind in _MOVES]


def split_factors(rows: Rows, actions: Sequence[Action], *, spin_offs: bool = False) -> Floats:
    """Return for each bar the product of 1/ratio over the splits after it; of spin-offs too, if asked."""
    factors = np.ones(len(rows.day))
    for action in actions:
        if action.split_ratio:
            factors[rows.day < day_number(action.ex_date)] /= action.split_ratio
        elif spin_offs and action.price_factor:
            factors[rows.day < day_number(action.ex_date)] *= action.price_factor
    return factors


def spin_off_factors(rows: Rows, actions: Sequence[Action]) -> Floats:
    """Return for each bar what the spin-offs after it left of its price."""
    return split_factors(rows, [action for action in actions if action.price_factor], spin_offs=True)


def dividend_factors(rows: Rows, actions: Sequence[Action]) -> Floats:
    """Return for each bar the product of (1 - cash / close before the ex-date) over the dividends after it.

    ``rows`` must reach up to the last of the actions.
    """
    factors = np.ones(len(rows.day))
    for action in actions:
        if action.cash_usd and action.kind == "cash_dividend":
            end = int(np.searchsorted(rows.day, day_number(action.ex_date)))
            if end and rows.close[end - 1] > action.cash_usd:
                factors[:end] *= 1.0 - action.cash_usd / rows.close[end - 1]
    return factors


def scaled(rows: Rows, prices: Floats, volumes: Floats) -> Rows:
    """Return bars with prices multiplied by one factor and volumes divided by another."""
    return rows._replace(
        open=rows.open * prices,
        high=rows.high * prices,
        low=rows.low * prices,
        close=rows.close * prices,
        volume=np.rint(rows.volume / volumes),
    )


def ratio_parts(ratio: float) -> tuple[int, int]:
    """Return (new, old) shares of a split ratio as small whole numbers."""
    parts = Fraction(ratio).limit_denominator(1000)
    return parts.numerator, parts.denominator
