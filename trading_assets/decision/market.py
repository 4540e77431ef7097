"""What a session showed of the market, as a decision looks at it: one protocol, read live or from history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Protocol

import polars as pl

from trading_assets.books.holdings import Split
from trading_assets.books.performance import marks_by_session
from trading_assets.features.seams import begins_anew
from trading_assets.risk.targets import Market

CLOSES = ("symbol", "session", "close")


class MarketReader(Protocol):
    """Where a decision takes the market from; the same decision code runs on whatever reads it."""

    def splits(self, symbols: Collection[str], start: date, end: date) -> list[Split]:
        """Return the splits of symbols with ex-dates in a range, as known to the reader."""
        ...

    def read(self, session: date, symbols: Collection[str]) -> Market:
        """Return what the session showed of the symbols. Look-ahead: the session's close."""
        ...


def market_shown(
    session: date,
    *,
    closes: pl.DataFrame,
    dollar_volume: Mapping[str, float],
    splits: Sequence[Split],
    splits_ahead: Sequence[Split],
    restricted: Mapping[str, str],
    new_risk_blocked: str | None,
    unsettled: Mapping[str, str],
) -> Market:
    """Put together what a session showed.

    Parameters
    ----------
    closes
        Columns ``CLOSES``: raw accepted closes of the session and of the year before it.
    dollar_volume
        Mean dollar volume of 20 sessions in USD, by symbol.
    splits
        Known splits up to the session; older closes are brought to its scale.
    splits_ahead
        Splits after the session and not after the next one: an order counts shares of today, and executed after the
        split it would trade another part of the position.
    restricted
        Symbols that may not be bought, with the reason.
    new_risk_blocked
        Why nothing may be bought at all, or None.
    unsettled
        Symbols with an earlier order whose outcome is open, with the sentence about it.
    """
    in_order = closes.sort("symbol", "session")
    _, marks = next(marks_by_session(closes, [session], splits))
    return Market(
        last_close={symbol: float(price) for symbol, price in marks.items()},
        traded=frozenset(closes.filter(pl.col("session") == session)["symbol"].to_list()),
        dollar_volume=dollar_volume,
        restricted=restricted,
        new_risk_blocked=new_risk_blocked,
        frozen={
            **{
                split.symbol: ("split_ahead", f"it splits {split.ratio:g} for 1 on {split.ex_date}")
                for split in splits_ahead
            },
            **{symbol: ("unsettled_order", why) for symbol, why in unsettled.items()},
        },
        begun_anew=frozenset(in_order.filter(begins_anew(in_order))["symbol"].to_list()),
    )
