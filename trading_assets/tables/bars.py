"""Bars: the tables of one kind of them, as each vendor reports it, consolidated, and refused, and their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
_STORED = {"batch_id": BATCH_ID, "known_at": KNOWN_AT}


@dataclass(frozen=True)
class BarTables:
    """The tables of one kind of bars: what each vendor reports, the best bar of each key, and what was refused."""

    vendor: Mapping[str, Table]
    accepted: Table
    quarantined: Table


def bar_tables(kind: str, per: str, *, quarantined: str, start: Column | None = None) -> BarTables:
    """Declare the tables of one kind of bars.

    Parameters
    ----------
    kind
        What the bars are called: ``daily`` names ``daily_bars`` and ``polygon_daily_bars``.
    per
        What there is one bar of for each symbol, in words.
    quarantined
        Name of the table of refused bars.
    start
        Of bars within a session: their column ``bar_start``, which makes the key with the symbol; ``bar_end`` is beside
        it. Without it the key is (symbol, session), and the session is the date that the vendor put on the bar.

    Returns
    -------
    BarTables
        Prices raw in USD. All three are versioned.
    """
    within = {"bar_start": start, "bar_end": BAR_END} if start else {}
    key = ("symbol", "bar_start" if start else "session")
    tags = ("bars",) if start is None else ("bars", kind)

    def table(name: str, grain: str, key: tuple[str, ...], tags: tuple[str, ...], **columns: Column) -> Table:
        return Table(
            name, grain, {"symbol": SYMBOL, **columns, **_STORED}, key,
            provenance=tuple(_STORED), versioned=True, tags=tags,
        )  # fmt: skip

    reported = {**within, "session": SESSION if start else _DATED, **OHLCV, "reports": REPORTS}
    refused = {**({"bar_start": start} if start else {}), "session": _DATED, **_REFUSED}
    finished = ", finished bars only" if start else ""
    return BarTables(
        vendor={
            source: table(
                f"{source}_{kind}_bars",
                f"One row per (symbol, {per}) as {source.capitalize()} reports it, raw prices{finished}",
                key,
                (*tags, source),
                **reported,
            )
            for source in ALL_SOURCES
        },
        accepted=table(
            f"{kind}_bars",
            f"One row per (symbol, {per}): the bar of the best source, raw prices, accepted by the row checks",
            key,
            tags,
            **{**within, "session": SESSION, **OHLCV, **_CHOSEN},
        ),
        quarantined=table(
            quarantined,
            f"One row per (symbol, {'bar' if start else per}, source) that a row check refused, with the reason; "
            "never used downstream",
            (*key, "source"),
            (),
            **refused,
        ),
    )
