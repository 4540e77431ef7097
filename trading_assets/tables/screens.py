"""Screens: what people saved, who passes them and who comes and goes."""

from __future__ import annotations

import polars as pl

from trading_assets.tables.database_columns import count, instant, json, text
from trading_assets.tables.table import SESSION, SYMBOL, Column, DatabaseTable, Table

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

SAVED_SCREENS = DatabaseTable(
    name="saved_screens",
    grain="One row per saved version of a screen; rows are only added, and the newest version of a name is in force",
    columns={
        "name": text("Name of the screen"),
        "version": count("1 for the first, one more for each change or removal", ""),
        "screen": json("Filter, sort, top, name and description (format 1); null if removed", nullable=True),
        "saved_at": instant("Instant from which the version is in force"),
        "saved_by": text("Who saved or removed it"),
        "is_removed": Column(
            pl.Boolean, "The version takes the screen away; a later one may bring it back", nullable=False
        ),
    },
    key=("name", "version"),
)
