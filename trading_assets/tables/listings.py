"""Listings: what is traded at a session, what symbols stood for, and corporate actions [symbol, ex_date, kind]."""

from __future__ import annotations

import polars as pl

from trading_assets.settings import ALL_SOURCES
from trading_assets.tables.bars import REPORTS
from trading_assets.tables.table import BATCH_ID, KNOWN_AT, SESSION, SYMBOL, Column, Table

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


VENDOR_ACTIONS = {source: _vendor_actions(source) for source in ALL_SOURCES}

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
        "share_class_figi": Column(pl.String, "FIGI of the share class; the same after a new symbol"),
        "composite_figi": Column(pl.String, "FIGI of the share in the US"),
        "cik": Column(pl.String, "The company's number at the SEC"),
        "asset_id": Column(pl.String, "The broker's id of the asset; told of the newest session only"),
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

INSTRUMENTS = Table(
    name="instruments",
    grain="One row per (symbol, first session): a symbol while it stood for one share",
    columns={
        "instrument_id": Column(
            pl.String,
            "Permanent: the share class FIGI where a vendor gives it, else symbol@first session; kept through new symbols",
            nullable=False,
        ),
        "symbol": SYMBOL,
        "first_session": Column(pl.Date, "First session on which the symbol stood for it", nullable=False),
        "last_session": Column(pl.Date, "Last one; null while it does"),
        "begun": Column(
            pl.String,
            "first_bar, silence (more than 30 days without a bar), identity (a vendor's) or symbol_change",
            nullable=False,
        ),
        "evidence": Column(
            pl.String,
            "What vendors say of both sides of where it began anew: same (share), other or none",
            nullable=False,
        ),
        "previous_session": Column(pl.Date, "Last session of the symbol before it; null if there is none"),
        **{
            name: UNIVERSE.columns[name]
            for name in ("share_class_figi", "composite_figi", "cik", "asset_id", "name")
        },
        "known_at": KNOWN_AT,
    },
    key=("symbol", "first_session"),
    partition_by="first_session",
    provenance=("known_at",),
    versioned=True,
)
