"""Known corporate actions of symbols, as the books and the market of a decision take them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from datetime import date

from resources.lake.lake import Lake
from trading_assets.books.bookings import Action
from trading_assets.tables.listings import CORPORATE_ACTIONS

_COLUMNS = [item.name for item in fields(Action)]


def known_actions(
    lake: Lake,
    symbols: Collection[str] | None,
    start: date,
    end: date,
) -> list[Action]:
    """Read the actions of symbols, or of all, with ex-dates in a range, oldest first."""
    if symbols is not None and not symbols:
        return []
    wanted = None if symbols is None else sorted(symbols)
    frame = lake.scan(CORPORATE_ACTIONS, start=start, end=end, symbols=wanted, columns=_COLUMNS)
    rows = frame.sort("ex_date", "symbol", "kind").collect().select(_COLUMNS)
    return [Action(*row) for row in rows.iter_rows()]
