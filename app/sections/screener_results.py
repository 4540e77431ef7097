"""Results: how many symbols pass, and the best of them with badge, return, sparkline and the fields that the query names."""

from __future__ import annotations

import polars as pl
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from app import formatting
from app.components import tables
from app.components.page_frame import empty
from app.queries import screener
from app.queries.screener import Found, Moment
from trading_assets.screener.evaluate import BADGES, Evaluation, named_values
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import Query, Value, predicates

PAGE_SIZES = (50, 100, 250, 1000)
MARKS = dict(zip(BADGES, ("▽ Oversold", "△ Overbought", "▲ Bullish", "▼ Bearish", "● Neutral"), strict=True))


def show_results(query: Query, found: Found, moment: Moment) -> None:
    """Show the count, then the first rows with all of them as CSV."""
    show_count(query, found.evaluation, moment)
    if found.rows.is_empty():
        show_nothing(found.evaluation)
        return
    most = found.rows.height
    sizes = [size for size in PAGE_SIZES if size < most] + [min(most, PAGE_SIZES[-1])]
    size = PAGE_SIZES[0]
    if most > PAGE_SIZES[0]:
        size = st.segmented_control(
            "Rows shown", sizes, default=sizes[0], key=f"scr_shown_{len(sizes)}_{sizes[-1]}", required=True,
            format_func=lambda rows: f"{rows:,}", help="The CSV has all rows",
        )  # fmt: skip
    show_table(query, found.rows, moment, size)


def show_count(query: Query, evaluation: Evaluation, moment: Moment) -> None:
    """Say how many symbols pass, and how many could not be decided."""
    cut = query.top is not None and query.top < evaluation.matched
    shown = f", the first {query.top:,} are kept" if cut and query.top else ""
    lacking = f" · {evaluation.undecided:,} lack data that decide" if evaluation.undecided else ""
    at = f" · session {formatting.day(moment.session)}"
    st.markdown(f"**{evaluation.matched:,} of {evaluation.screened:,} symbols**{shown}:gray[{lacking}{at}]")


def show_nothing(evaluation: Evaluation) -> None:
    """Say which condition keeps the most out."""
    if not evaluation.conditions:
        empty("There are no symbols at this session.", "Choose another one.")
        return
    hardest = max(evaluation.conditions, key=lambda condition: condition.removed)
    lacks = f", of which {hardest.missing:,} lack the data" if hardest.missing else ""
    empty(
        "No symbol passes all of it.",
        f"**{hardest.text}** removes the most: {hardest.removed:,} of {evaluation.screened:,} symbols{lacks}. "
        "Change or remove it above.".replace("$", "\\$"),
    )


def show_table(query: Query, rows: pl.DataFrame, moment: Moment, size: int) -> None:
    """Show the first rows."""
    named = named_values(query) | {name: Value(name, 0, "own") for name in screener.extras(query)}
    named.pop("return_1")
    top = rows.head(size)
    closes = screener.closes(top["symbol"].to_list(), moment)
    shown = top.join(closes, on="symbol", how="left", maintain_order="left").with_columns(
        tables.link(), badges=pl.concat_list(pl.col("badge").replace(MARKS))
    )
    sector: dict[str, ColumnConfig | str] = {"sector": st.column_config.TextColumn("Sector", width=150)}
    asked = any(leaf.field == "sector" for leaf in predicates(query.where))
    columns: dict[str, ColumnConfig | str] = {
        "rank": st.column_config.NumberColumn("#", width=45),
        "symbol": tables.symbol_link(),
        "name": st.column_config.TextColumn("Name", width=165),
        **(sector if asked else {}),
        "badges": st.column_config.MultiselectColumn(
            "Badge", options=list(MARKS.values()), color=["orange", "violet", "green", "red", "gray"], help=_BADGE_HELP
        ),
        "close": tables.usd("Close"),
        "return_1": st.column_config.Column("1 session", help="Total return since the session before"),
        "closes": st.column_config.LineChartColumn(
            f"{screener.SPARKLINE_SESSIONS} sessions", help="Closes adjusted for splits, dividends and spin-offs", width=115
        ),
        **{name: column_of(value.field, value.sessions_ago) for name, value in named.items()},
        **({} if asked else sector),
    }  # fmt: skip
    tables.show(
        shown, key="scr_results", columns=columns, change_fracs=["return_1"], height=640,
        alt=f"The first {top.height} of {rows.height} symbols that pass",
    )  # fmt: skip
    st.download_button(
        f"CSV · {rows.height:,} rows", rows.write_csv().encode(), f"screen-{moment.session}.csv", "text/csv",
        key="scr_csv", on_click="ignore", icon=":material/download:", type="tertiary", help="All rows, with names and values",
    )  # fmt: skip


def column_of(field: str, ago: int) -> ColumnConfig:
    """Return the column of a field, with unit and meaning."""
    about = FIELDS[field]
    label = about.label + (f", {ago} session{'s' if ago > 1 else ''} ago" if ago else "")
    if about.unit.startswith("fraction"):
        return tables.frac(label, f"{about.description} ({about.unit.replace('fraction', 'percent')})")
    if about.unit == "USD":
        large = about.scale == "none" and field != "close"
        return st.column_config.NumberColumn(
            f"{label} (USD)", format="compact" if large else "dollar", help=about.description
        )
    if about.unit == "shares":
        return st.column_config.NumberColumn(f"{label} (shares)", format="compact", help=about.description)
    unit = f" ({about.unit})" if about.unit and about.unit != "ratio" else ""
    return st.column_config.NumberColumn(f"{label}{unit}", format="%.2f", help=about.description)


_BADGE_HELP = (
    "The first that applies. Oversold: RSI(14) below 30. Overbought: above 70. Bullish: close above SMA 50 above SMA 200 "
    "and the MACD histogram above zero. Bearish: the opposite. Neutral: all else."
)
