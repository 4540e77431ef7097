"""What the simulator's protocols and matching engine ask of a market, synthetic or replayed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import polars as pl

ASSET_NAMESPACE = uuid.UUID("6f0b7f2e-0d0a-4d5e-9a55-3a5b0f7f8d11")


@dataclass(frozen=True)
class Instrument:
    """One listed company or fund, from its first to its last day under one symbol.

    ``company`` is the same for all symbols that a company ever had; empty where only one is known.
    """

    symbol: str
    name: str
    mic: str
    asset_type: str
    listed: date
    delisted: date | None = None
    sector: str | None = None
    industry: str | None = None
    shares_outstanding: int | None = None
    is_shortable: bool = True
    is_easy_to_borrow: bool = True
    is_fractionable: bool = True
    company: str = ""

    @property
    def asset_id(self) -> str:
        """Stable identifier in the form that Alpaca uses."""
        return str(uuid.uuid5(ASSET_NAMESPACE, self.symbol))


@dataclass(frozen=True)
class Bar:
    """The final daily bar of one symbol, raw prices in USD."""

    open: float
    high: float
    low: float
    close: float
    volume: float


class Market(Protocol):
    """One market. Every frame holds only what was known at ``known_at``; prices are raw."""

    def first_session(self) -> date:
        """Return the first session with bars."""
        ...

    def last_session(self) -> date:
        """Return the last session that this market can ever show."""
        ...

    def instruments(self) -> Sequence[Instrument]:
        """List every instrument that was ever listed, sorted by symbol."""
        ...

    def daily_bars(
        self, start: date, end: date, *, known_at: datetime, symbols: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Return bars dated ``start`` to ``end``: symbol, session, open, high, low, close, volume, vwap, trade_count.

        Sorted by (symbol, session). A bar is known from the end of its session (plus the vendor's delay)
        on; a later correction replaces it from the instant the correction became known.
        """
        ...

    def corporate_actions(self, start: date, end: date, *, known_at: datetime) -> pl.DataFrame:
        """Return actions with ex-date ``start`` to ``end``: columns of ``ACTION_SCHEMA`` of tape.py."""
        ...

    def halt(self, symbol: str, day: date) -> tuple[int, int] | None:
        """Return from when to when trading was halted, in seconds since midnight in New York; None if it was not."""
        ...

    def bar(self, symbol: str, session: date) -> Bar | None:
        """Return the true bar of one symbol, whatever the clock says; None if it did not trade."""
        ...
