"""Provenance: a session's bars from every source side by side, with differences, earlier versions and raw batches."""

from __future__ import annotations

from datetime import date

import polars as pl
import streamlit as st

from app import formatting
from app.components import tables
from app.components.page_frame import empty
from app.queries import one_symbol, provenance
from app.queries.coverage import CONSOLIDATED
from app.sections.operations.vendors import show_raw_command


def show(symbol: str, view: one_symbol.View) -> None:
    """Compare what the sources say about one session."""
    bars = one_symbol.bars(symbol, view)
    last = None if bars.is_empty() else bars["session"][-1]
    session = st.date_input(
        "Session", last, key="an_day", format="YYYY-MM-DD", bind="query-params", width=200, min_value=date(1998, 1, 2), max_value=date(2100, 1, 1),
        help="Any date: bars on closed days are listed too",
    )  # fmt: skip
    if session is None:
        empty("No session is chosen.", "Choose one to compare its bars.")
        return
    frame = provenance.bars_by_source(symbol, session, view.grain, view.as_of)
    if frame.is_empty():
        empty(
            f"No source has a bar of {symbol} on {formatting.day(session)}.",
            "It is a closed day, or nobody traded.",
        )
        return
    current = frame.filter(pl.col("state") != "superseded")
    vendors = current.filter(pl.col("layer") != CONSOLIDATED)
    spread = vendors["close_difference_frac"].abs().max()
    older = frame.height - current.height
    st.caption(
        f"{vendors['layer'].n_unique()} sources on {formatting.day(session)}, prices as reported; closes differ by up to "
        f"{formatting.percent(spread if isinstance(spread, float) else None, 3)} from the consolidated one"  # null without one
        + (f"; {older} earlier version{'s' if older != 1 else ''}" if older else "")
        + ". Choose a row to read the vendor's own answer."
    )
    hour = {"bar_start": tables.moment("Hour")} if view.grain == "Hourly" else {}
    past = {"superseded_at": tables.moment("Replaced")} if older else {}
    chosen = tables.show(
        frame.with_columns(state=pl.col("state").replace({"used": "● used"})), key="an_sources", choose=True,
        csv=f"sources-{symbol}-{session}", alt=f"Bars of {symbol} on {session} from {vendors.height} sources",
        change_fracs=("close_difference_frac", "volume_difference_frac"),
        columns={
            **hour, "layer": st.column_config.TextColumn("Source", pinned=not hour), "state": "State",
            "open": tables.usd("Open"), "high": tables.usd("High"), "low": tables.usd("Low"), "close": tables.usd("Close"),
            "volume": tables.count("Volume (shares)"), "vwap": tables.usd("VWAP"), "trade_count": tables.count("Trades"),
            "close_difference_frac": tables.frac("Close against consolidated"), "volume_difference_frac": tables.frac("Volume against consolidated"),
            "batch_id": "Raw batch", "known_at": tables.moment("Known since"), **past,
        },
    )  # fmt: skip
    if chosen:
        show_raw_command(chosen["batch_id"])
