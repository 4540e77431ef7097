"""What a session showed of the market, as a decision looks at it: one protocol, read live or from history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

import polars as pl

from trading_assets.books.bookings import Action, Booking, BookingKind
from trading_assets.books.performance import marks_by_session
from trading_assets.features.seams import begins_anew
from trading_assets.risk.targets import Market

CLOSES = ("symbol", "session", "close")
FEATURES = ("dollar_volume_20", "volatility_20")
"""What a decision reads of ``daily_features``."""


class MarketReader(Protocol):
    """Where a decision takes the market from; the same decision code runs on whatever reads it."""

    def actions(self, symbols: Collection[str], start: date, end: date) -> list[Action]:
        """Return the corporate actions of symbols with ex-dates in a range, as known to the reader."""
        ...

    def read(self, session: date, symbols: Collection[str]) -> Market:
        """Return what the session showed of the symbols. Look-ahead: the session's close."""
        ...


def market_shown(
    session: date,
    *,
    closes: pl.DataFrame,
    features: pl.DataFrame,
    bookings: Sequence[Booking],
    ahead: Iterable[Action],
    restricted: Mapping[str, str],
    new_risk_blocked: str | None,
    frozen: Mapping[str, tuple[str, str]],
) -> Market:
    """Put together what a session showed.

    Parameters
    ----------
    closes
        Columns ``CLOSES``: raw accepted closes of the session and of the year before it.
    features
        ``symbol`` and ``FEATURES`` of the session.
    bookings
        Splits and the like up to the session; older closes are brought to its scale.
    ahead
        Actions after the session and not after the next one: an order counts shares of today, and executed after a split
        it would trade another part of the position, after a new symbol none at all.
    restricted
        Symbols that may not be bought, with the reason.
    new_risk_blocked
        Why nothing may be bought at all, or None.
    frozen
        Symbols of which nothing may be ordered, each with a rule and its sentence: an earlier order whose outcome is open, say.
    """
    in_order = closes.sort("symbol", "session")
    _, marks = next(marks_by_session(closes, [session], bookings))
    return Market(
        last_close={symbol: float(price) for symbol, price in marks.items()},
        traded=frozenset(closes.filter(pl.col("session") == session)["symbol"].to_list()),
        dollar_volume=_known(features, "dollar_volume_20"),
        volatility=_known(features, "volatility_20"),
        restricted=restricted,
        new_risk_blocked=new_risk_blocked,
        frozen={**frozen_ahead(ahead), **frozen},
        begun_anew=frozenset(in_order.filter(begins_anew(in_order))["symbol"].to_list()),
    )


def _known(features: pl.DataFrame, name: str) -> dict[str, float]:
    return dict(features.select("symbol", name).drop_nulls().iter_rows())


def scale_changes(actions: Iterable[Action]) -> list[Booking]:
    """Return what actions do to the scale of prices: splits, and spin-offs whose factor is known."""
    return [
        Booking(
            action.name, BookingKind(action.kind), action.ex_date, action.symbol, price_ratio=ratio, action=action
        )
        for action in actions
        if (ratio := action.price_ratio)
    ]  # fmt: skip


def frozen_ahead(actions: Iterable[Action]) -> dict[str, tuple[str, str]]:
    """Say of which symbols nothing may be ordered because an action is about to change the shares."""
    rules = {"split": "split_ahead", "symbol_change": "symbol_change_ahead", "delisting": "delisting_ahead"}
    return {action.symbol: (rules[action.kind], str(action)) for action in actions if action.kind in rules}
