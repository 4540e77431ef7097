"""Bars of any grain: the tables of one kind, as each vendor reports it, consolidated, and refused, its key and its periods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl

from trading_assets.settings import ALL_SOURCES
from trading_assets.tables.table import BATCH_ID, KNOWN_AT, SESSION, SYMBOL, UTC_INSTANT, Column, Table

REPORTS = Column(
    pl.Int32,
    "Different rows that the vendor sent for this key in one fetch; above 1 it contradicts itself and is not used",
    nullable=False,
)

OHLCV = {
    "open": Column(pl.Float64, "First trade of the session, raw", "USD", nullable=False),
    "high": Column(pl.Float64, "Highest trade, raw", "USD", nullable=False),
    "low": Column(pl.Float64, "Lowest trade, raw", "USD", nullable=False),
    "close": Column(pl.Float64, "Last trade, raw (not adjusted for anything)", "USD", nullable=False),
    "volume": Column(pl.Float64, "Shares traded", "shares", nullable=False),
    "vwap": Column(pl.Float64, "Volume-weighted average price; null where the vendor has none", "USD"),
    "trade_count": Column(pl.Int64, "Trades; null where the vendor has none", "trades"),
}

_TOLD = {
    name: column
    if column.nullable
    else replace(
        column,
        nullable=True,
        description=f"{column.description}; null where the vendor told no number, and refused",
    )
    for name, column in OHLCV.items()
}
BAR_END = Column(
    UTC_INSTANT, "End of the bar; it may be used from then on, plus the vendor's delay", "UTC", nullable=False
)

_DATED = Column(pl.Date, "Date that the vendor put on the bar; need not be a session", nullable=False)
_CHOSEN = {
    "source": Column(pl.String, "Source the row was taken from", nullable=False),
    "source_count": Column(pl.Int32, "Sources that reported this bar", nullable=False),
    "close_difference_frac": Column(
        pl.Float64, "(highest close - lowest close) / lowest close over the sources", "fraction"
    ),
    "volume_difference_frac": Column(pl.Float64, "The same for volume", "fraction"),
}
_REFUSED = {
    "source": Column(pl.String, "Source of the row", nullable=False),
    **{name: Column(pl.Float64, "As reported", "USD") for name in ("open", "high", "low", "close")},
    "volume": Column(pl.Float64, "As reported", "shares"),
    "rule": Column(pl.String, "Row check that refused it", nullable=False),
    "expectation": Column(pl.String, "What the check expected, in words", nullable=False),
    "reference_close": Column(pl.Float64, "Last accepted close that it was compared with, if any", "USD"),
}
Periods = Callable[[date], Sequence[tuple[datetime, datetime]]]


@dataclass(frozen=True)
class BarGrain:
    """One kind of bars: its tables, and the periods of a session that it has one bar of each symbol for.

    ``unit`` says in a word what one bar covers. ``vendor`` are the bars as each source reports them, ``accepted`` the best
    one of each key, ``quarantined`` those that were refused. ``periods`` returns start and end (UTC) of a session's bars.
    """

    unit: str
    vendor: Mapping[str, Table]
    accepted: Table
    quarantined: Table
    periods: Periods

    @property
    def time(self) -> str:
        """Column that tells a symbol's bars apart: ``session``, or ``bar_start`` of bars within a session."""
        return self.accepted.key[1]

    @property
    def is_intraday(self) -> bool:
        """Whether a session has several bars, which are stored as they are finished."""
        return self.time == "bar_start"

    @property
    def words(self) -> str:
        """The bars in words: ``daily bars``, ``hourly bars``."""
        return self.accepted.name.replace("_", " ")

    @property
    def key(self) -> tuple[str, str]:
        """Columns that identify a bar of one source."""
        return "symbol", self.time

    @property
    def times(self) -> tuple[str, ...]:
        """Columns that say when a bar was: ``session``, within a session also ``bar_start`` and ``bar_end``."""
        return tuple(name for name in ("bar_start", "bar_end", "session") if name in self.accepted.columns)

    @property
    def bar_columns(self) -> tuple[str, ...]:
        """What is read of a vendor's bars."""
        return "symbol", *self.times, *OHLCV, "batch_id"

    @property
    def reference_schema(self) -> pl.Schema:
        """Columns of a bar that others are compared with."""
        return pl.Schema({name: self.accepted.schema[name] for name in (*self.key, "close", "volume")})

    def bar_starts(self, sessions: Sequence[date]) -> list[datetime] | None:
        """List where the bars of the sessions begin; None where the session says it all."""
        if not self.is_intraday:
            return None
        return [start for session in sessions for start, _ in self.periods(session)]


def bar_grain(
    kind: str, unit: str, periods: Periods, *, per: str, quarantined: str, start: Column | None = None
) -> BarGrain:
    """Declare one kind of bars and its tables: prices raw in USD, every version kept.

    Parameters
    ----------
    kind
        What the bars are called: ``daily`` names ``daily_bars`` and ``polygon_daily_bars``.
    unit, periods
        See ``BarGrain``.
    per
        What there is one bar of for each symbol, in words.
    quarantined
        Name of the table of refused bars.
    start
        Of bars within a session: their column ``bar_start``, which makes the key with the symbol; ``bar_end`` is beside
        it. Without it the key is (symbol, session), and the session is the date that the vendor put on the bar.
    """
    begins = {"bar_start": start} if start else {}
    within = {**begins, "bar_end": BAR_END} if start else {}
    key = ("symbol", "bar_start" if start else "session")
    tags = ("bars", kind) if start else ("bars",)
    finished = ", finished bars only" if start else ""
    return BarGrain(
        unit,
        vendor={
            source: _table(
                f"{source}_{kind}_bars",
                f"One row per (symbol, {per}) as {source.capitalize()} reports it, raw prices{finished}",
                {**within, "session": SESSION if start else _DATED, **_TOLD, "reports": REPORTS},
                key,
                (*tags, source),
            )
            for source in ALL_SOURCES
        },
        accepted=_table(
            f"{kind}_bars",
            f"One row per (symbol, {per}): the bar of the best source, raw prices, accepted by the row checks",
            {**within, "session": SESSION, **OHLCV, **_CHOSEN},
            key,
            tags,
        ),
        quarantined=_table(
            quarantined,
            f"One row per (symbol, {'bar' if start else per}, source) that a row check refused, with the reason; "
            "never used downstream",
            {**begins, "session": _DATED, **_REFUSED},
            (*key, "source"),
        ),
        periods=periods,
    )


def stored_schema(table: Table) -> pl.Schema:
    """Return the columns of a table that a computation fills: all but the instant at which they are written."""
    return pl.Schema({name: kind for name, kind in table.schema.items() if name != "known_at"})


def _table(
    name: str, grain: str, columns: dict[str, Column], key: tuple[str, ...], tags: tuple[str, ...] = ()
) -> Table:
    provenance = {"batch_id": BATCH_ID, "known_at": KNOWN_AT}
    columns = {"symbol": SYMBOL, **columns, **provenance}
    return Table(name, grain, columns, key, provenance=tuple(provenance), versioned=True, tags=tags)
