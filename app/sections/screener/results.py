"""Results: how many symbols pass, and the best of them with badge, return, sparkline and the fields that the query names."""

from __future__ import annotations

from functools import partial

import polars as pl
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from app import formatting
from app.components import tables
from app.components.page_frame import empty
from app.queries import screener
from app.queries.screener import Found, Moment
from trading_assets.screener.display import explained, tells_names, written
from trading_assets.screener.evaluate import BADGES, Evaluation, named_values
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import Query, Value, predicates
from trading_assets.tables.fundamentals import AGE_COLUMN

PAGE_SIZES = (50, 100, 250, 1000)
TEXTS = ("name", "sector", "industry", "exchange", "asset_type")
MARKS = dict(zip(BADGES, ("▽ Oversold", "△ Overbought", "▲ Bullish", "▼ Bearish", "● Neutral"), strict=True))


def show_results(query: Query, found: Found, moment: Moment) -> None:
    """Show the count, then the first rows with all of them as CSV."""
    show_count(query, found.evaluation, moment)
    if found.rows.is_empty():
        show_nothing(found.evaluation)
        return
    most = found.rows.height
    sizes = page_sizes(most)
    size = PAGE_SIZES[0]
    if most > PAGE_SIZES[0]:
        size = st.segmented_control(
            "Rows shown", sizes, default=sizes[0], key=f"scr_shown_{len(sizes)}_{sizes[-1]}", required=True,
            format_func=lambda rows: f"{rows:,}", help="The CSV has all rows",
        )  # fmt: skip
    show_table(query, found.rows, moment, size)


def page_sizes(most: int) -> list[int]:
    """Return the numbers of rows to choose from, ascending, each once; a table has the largest size at most."""
    return sorted({*(size for size in PAGE_SIZES if size < most), min(most, PAGE_SIZES[-1])})


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
    """Show the first rows: what the query names before what is always there, and nothing that says nothing."""
    top = rows.head(size)
    closes = screener.closes(top["symbol"].to_list(), moment)
    named = shown_fields(query)
    fields = {name: FIELDS[value.field] for name, value in named.items()}
    texts = [name for name in TEXTS if name in rows.columns]
    shares = [name for name, field in fields.items() if field.unit.startswith("fraction")]
    shown = (
        top.join(closes, on="symbol", how="left", maintain_order="left")
        .with_columns(
            *(pl.col(name).map_elements(partial(written, name), pl.String) for name in texts),
            *(pl.col(name) * 100 for name in shares),  # a column of percent has no fixed number of digits
        )
        .with_columns(tables.link(), badges=pl.concat_list(pl.col("badge").replace(MARKS)))
    )
    asked = {leaf.field for leaf in predicates(query.where)}
    words = {name: text_column(name) for name in texts if says_something(rows, name)}
    columns: dict[str, ColumnConfig | str] = {
        "rank": st.column_config.NumberColumn("#", width=45),
        "symbol": tables.symbol_link(),
        "badges": st.column_config.MultiselectColumn(
            "Badge", options=list(MARKS.values()), color=["orange", "violet", "green", "red", "gray"], help=_BADGE_HELP
        ),
        "close": tables.usd(heading("close"), explained("close")),
        **{name: column for name, column in words.items() if name in asked},
        "return_1": st.column_config.Column(heading("return_1"), help=explained("return_1")),
        **{name: column_of(value.field, value.sessions_ago) for name, value in named.items() if name != AGE_COLUMN},
        "closes": st.column_config.LineChartColumn(
            f"{screener.SPARKLINE_SESSIONS} sessions", help="Closes adjusted for splits, dividends and spin-offs", width=115
        ),
        **{name: column for name, column in words.items() if name not in asked},
        **({AGE_COLUMN: column_of(AGE_COLUMN, 0)} if AGE_COLUMN in named else {}),
    }  # fmt: skip
    tables.show(
        shown, key="scr_results", columns=columns, change_fracs=["return_1"], height=640,
        alt=f"The first {top.height} of {rows.height} symbols that pass",
    )  # fmt: skip
    st.download_button(
        f"CSV · {rows.height:,} row{'' if rows.height == 1 else 's'}", rows.write_csv().encode(), f"screen-{moment.session}.csv",
        "text/csv", key="scr_csv", on_click="ignore", icon=":material/download:", type="tertiary",
        help="All rows, with names and values",
    )  # fmt: skip


def shown_fields(query: Query) -> dict[str, Value]:
    """Return the numbers that are columns, by column: those that the query names, what orders it, and how old its ratios are."""
    extras = {name: Value(name, 0, "own") for name in screener.extras(query) if name != "return_1"}
    return {name: value for name, value in (named_values(query) | extras).items() if name != "return_1"}


def says_something(rows: pl.DataFrame, name: str) -> bool:
    """Say whether a column of texts holds more than nothing, or than the symbols again."""
    return tells_names(rows) if name == "name" else rows[name].null_count() < rows.height


def text_column(name: str) -> ColumnConfig:
    """Return the column of a text field."""
    return st.column_config.TextColumn(heading(name), width=165 if name == "name" else None)


def heading(field: str, ago: int = 0) -> str:
    """Write a field above a column: as in a sentence, beginning with a capital."""
    label = FIELDS[field].label
    return f"{label[0].upper()}{label[1:]}" + (f", {ago} session{'s' if ago > 1 else ''} ago" if ago else "")


def column_of(field: str, ago: int) -> ColumnConfig:
    """Return the column of a field, with unit and meaning; of fractions, whose values are percent."""
    about, label, meaning = FIELDS[field], heading(field, ago), explained(field)
    if about.unit.startswith("fraction"):
        unit = about.unit.replace("fraction", "percent")
        return st.column_config.NumberColumn(label, format="%.2f %%", help=f"{meaning} ({unit})")
    if about.unit == "USD":
        large = about.scale == "none" and field != "close"
        return st.column_config.NumberColumn(
            f"{label} (USD)", format="compact" if large else "dollar", help=meaning
        )
    if about.unit == "shares":
        return st.column_config.NumberColumn(f"{label} (shares)", format="compact", help=meaning)
    if about.unit == "days":
        return st.column_config.NumberColumn(f"{label} (days)", format="%d", help=meaning)
    unit = f" ({about.unit})" if about.unit and about.unit != "ratio" else ""
    return st.column_config.NumberColumn(f"{label}{unit}", format="%.2f", help=meaning)


_BADGE_HELP = (
    "The first that applies. Oversold: RSI(14) below 30. Overbought: above 70. Bullish: close above SMA 50 above SMA 200 "
    "and the MACD histogram above zero. Bearish: the opposite. Neutral: all else."
)
