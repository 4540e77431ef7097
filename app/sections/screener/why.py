"""Why a symbol is not among the results: its verdict on each condition, with the values; and the words that can be used."""

from __future__ import annotations

import polars as pl
import streamlit as st

from app.components import tables
from app.queries import screener
from app.queries.screener import Moment
from app.sections.screener.sentence import plain
from trading_assets.screener.display import explained
from trading_assets.screener.english.macros import MACROS
from trading_assets.screener.english.wording import describe
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import Query

OUTCOMES = {"passes": "✓ passes", "fails": "✕ fails", "missing": "? no data"}


def show_why(query: Query, moment: Moment) -> None:
    """Ask for a symbol and show what each condition says of it."""
    names = dict(screener.listed(moment).select("symbol", "name").sort("symbol").iter_rows())
    symbol = st.selectbox(
        "Why is … not here?", list(names), index=None, key="scr_why", bind="query-params", placeholder="Symbol or name",
        format_func=lambda symbol: f"{symbol}  ·  {names[symbol]}" if names.get(symbol) else symbol, accept_new_options=True, width=420,
    )  # fmt: skip
    if not symbol:
        return
    told = screener.why(query, symbol.strip().upper(), moment)
    icon = ":material/check_circle:" if told.is_in else ":material/block:"
    st.markdown(f"{icon} {plain(told.summary)}")
    if not told.verdicts:
        return
    frame = pl.DataFrame(
        [(OUTCOMES[item.outcome], item.condition, item.reason) for item in told.verdicts],
        schema=["verdict", "condition", "reason"], orient="row",
    )  # fmt: skip
    tables.show(
        frame, key="scr_verdicts", alt=f"{frame.height} conditions and what they say of {symbol}",
        columns={"verdict": st.column_config.TextColumn("Verdict", width=110), "condition": "Condition", "reason": st.column_config.TextColumn("Because", width="large")},
    )  # fmt: skip


def show_words() -> None:
    """Show the words for whole conditions with their definitions, and every field with unit, meaning and other names."""
    macros = pl.DataFrame(
        [(macro.name, describe(macro.filter), macro.description, ", ".join(macro.others)) for macro in MACROS.values()],
        schema=["word", "definition", "meaning", "others"], orient="row",
    )  # fmt: skip
    st.caption("One word for a whole condition:")
    tables.show(
        macros, key="scr_macros", height=330, alt=f"{macros.height} words that stand for conditions, with their definitions",
        columns={
            "word": st.column_config.TextColumn("Word", pinned=True),
            "definition": st.column_config.TextColumn("Stands for", width="large"),
            "meaning": st.column_config.TextColumn("Why", width="large"),
            "others": st.column_config.TextColumn("Also written", width="medium"),
        },
    )  # fmt: skip
    fields = pl.DataFrame(
        [
            (field.label, field.group, field.unit, explained(field.name), ", ".join(field.aliases[1:]), field.name)
            for field in FIELDS.values()
        ],
        schema=["label", "group", "unit", "meaning", "words", "name"], orient="row",
    )  # fmt: skip
    st.caption("Fields, for conditions of your own:")
    tables.show(
        fields, key="scr_fields", csv="screener-fields", alt=f"{fields.height} fields that a screen can use",
        columns={
            "label": st.column_config.TextColumn("Field", pinned=True), "group": "Group", "unit": "Unit",
            "meaning": st.column_config.TextColumn("Meaning", width="large"),
            "words": st.column_config.TextColumn("Also called", width="large"), "name": "Column",
        },
    )  # fmt: skip
