"""What a market-data vendor offers: the protocol that each source module implements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import polars as pl

from resources.raw.responses import RawResponse
from trading_assets.settings import SourceName

Progress = Callable[[int, int], None]
"""Called with (done, total) requests while a fetch goes on."""


@dataclass(frozen=True)
class Fetched:
    """Rows from a vendor with the responses they came from.

    ``frame`` has the columns of the table's schema without ``batch_id`` and ``known_at``, one row per key
    as reported (duplicates and dates that are no session are kept: the quality layer judges them).
    ``empty`` names what the vendor answered with an explicit "no data" (symbols or sessions).
    ``left_out`` counts rows that the vendor sent and that cannot be stored, by reason, e.g. rows without prices.
    ``out_of_reach`` are sessions that the vendor no longer answers for: what is stored of them stays.
    ``actions`` are corporate actions that the same responses tell, on the days that were asked for; ``None`` if they
    never tell any.
    """

    frame: pl.DataFrame
    responses: Sequence[RawResponse] = field(repr=False)
    empty: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    out_of_reach: tuple[date, ...] = ()
    actions: pl.DataFrame | None = None


class BarSource(Protocol):
    """A vendor of daily bars.

    ``asks_by_symbol`` says that a request is one of a symbol, whatever the range: cutting the range would multiply
    the requests.
    """

    name: SourceName
    asks_by_symbol: bool

    def daily_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        """Fetch raw daily bars of ``sessions`` (sorted). ``symbols`` limits the request where the vendor needs names.

        Raises
        ------
        TransientError, VendorDataError, VendorRefusedError
            Never returns a silent gap: what could not be fetched raises.
        """
        ...


class HourlySource(Protocol):
    """A vendor of hourly bars."""

    name: SourceName

    def hourly_bars(
        self, sessions: Sequence[date], symbols: Sequence[str], *, progress: Progress | None = None
    ) -> Fetched:
        """Fetch the finished raw hourly bars of ``sessions`` (sorted); the last one may still be going on.

        A bar begins at the session's open or at a full hour in New York, and the last one ends at the close.
        Bars that end after now minus the vendor's delay are unfinished: they are counted in ``left_out`` and not
        returned. ``frame`` has the columns of ``VENDOR_HOURLY_BARS`` without ``reports``, ``batch_id`` and
        ``known_at``.

        Raises
        ------
        TransientError, VendorDataError, VendorRefusedError
            Never returns a silent gap: what could not be fetched raises.
        """
        ...


class MarketSource(BarSource, HourlySource, Protocol):
    """A vendor of daily and hourly bars."""


class CompanySource(Protocol):
    """A vendor of company data: the kinds of ``COMPANY_TABLES``."""

    name: SourceName

    def companies(
        self, symbols: Sequence[str], session: date, *, progress: Progress | None = None
    ) -> CompanySnapshot:
        """Fetch every kind for ``symbols`` as it is now, dated ``session``.

        Raises
        ------
        TransientError, VendorDataError, VendorRefusedError
            What the vendor explicitly has no data for is named in the snapshot; anything else that is missing raises.
        """
        ...


@dataclass(frozen=True)
class CompanySnapshot:
    """One frame a table of ``COMPANY_TABLES``, by name, with the responses behind them.

    ``empty`` names, by table, the symbols that the vendor explicitly has nothing for. ``left_out`` counts what the vendor
    sent and no column holds, by reason, fields that nobody has told us of included.
    """

    frames: Mapping[str, pl.DataFrame]
    responses: Sequence[RawResponse] = field(repr=False)
    empty: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)


class ActionSource(Protocol):
    """A vendor of corporate actions."""

    name: SourceName

    def corporate_actions(self, start: date, end: date, *, progress: Progress | None = None) -> Fetched:
        """Fetch every kind of action that this vendor knows with ex-dates from ``start`` to ``end``, both included."""
        ...


class ReferenceSource(Protocol):
    """A vendor of the listed universe at a date."""

    name: SourceName

    def listings(self, as_of: date, *, progress: Progress | None = None) -> Fetched:
        """Fetch what was listed on ``as_of``: columns of the universe table that this vendor knows."""
        ...
