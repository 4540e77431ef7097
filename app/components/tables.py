"""Tables: a frame with units in its headers, gains and losses coloured and signed, and its rows as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from app import formatting
from app.queries.installation import settings
from trading_assets.palette import Palette, palette
from trading_assets.tables.table import UTC_INSTANT, Column
from trading_assets.zones import zone_word

MAX_HEIGHT = 460
ROW_HEIGHT = 35


def colours() -> Palette:
    """Return the colours of the theme that the reader sees."""
    return palette("dark" if st.context.theme.type == "dark" else "light")


def usd(label: str, help: str | None = None) -> ColumnConfig:  # noqa: A002 (Streamlit's own word)
    """Return a column of amounts."""
    return st.column_config.NumberColumn(label, format="dollar", help=help)


def frac(label: str, help: str | None = None) -> ColumnConfig:  # noqa: A002 (Streamlit's own word)
    """Return a column of fractions, shown as percentages."""
    return st.column_config.NumberColumn(label, format="percent", help=help)


def count(label: str, help: str | None = None) -> ColumnConfig:  # noqa: A002 (Streamlit's own word)
    """Return a column of whole numbers or shares."""
    return st.column_config.NumberColumn(label, format="localized", help=help)


def moment(label: str) -> ColumnConfig:
    """Return a column of instants in the user's zone, which the header names."""
    zone = settings().user_timezone
    return st.column_config.DatetimeColumn(
        f"{label} ({zone_word(settings().zone)})",
        format="YYYY-MM-DD HH:mm:ss",
        timezone=zone,
        help=f"Time zone: {zone}",
    )


def session(label: str = "Session") -> ColumnConfig:
    """Return a column of sessions."""
    return st.column_config.DateColumn(
        label, format="ddd DD MMM YYYY", help="Exchange session (New York date)"
    )


def symbol_link(label: str = "Symbol") -> ColumnConfig:
    """Return a pinned column of links to the analysis of a symbol; its values are made by ``link``."""
    return st.column_config.LinkColumn(
        label, display_text=r"symbol=(.+)$", pinned=True, help="Opens the chart of the symbol"
    )


def run_link(label: str = "Run") -> ColumnConfig:
    """Return a column of links to runs in Dagster; its values are addresses."""
    return st.column_config.LinkColumn(label, display_text=r"/runs/(.{8})", help="Opens the run in Dagster")


def size(label: str) -> ColumnConfig:
    """Return a column of bytes."""
    return st.column_config.NumberColumn(label, format="bytes")


def of_column(name: str, column: Column, label: str) -> ColumnConfig:
    """Return the column of a table as its schema describes it."""
    if column.dtype == pl.Date:
        return st.column_config.DateColumn(label, format="YYYY-MM-DD", help=column.description)
    if column.dtype == UTC_INSTANT:
        return moment(label)
    if column.unit.startswith("fraction"):
        return frac(label, column.description)
    if column.unit == "USD":
        return usd(label, column.description)
    if column.dtype.is_numeric():
        shown = None if name.endswith("year") else "localized"
        return st.column_config.NumberColumn(label, format=shown, help=column.description)
    return st.column_config.Column(label, help=column.description)


def link(column: str = "symbol") -> pl.Expr:
    """Turn symbols into addresses of their analysis."""
    return (pl.lit("/analysis?symbol=") + pl.col(column)).alias(column)


def show(
    frame: pl.DataFrame, *, key: str, alt: str, columns: Mapping[str, ColumnConfig | str], changes: Sequence[str] = (),
    change_fracs: Sequence[str] = (), csv: str | None = None, csv_rows: pl.DataFrame | None = None, height: int = MAX_HEIGHT,
    choose: bool = False,
) -> dict[str, Any] | None:  # fmt: skip
    """Show the columns that are named, in that order, and return the row that the reader has chosen, if any.

    Parameters
    ----------
    frame
        Rows; more columns than shown are only in the CSV.
    key, alt
        Identity and accessible name of the table.
    columns
        Column configurations or labels by name.
    changes, change_fracs
        Columns with gains and losses, in USD or as fractions.
    csv
        File name of the download without ending; none without.
    csv_rows
        Rows of the download, where they are not those that are shown.
    height
        At most so many pixels.
    choose
        Let the reader choose a row.
    """
    shown = frame.select(list(columns))
    data: object = shown
    if changes or change_fracs:
        data = _coloured(shown, changes, change_fracs)
    chosen: list[int] = []
    event = st.dataframe(
        data, key=key, alt=alt, hide_index=True, column_config=dict(columns),
        height=height if ROW_HEIGHT * (frame.height + 1) > height else "content", placeholder=formatting.NOTHING,
        on_select="rerun" if choose else "ignore", selection_mode="single-row",
    )  # fmt: skip
    if choose:
        chosen = event["selection"]["rows"]  # type: ignore[index] # the state of the table, as rows can be chosen
    if csv:
        rows = frame if csv_rows is None else csv_rows
        st.download_button(
            "CSV", rows.write_csv().encode(), f"{csv}.csv", "text/csv", key=f"{key}_csv", on_click="ignore",
            icon=":material/download:", type="tertiary", help=f"{rows.height:,} rows, all columns",
        )  # fmt: skip
    return frame.row(chosen[0], named=True) if chosen and chosen[0] < frame.height else None


def _coloured(frame: pl.DataFrame, changes: Sequence[str], change_fracs: Sequence[str]) -> object:
    shades = colours()

    def paint(value: float | None) -> str:
        if value is None or value != value or value == 0:  # noqa: PLR0124 (NaN is not equal to itself)
            return f"color: {shades.flat}"
        return f"color: {shades.up if value > 0 else shades.down}"

    style = frame.to_pandas().style.map(paint, subset=[*changes, *change_fracs])
    style = style.format(formatting.change_usd, subset=list(changes))
    return style.format(formatting.change_frac, subset=list(change_fracs))
