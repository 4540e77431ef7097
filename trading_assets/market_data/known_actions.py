"""Known corporate actions of symbols, as the books and the market of a decision take them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import fields
from datetime import date

import polars as pl

from resources.lake.lake import Lake
from trading_assets.books.bookings import Action
from trading_assets.tables.listings import CORPORATE_ACTIONS

_COLUMNS = [item.name for item in fields(Action)]


MARKET_KINDS = ("split", "spin_off", "symbol_change", "delisting")
"""Kinds that change the scale of prices, or the shares themselves."""


def known_actions(
    lake: Lake,
    symbols: Collection[str] | None,
    start: date,
    end: date,
    *,
    kinds: Collection[str] | None = None,
) -> list[Action]:
    """Read the actions of symbols, or of all, with ex-dates in a range, oldest first; only some kinds if wanted."""
    if symbols is not None and not symbols:
        return []
    wanted = None if symbols is None else sorted(symbols)
    frame = lake.scan(CORPORATE_ACTIONS, start=start, end=end, symbols=wanted, columns=_COLUMNS)
    if kinds is not None:
        frame = frame.filter(pl.col("kind").is_in(list(kinds)))
    rows = frame.sort("ex_date", "symbol", "kind").collect().select(_COLUMNS)
    return [Action(*row) for row in rows.iter_rows()]


def by_symbol(actions: Iterable[Action]) -> dict[str, list[Action]]:
    """Put actions together by symbol, each in the order given."""
    found: dict[str, list[Action]] = defaultdict(list)
    for action in actions:
        found[action.symbol].append(action)
    return dict(found)
