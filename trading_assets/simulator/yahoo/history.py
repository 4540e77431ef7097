"""One symbol's daily history as Yahoo shows it: adjusted for every split so far, in single precision."""

from __future__ import annotations

import math
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_assets.sessions import session_close
from trading_assets.simulator.market.adjustment import (
    dividend_factors,
    effective_actions,
    ratio_parts,
    scaled,
    split_factors,
)
from trading_assets.simulator.market.intraday import day_so_far
from trading_assets.simulator.market.protocol import Instrument
from trading_assets.simulator.market.tape import (
    Action,
    Floats,
    Rows,
    day_number,
    day_of,
    joined_rows,
    published_day,
)
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import new_york_millis

Whole = NDArray[np.int64]
_BEGINNING = date(1970, 1, 1)


class History(NamedTuple):
    """Every bar so far, the unfinished one of the running session included.

    ``raw`` as traded, ``rows`` adjusted for splits, ``adjusted`` the close adjusted for dividends too; ``opens``
    is each session's open and ``stamps`` what Yahoo labels the bars with, both in UTC seconds.
    """

    instrument: Instrument
    raw: Rows
    rows: Rows
    adjusted: Floats
    opens: Whole
    stamps: Whole
    actions: list[Action]


def history(simulation: Simulation, symbol: str) -> History | None:
    """Return what is known of ``symbol`` now; None if it never traded, or trades on under another symbol.

    A company's history moves with it to a new symbol.
    """
    market, now = simulation.market, simulation.now()
    place = market.places.get(symbol)
    if place is None or market.ticker_after(symbol, now):
        return None
    tickers = [*market.tickers_before(symbol, now), symbol]
    finished = [market.series(ticker, _BEGINNING, day_of(published_day(now)), now) for ticker in tickers]
    running = day_so_far(market, symbol, now)
    raw = joined_rows([*finished, running])
    if len(raw.day) == 0:
        return None
    opens = open_seconds(raw.day)
    stamps = opens.copy()
    until = None
    if len(running.day):
        # the bar of the running session is labelled with its last trade
        today = day_of(int(running.day[0]))
        stamps[-1] = int(min(now, session_close(today)).timestamp())
        until = today
    actions = [a for ticker in tickers for a in effective_actions(market, ticker, now, until=until)]
    rows, adjusted = _adjusted(raw, actions)
    return History(market.instruments()[place], raw, rows, adjusted, opens, stamps, actions)


def single(column: Floats) -> Floats:
    """Return numbers as Yahoo keeps them: rounded to 24 bits."""
    return column.astype(np.float32).astype(np.float64)


def open_seconds(days: NDArray[np.int32]) -> Whole:
    """Return the UTC second of half past nine of each day number."""
    return np.array([new_york_millis(day, 9, 30) // 1000 for day in days.tolist()], np.int64)


def events(seen: History, first: int, last: int, wanted: str) -> dict[str, Any]:
    """Return the dividends and splits with an ex-date that opened between two instants, by that instant.

    An ex-date without a bar counts for the next bar.
    """
    kinds = set(wanted.replace("|", ",").split(","))
    dividends: dict[str, Any] = {}
    splits: dict[str, Any] = {}
    for action in seen.actions:
        told = _told_ratio(action)
        at = int(np.searchsorted(seen.raw.day, day_number(action.ex_date)))
        if at == len(seen.opens) or not first <= seen.opens[at] < last:
            continue
        stamp = int(seen.opens[at])
        if told and kinds & {"split", "splits"}:
            new, old = told
            splits[str(stamp)] = {
                "date": stamp,
                "numerator": new,
                "denominator": old,
                "splitRatio": f"{new}:{old}",
            }
        elif action.kind == "cash_dividend" and action.cash_usd and kinds & {"div", "dividends"}:
            later = [_told_ratio(a) for a in seen.actions if a.ex_date > action.ex_date]
            amount = action.cash_usd / math.prod(ratio[0] / ratio[1] for ratio in later if ratio)
            dividends[str(stamp)] = {"amount": round(amount, 6), "date": stamp}
    found = {"dividends": dividends, "splits": splits}
    return {name: entries for name, entries in found.items() if entries}


def _told_ratio(action: Action) -> tuple[int, int] | None:
    # Yahoo tells a spin-off as a split of 1324 new for 1000 old shares, say
    if action.split_ratio:
        return ratio_parts(action.split_ratio)
    return (round(1000 / action.price_factor), 1000) if action.price_factor else None


def _adjusted(raw: Rows, actions: list[Action]) -> tuple[Rows, Floats]:
    factors = split_factors(raw, actions, spin_offs=True)
    closes = raw.close * factors * dividend_factors(raw, actions)
    shown = scaled(raw, factors, factors)
    prices = shown._replace(
        open=single(shown.open), high=single(shown.high), low=single(shown.low), close=single(shown.close)
    )
    return prices, single(closes)
