"""Schemas: one constant per lake table; columns, units, key, and what identifies an unchanged row."""

from __future__ import annotations

import polars as pl

from trading_assets.company_schemas import COMPANY_TABLES
from trading_assets.features.fundamentals import AGE_COLUMN, FUNDAMENTALS
from trading_assets.indicators.registry import CARRIED, FEATURES
from trading_assets.table import BATCH_ID, KNOWN_AT, SESSION, SYMBOL, UTC_INSTANT, Column, Table

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


def _vendor_bars(source: str) -> Table:
    return Table(
        name=f"{source}_daily_bars",
        grain=f"One row per (symbol, session) as {source.capitalize()} reports it, raw prices",
        columns={
            "symbol": SYMBOL,
            "session": Column(
                pl.Date, "Date that the vendor put on the bar; need not be a session", nullable=False
            ),
            **OHLCV,
            "reports": REPORTS,
            "batch_id": BATCH_ID,
            "known_at": KNOWN_AT,
        },
        provenance=("batch_id", "known_at"),
        versioned=True,
        tags=("bars", source),
    )


VENDOR_DAILY_BARS = {source: _vendor_bars(source) for source in ("polygon", "yahoo", "alpaca")}

BAR_START = Column(
    UTC_INSTANT,
    "Start of the bar: the session's open or a full hour in New York; the last bar ends at the close",
    "UTC",
    nullable=False,
)
BAR_END = Column(
    UTC_INSTANT, "End of the bar; it may be used from then on, plus the vendor's delay", "UTC", nullable=False
)


def _vendor_hours(source: str) -> Table:
    return Table(
        name=f"{source}_hourly_bars",
        grain=f"One row per (symbol, hour of the session) as {source.capitalize()} reports it, raw prices, finished bars only",
        columns={
            "symbol": SYMBOL,
            "bar_start": BAR_START,
            "bar_end": BAR_END,
            "session": SESSION,
            **OHLCV,
            "reports": REPORTS,
            "batch_id": BATCH_ID,
            "known_at": KNOWN_AT,
        },
        key=("symbol", "bar_start"),
        provenance=("batch_id", "known_at"),
        versioned=True,
        tags=("bars", "hourly", source),
    )


VENDOR_HOURLY_BARS = {source: _vendor_hours(source) for source in ("polygon", "yahoo", "alpaca")}

DAILY_BARS = Table(
    name="daily_bars",
    grain="One row per (symbol, session): the bar of the best source, raw prices, accepted by the row checks",
    columns={
        "symbol": SYMBOL,
        "session": SESSION,
        **OHLCV,
        "source": Column(pl.String, "Source the row was taken from", nullable=False),
        "source_count": Column(pl.Int32, "Sources that reported this bar", nullable=False),
        "close_difference_frac": Column(
            pl.Float64, "(highest close - lowest close) / lowest close over the sources", "fraction"
        ),
        "volume_difference_frac": Column(pl.Float64, "The same for volume", "fraction"),
        "batch_id": BATCH_ID,
        "known_at": KNOWN_AT,
    },
    provenance=("batch_id", "known_at"),
    versioned=True,
    tags=("bars",),
)

HOURLY_BARS = Table(
    name="hourly_bars",
    grain="One row per (symbol, hour of the session): the bar of the best source, raw prices, accepted by the row checks",
    columns={
        "symbol": SYMBOL,
        "bar_start": BAR_START,
        "bar_end": BAR_END,
        **{name: column for name, column in DAILY_BARS.columns.items() if name != "symbol"},
    },
    key=("symbol", "bar_start"),
    provenance=("batch_id", "known_at"),
    versioned=True,
    tags=("bars", "hourly"),
)

QUARANTINED_BARS = Table(
    name="quarantined_bars",
    grain="One row per (symbol, session, source) that a row check refused, with the reason; never used downstream",
    columns={
        "symbol": SYMBOL,
        "session": Column(
            pl.Date, "Date that the vendor put on the bar; need not be a session", nullable=False
        ),
        "source": Column(pl.String, "Source of the row", nullable=False),
        "open": Column(pl.Float64, "As reported", "USD"),
        "high": Column(pl.Float64, "As reported", "USD"),
        "low": Column(pl.Float64, "As reported", "USD"),
        "close": Column(pl.Float64, "As reported", "USD"),
        "volume": Column(pl.Float64, "As reported", "shares"),
        "rule": Column(pl.String, "Row check that refused it", nullable=False),
        "expectation": Column(pl.String, "What the check expected, in words", nullable=False),
        "reference_close": Column(pl.Float64, "Last accepted close that it was compared with, if any", "USD"),
        "batch_id": BATCH_ID,
        "known_at": KNOWN_AT,
    },
    key=("symbol", "session", "source"),
    provenance=("batch_id", "known_at"),
    versioned=True,
)

