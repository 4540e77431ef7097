"""The tables about one symbol: features, signals, our fills, corporate actions and refused bars."""

from __future__ import annotations

import polars as pl
import streamlit as st

from app import formatting
from app.components import tables
from app.components.page_frame import empty
from app.queries import one_symbol
from app.queries.installation import settings
from app.sections.analysis.symbol import action_words
from trading_assets.tables.features import DAILY_FEATURES, HOURLY_FEATURES

SIDES = {"enter_long": "▲ enter long", "hold_long": "hold long", "exit_long": "▼ exit long"}


def show_features(symbol: str, view: one_symbol.View) -> None:
    """Show the newest feature values with unit and meaning."""
    frame = one_symbol.features(symbol, view.grain)
    table = DAILY_FEATURES if view.grain == "Daily" else HOURLY_FEATURES
    if frame.is_empty():
        empty(
            f"No {view.grain.lower()} features of {symbol} yet.",
            f"They are computed by the asset {table.name}.",
        )
        return
    values = frame.row(0, named=True)
    columns = {name: column for name, column in table.columns.items() if name not in {*table.key, "session"}}
    rows = [
        (name, formatting.quantity(values[name], column.unit), column.unit, column.description, values[name])
        for name, column in columns.items()
    ]
    shown = pl.DataFrame(rows, schema=["feature", "shown", "unit", "meaning", "value"], orient="row")
    hour = (
        ""
        if view.grain == "Daily"
        else f", bar from {formatting.instant(values['bar_start'], settings().zone)}"
    )
    st.caption(
        f"Session {formatting.day(values['session'])}{hour}, in that session's price scale; n/a before the warm-up is complete"
    )
    tables.show(
        shown, key="an_features", csv=f"features-{symbol}-{values['session']}", alt=f"{len(rows)} features of {symbol}",
        columns={
            "feature": st.column_config.TextColumn("Feature", pinned=True, width=190),
            "shown": st.column_config.TextColumn("Value", alignment="right", width=140),
            "unit": st.column_config.TextColumn("Unit", width=140),
            "meaning": st.column_config.TextColumn("Meaning", width="large"),
        },
    )  # fmt: skip


def show_signals(symbol: str) -> None:
    """Show what the strategies said."""
    frame = one_symbol.signals(symbol)
    if frame.is_empty():
        empty(
            f"No strategy has said anything about {symbol}.",
            "Signals appear when it enters a ranking or a rule applies.",
        )
        return
    tables.show(
        frame.with_columns(pl.col("side").replace(SIDES)), key="an_signals", csv=f"signals-{symbol}",
        alt=f"The newest {frame.height} signals for {symbol}",
        columns={
            "session": tables.session(), "strategy": "Strategy", "side": "Signal",
            "strength": st.column_config.ProgressColumn("Strength (0 to 1)", min_value=0, max_value=1, format="%.2f"),
            "reason": "Reason", "created_at": tables.moment("Computed"),
        },
    )  # fmt: skip


def show_fills(symbol: str, account: str | None) -> None:
    """Show our own trades."""
    frame = one_symbol.symbol_fills(symbol, account)
    if frame.is_empty():
        empty(f"We have not traded {symbol}.", "Fills also appear as triangles on the chart.")
        return
    tables.show(
        frame, key="an_fills", csv=f"fills-{symbol}", alt=f"{frame.height} fills in {symbol}",
        columns={
            "executed_at": tables.moment("Executed"), "side": "Side", "quantity": tables.count("Shares"),
            "price": tables.usd("Price"), "value_usd": tables.usd("Value"), "client_order_id": "Client order id",
        },
    )  # fmt: skip


def show_actions(symbol: str, view: one_symbol.View) -> None:
    """Show splits, dividends and the like, and what each did to the adjusted prices."""
    frame = one_symbol.actions(symbol, view.as_of)
    if frame.is_empty():
        empty(
            f"No corporate action of {symbol} {'was known then' if view.as_of else 'is known'}.",
            "Splits, dividends and spin-offs appear here, on the chart, and adjust its prices.",
        )
        return
    words = pl.Series("what", [action_words(row) for row in frame.iter_rows(named=True)], dtype=pl.String)
    tables.show(
        frame.with_columns(words), key="an_actions", csv=f"corporate-actions-{symbol}",
        alt=f"{frame.height} corporate actions of {symbol}",
        columns={
            "ex_date": tables.session("Ex-date"), "what": "What",
            "price_step": st.column_config.NumberColumn("Earlier prices times", format="%.6g", help="What the action multiplies the prices before it by"),
            "outcome": st.column_config.TextColumn("Adjustment", help="applied, or why not"),
            "split_ratio": st.column_config.NumberColumn("Split (new per old share)", format="%.6g"),
            "cash_usd": st.column_config.NumberColumn("Cash (USD per share)", format="%.4f"), "new_symbol": "New symbol",
            "source": "Source", "batch_id": "Raw batch", "known_at": tables.moment("Known since"),
        },
    )  # fmt: skip


def show_refused(symbol: str, view: one_symbol.View) -> None:
    """Show the bars that a row check kept out."""
    frame = one_symbol.quarantined(symbol, view)
    if frame.is_empty():
        empty(
            f"No {view.grain.lower()} bar of {symbol} was refused.",
            "Impossible bars are kept here with the rule, never used downstream.",
        )
        return
    hour = {"bar_start": tables.moment("Hour")} if view.grain == "Hourly" else {}
    tables.show(
        frame, key="an_refused", csv=f"refused-bars-{symbol}", alt=f"{frame.height} refused bars of {symbol}",
        columns={
            "session": tables.session("Date on the bar"), **hour, "source": "Source", "rule": "Rule", "expectation": "Expected",
            "open": tables.usd("Open"), "high": tables.usd("High"), "low": tables.usd("Low"), "close": tables.usd("Close"),
            "volume": tables.count("Volume (shares)"), "batch_id": "Raw batch", "known_at": tables.moment("Known since"),
        },
    )  # fmt: skip
