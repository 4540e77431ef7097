"""Analysis: one symbol; candles with indicators, the company, sources, features, signals, fills and corporate actions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.components.page_frame import empty
from app.queries import one_symbol, portfolio
from app.queries.installation import present_session
from app.sections.analysis import company, provenance
from app.sections.analysis.symbol import choose_view, show_chart, show_known_at, show_quote
from app.sections.analysis.symbol_tables import (
    show_actions,
    show_features,
    show_fills,
    show_refused,
    show_signals,
)
from trading_assets.sessions import NEW_YORK


def choose_symbol(listed: pl.DataFrame, slot: DeltaGenerator) -> str:
    """Ask for a symbol by ticker or name; the address of the page follows."""
    names = dict(listed.select("symbol", "name").iter_rows())
    options = list(names)
    wanted = st.query_params.get("symbol", "").upper()
    if wanted and wanted not in names:
        st.warning(
            f"No bars of a symbol {wanted} in the last year: showing another.", icon=":material/search_off:"
        )
    if "an_symbol" not in st.session_state or (
        wanted in names and st.session_state.get("an_wanted") != wanted
    ):
        st.session_state.an_symbol = wanted if wanted in names else first_symbol(options)
    chosen: str = slot.selectbox(
        "Symbol", options, key="an_symbol", persist_state="session",
        format_func=lambda symbol: f"{symbol}  ·  {names[symbol]}" if names[symbol] else symbol,
        help="Type a ticker or a part of the name",
    )  # fmt: skip
    st.session_state.an_wanted = chosen
    if wanted != chosen:
        st.query_params["symbol"] = chosen
    return chosen


def first_symbol(options: list[str]) -> str:
    """Return the largest position, or else the first symbol."""
    account = portfolio.account()
    snapshots = portfolio.snapshots(account) if account else pl.DataFrame()
    if account and not snapshots.is_empty():
        held = portfolio.positions(account, snapshots["session"][-1])["symbol"].to_list()
        return next((symbol for symbol in held if symbol in options), options[0])
    return options[0]


def show_symbol(symbol: str, view: one_symbol.View) -> None:
    """Show everything about one symbol."""
    account = portfolio.account()
    show_chart(symbol, view, account)
    names = ["Company", "Sources", "Features", "Signals", "Our fills", "Corporate actions", "Refused bars"]
    tabs = dict(zip(names, st.tabs(names, key="an_tab", on_change="rerun", bind="query-params"), strict=True))
    parts: dict[str, Callable[[], None]] = {
        "Company": lambda: company.show(symbol, view, known_session(view)),
        "Sources": lambda: provenance.show(symbol, view),
        "Features": lambda: show_features(symbol, view),
        "Signals": lambda: show_signals(symbol),
        "Our fills": lambda: show_fills(symbol, account),
        "Corporate actions": lambda: show_actions(symbol, view),
        "Refused bars": lambda: show_refused(symbol, view),
    }
    for name, show in parts.items():
        if tabs[name].open:
            with tabs[name]:
                show()


def known_session(view: one_symbol.View) -> date:
    """Return the last date whose company snapshots may be seen."""
    return view.as_of.astimezone(NEW_YORK).date() if view.as_of else present_session() or date.max


listed = one_symbol.symbols()
if listed.is_empty():
    empty("There are no accepted bars yet.", "Fill the history with `trading-assets up`.")
else:
    picker, quote = st.columns([1, 2], gap="medium", vertical_alignment="top")
    symbol = choose_symbol(listed, picker)
    view = choose_view(st.container(horizontal=True, vertical_alignment="bottom", gap="medium"))
    with quote:
        show_quote(symbol, view, listed.row(by_predicate=pl.col("symbol") == symbol, named=True))
    if view.as_of:
        show_known_at(view.as_of)
    show_symbol(symbol, view)