QUARANTINED_HOURLY_BARS = Table(
    name="quarantined_hourly_bars",
    grain="One row per (symbol, bar, source) that a row check refused, with the reason; never used downstream",
    columns={
        "symbol": SYMBOL,
        "bar_start": BAR_START,
        **{name: column for name, column in QUARANTINED_BARS.columns.items() if name != "symbol"},
    },
    key=("symbol", "bar_start", "source"),
    provenance=("batch_id", "known_at"),
    versioned=True,
)

CORPORATE_ACTIONS = Table(
    name="corporate_actions",
    grain="One row per (symbol, ex-date, kind)",
    columns={
        "symbol": SYMBOL,
        "ex_date": Column(pl.Date, "First session that trades without the entitlement", nullable=False),
        "kind": Column(
            pl.String,
            "split (stock dividends included), cash_dividend, spin_off (rights included), symbol_change or delisting",
            nullable=False,
        ),
        "split_ratio": Column(
            pl.Float64, "New shares per old share; null unless a split", "shares per share"
        ),
        "cash_usd": Column(pl.Float64, "Cash per share; dividends, mergers and redemptions", "USD"),
        "new_symbol": Column(
            pl.String, "Symbol after a symbol change, of the company spun off, or of the acquirer"
        ),
        "share_ratio": Column(
            pl.Float64,
            "Shares of new_symbol received per share held; spin-offs, stock mergers and units that are split",
            "shares per share",
        ),
        "price_factor": Column(
            pl.Float64,
            "What earlier prices are multiplied by, where the source says so; only a spin-off that is told as a ratio",
            "fraction",
        ),
        "source": Column(pl.String, "Source of the row", nullable=False),
        "batch_id": BATCH_ID,
        "known_at": KNOWN_AT,
    },
    key=("symbol", "ex_date", "kind"),
    partition_by="ex_date",
    provenance=("batch_id", "known_at"),
    versioned=True,
)


def _vendor_actions(source: str) -> Table:
    columns = {name: column for name, column in CORPORATE_ACTIONS.columns.items() if name != "source"}
    return Table(
        name=f"{source}_corporate_actions",
        grain=f"One row per (symbol, ex-date, kind) as {source.capitalize()} reports it, spin-offs told as splits included",
        columns={
            **{name: column for name, column in columns.items() if name not in {"batch_id", "known_at"}},
            "reports": REPORTS,
            "batch_id": BATCH_ID,
            "known_at": KNOWN_AT,
        },
        key=CORPORATE_ACTIONS.key,
        partition_by="ex_date",
        provenance=("batch_id", "known_at"),
        versioned=True,
        tags=("corporate actions", source),
    )


VENDOR_ACTIONS = {source: _vendor_actions(source) for source in ("polygon", "yahoo", "alpaca")}

UNIVERSE = Table(
    name="universe",
    grain="One row per (symbol, session) listed at the session, delisted names included while they traded",
    columns={
        "symbol": SYMBOL,
        "session": SESSION,
        "name": Column(pl.String, "Company or fund name"),
        "exchange": Column(pl.String, "Primary exchange (MIC)"),
        "asset_type": Column(pl.String, "CS common stock, ETF, ADRC, ..."),
        "sector": Column(
            pl.String,
            "Sector, one of the eleven of GICS (any other in the vendor's words); null where no source knows it",
        ),
        "industry": Column(pl.String, "Industry; null where no source knows it"),
        "status": Column(pl.String, "active or delisted, as of the snapshot", nullable=False),
        "listed_date": Column(pl.Date, "First day of trading; null where no source knows it"),
        "delisted_date": Column(pl.Date, "Last day of trading under this symbol, once known"),
        "renamed_to": Column(
            pl.String,
            "Symbol under which the same share trades since the delisting, where the source says so",
        ),
        "market_cap_usd": Column(
            pl.Float64, "Market capitalisation of the newest company snapshot known by then", "USD"
        ),
        "is_tradable": Column(pl.Boolean, "The broker accepts orders"),
        "is_shortable": Column(pl.Boolean, "The broker lends it"),
        "is_easy_to_borrow": Column(pl.Boolean, "On the broker's easy-to-borrow list"),
        "is_fractionable": Column(pl.Boolean, "The broker takes fractions of a share"),
        "snapshot_session": Column(
            pl.Date,
            "Session as of which the vendor was asked; older than `session` only in backfills",
            nullable=False,
        ),
        "batch_id": BATCH_ID,
        "known_at": KNOWN_AT,
    },
    provenance=("batch_id", "known_at", "snapshot_session"),
    versioned=True,
)

FEATURE_NAMES = tuple(FEATURES)

