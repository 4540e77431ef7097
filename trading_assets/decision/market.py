"""What a session showed of the market, as a decision looks at it: one protocol, read live or from history."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

import numpy as np
import polars as pl

from trading_assets.books.bookings import Action, Booking, BookingKind
from trading_assets.books.performance import marks_by_session
from trading_assets.features.seams import begins_anew
from trading_assets.indicators.kernel import FloatArray
from trading_assets.risk.targets import Market, in_usd

CLOSES = ("symbol", "session", "close")
FEATURES = ("dollar_volume_20", "volatility_20", "atr_14")
"""What a decision reads of ``daily_features``."""


LOOK_BACK_SESSIONS = 252
"""How old a last close may be that a held symbol is valued at, and how far back its highest close is looked for."""
Opened = tuple[str, date]
"""A symbol, and since when it is held."""
Scale = Sequence[tuple[date, Fraction]]
"""By how much prices before a day must be divided to compare with those since; in the order of days."""


class MarketReader(Protocol):
    """Where a decision takes the market from; the same decision code runs on whatever reads it."""

    def actions(self, symbols: Collection[str], start: date, end: date) -> list[Action]:
        """Return the corporate actions of symbols with ex-dates in a range, as known to the reader."""
        ...

    def read(self, session: date, symbols: Collection[str]) -> Market:
        """Return what the session showed of the symbols. Look-ahead: the session's close."""
        ...

    def closes_of(self, symbols: Collection[str], start: date, end: date) -> pl.DataFrame:
        """Return the accepted raw closes of symbols in a range (columns ``CLOSES``), and the last one before it of those without any."""
        ...


def market_shown(
    session: date,
    *,
    closes: pl.DataFrame,
    features: pl.DataFrame,
    sector: Mapping[str, str],
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
    sector
        Sectors by symbol, where they are known.
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
        atr=_known(features, "atr_14"),
        sector=sector,
        restricted=restricted,
        new_risk_blocked=new_risk_blocked,
        frozen={**frozen_ahead(ahead), **frozen},
        begun_anew=frozenset(in_order.filter(begins_anew(in_order))["symbol"].to_list()),
    )


def highest_close(days: Sequence[date], closes: FloatArray, scale: Scale) -> Decimal | None:
    """Return the highest of some closes in the scale after the last change; NaN is no close, and without any it is None.

    Parameters
    ----------
    days
        Sessions of the closes, ascending.
    closes
        Raw.
    scale
        Changes of the scale of prices, none later than the session that asks.

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> days = [date(2024, 5, 1), date(2024, 5, 2), date(2024, 5, 3)]
    >>> highest_close(days, np.array([100.0, 90.0, 48.0]), [(date(2024, 5, 3), Fraction(2))])
    Decimal('50.000000')
    """
    highest, end, ratio = None, len(days), Fraction(1)
    for day, change in [*reversed(scale), (date.min, Fraction(1))]:
        begin = bisect_left(days, day)
        part = closes[begin:end]
        part = part[~np.isnan(part)]
        if len(part):
            value = Fraction(float(part.max())) / ratio
            highest = value if highest is None else max(highest, value)
        end, ratio = begin, ratio * change
    return None if highest is None else in_usd(float(highest))


def highest_closes(
    closes: pl.DataFrame, session: date, held: Collection[Opened], bookings: Iterable[Booking]
) -> dict[Opened, Decimal]:
    """Return the highest close of symbols since a day, in the session's scale.

    Parameters
    ----------
    closes
        Columns ``CLOSES``, raw.
    held
        Whose, and since when.
    bookings
        What changed the scale of prices; of two of one symbol and day the first counts.
    """
    scales: dict[str, dict[date, Fraction]] = {}
    for booking in bookings:
        if booking.price_ratio and booking.symbol and booking.day <= session:
            scales.setdefault(booking.symbol, {}).setdefault(booking.day, booking.price_ratio)
    found: dict[Opened, Decimal] = {}
    for symbol, since in held:
        own = closes.filter((pl.col("symbol") == symbol) & pl.col("session").is_between(since, session)).sort(
            "session"
        )
        scale = sorted(scales.get(symbol, {}).items())
        highest = highest_close(own["session"].to_list(), own["close"].cast(pl.Float64).to_numpy(), scale)
        if highest is not None:
            found[symbol, since] = highest
    return found


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