_FACTORS = {
    "price_factor": Column(
        pl.Float64,
        "Raw price / adjusted price, from the symbol's first bar on: a price of session t in the scale of a later "
        "session s is its value times price_factor[s] / price_factor[t]",
        "ratio",
    ),
    "share_factor": Column(pl.Float64, "The same for shares: splits only", "ratio"),
}
_FUNDAMENTALS = {
    **{name: Column(pl.Float64, item.description, item.unit) for name, item in FUNDAMENTALS.items()},
    AGE_COLUMN: Column(
        pl.Int32,
        "Calendar days since the company snapshot that the ratios come from; null without one",
        "days",
    ),
}

DAILY_FEATURES = Table(
    name="daily_features",
    grain="One row per (symbol, session): indicators on prices adjusted as known at the session, in its own price scale",
    columns={
        "symbol": SYMBOL,
        "session": SESSION,
        **{name: Column(pl.Float64, feature.description, feature.unit) for name, feature in FEATURES.items()},
        **_FACTORS,
        **_FUNDAMENTALS,
    },
    tags=("features",),
)

HOURLY_FEATURES = Table(
    name="hourly_features",
    grain="One row per (symbol, hour of the session): the daily indicators with bars for sessions, as known at the bar",
    columns={
        "symbol": SYMBOL,
        "bar_start": BAR_START,
        "session": SESSION,
        **{
            name: Column(pl.Float64, feature.hourly_description, feature.unit)
            for name, feature in FEATURES.items()
        },
        **_FACTORS,
        **_FUNDAMENTALS,
    },
    key=("symbol", "bar_start"),
    tags=("features", "hourly"),
)

FEATURE_STATE = Table(
    name="feature_state",
    grain="One row per (symbol, last session of a month): what its bars so far leave to the features of later sessions",
    columns={
        "symbol": SYMBOL,
        "session": SESSION,
        "bar_session": Column(pl.Date, "Session of the symbol's last bar", nullable=False),
        "bars": Column(pl.Int32, "Bars of the symbol so far", "bars", nullable=False),
        **{name: OHLCV[name] for name in ("open", "high", "low", "close", "volume")},
        **_FACTORS,
        "benchmark_close": Column(
            pl.Float64, "Adjusted close of the benchmark at the last bar; null before its first", "USD"
        ),
        **{name: Column(pl.Float64, "Carried from bar to bar by the indicator") for name in CARRIED},
        "fingerprint": Column(
            pl.String,
            "Of the bars, actions and code that it was made from; where they have changed, it is made again",
            nullable=False,
        ),
    },
    tags=("features", "state"),
)

_SCREEN = {
    "screen": Column(pl.String, "Name of the saved screen", nullable=False),
    "session": SESSION,
    "symbol": SYMBOL,
    "screen_version": Column(
        pl.String, "Fingerprint of the filter, its sort and its top: what the name meant then", nullable=False
    ),
}

SCREENER_RESULTS = Table(
    name="screener_results",
    grain="One row per (screen, session, symbol) that passed",
    columns={
        **_SCREEN,
        "rank": Column(pl.Int32, "1 = best by the screen's sort", nullable=False),
        "badge": Column(pl.String, "Oversold, Overbought, Bullish, Bearish or Neutral", nullable=False),
        "event": Column(
            pl.String,
            "entered if the symbol was not in the screen the session before, else stayed",
            nullable=False,
        ),
        "close": Column(pl.Float64, "Raw close", "USD"),
    },
    key=("screen", "session", "symbol"),
)

SCREENER_EVENTS = Table(
    name="screener_events",
    grain="One row per (screen, session, symbol) that entered or left the screen at the session",
    columns={
        **_SCREEN,
        "event": Column(
            pl.String,
            "entered (passed, and did not the session before) or exited (the opposite)",
            nullable=False,
        ),
        "reason": Column(pl.String, "Of an exit: the condition that no longer holds, or what is missing"),
    },
    key=("screen", "session", "symbol"),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        *VENDOR_DAILY_BARS.values(),
        DAILY_BARS,
        QUARANTINED_BARS,
        *VENDOR_HOURLY_BARS.values(),
        HOURLY_BARS,
        QUARANTINED_HOURLY_BARS,
        *VENDOR_ACTIONS.values(),
        CORPORATE_ACTIONS,
        UNIVERSE,
        *COMPANY_TABLES.values(),
        DAILY_FEATURES,
        HOURLY_FEATURES,
        FEATURE_STATE,
        SCREENER_RESULTS,
        SCREENER_EVENTS,
    )
}


def table(name: str) -> Table:
    """Return the table of that name, or say which exist."""
    try:
        return TABLES[name]
    except KeyError:
        raise KeyError(f"No lake table {name!r}; there are {', '.join(sorted(TABLES))}") from None
