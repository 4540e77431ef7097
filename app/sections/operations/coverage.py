"""Coverage: a heatmap of stored against listed bars, by source and by symbols, down to what is missing in a session."""

from __future__ import annotations

from datetime import date
from typing import get_args

import polars as pl
import streamlit as st

from app import formatting
from app.bar_grid import (
    STATES,
    Grid,
    alphabetical,
    cells,
    columns,
    missing_symbols,
    per_session,
    per_symbol,
)
from app.charts.heatmap import CELL, heatmap_frame, heatmap_spec
from app.components import tables
from app.components.page_frame import empty
from app.queries import coverage

SPANS = {"1M": 21, "3M": 63, "6M": 126, "1Y": 252, "2Y": 504, "Max": 1_000_000}
TOOLTIP = (
    ("state", "State", ""),
    ("missing", "Missing bars", ",d"),
    ("expected", "Expected bars", ",d"),
    ("stored_frac", "Stored", ".2%"),
)
GRAINS: tuple[coverage.Grain, ...] = get_args(coverage.Grain)


def show() -> None:
    """Show which bars are stored, of those that should be."""
    controls = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    grain: coverage.Grain = controls.segmented_control(
        "Bars", GRAINS, default=GRAINS[0], key="op_grain", required=True, bind="query-params"
    )
    names = list(coverage.layers(grain))
    if not names:
        empty("No hourly bars are kept.", "TRADING_HOURLY_SYMBOLS and TRADING_HOURLY_SOURCES say of what.")
        return
    layer = controls.segmented_control(
        "Source", names, default=names[0], key="op_source", required=True, bind="query-params",
        help="Consolidated: the one bar that is used, of the best source",
    )  # fmt: skip
    span = controls.segmented_control(
        "Sessions", list(SPANS), default="6M", key="op_span", required=True, bind="query-params"
    )
    by = controls.segmented_control(
        "Rows", ["Symbols", "Sectors"], default="Symbols", key="op_rows", required=True, bind="query-params"
    )
    slot = st.container()
    with slot, st.spinner("Counting bars"):
        grids = {name: coverage.grid(name, grain).since(SPANS[span]) for name in names}
    grid = grids[layer]
    if not grid.symbols or not grid.sessions:
        empty(f"There are no {grain.lower()} bars yet.", "Fill the history with `trading-assets up`.")
        return
    rows = _row_labels(grid, by)
    show_summary(grid, layer, grain)
    show_heatmaps(grids, rows, layer)
    show_missing(grid, rows, layer, grain)


def _row_labels(grid: Grid, by: str) -> list[str]:
    if by == "Symbols":
        return alphabetical(grid.symbols)
    sectors = coverage.sectors()
    return [sectors.get(symbol) or "Unknown" for symbol in grid.symbols]


def show_summary(grid: Grid, layer: str, grain: coverage.Grain) -> None:
    """Say in a line how complete the layer is."""
    sums = per_session(grid)
    expected, missing = int(sums["expected"].sum()), int(sums["missing"].sum())
    whole = sums.filter(pl.col("missing") == 0).height
    newest = sums.row(-1, named=True)
    st.caption(
        f"{layer}, {grain.lower()} bars: {formatting.share_down(1 - missing / expected if expected else None, 3)} of {expected:,} stored over "
        f"{sums.height:,} sessions ({formatting.day(grid.sessions[0])} to {formatting.day(grid.sessions[-1])}), {missing:,} missing; "
        f"complete sessions: {whole:,}. Newest session: {newest['missing']:,} of {newest['expected']:,} missing."
    )


def show_heatmaps(grids: dict[str, Grid], rows: list[str], layer: str) -> None:
    """Draw the share of stored bars by source, and by rows of symbols of the chosen one."""
    colours = tables.colours()
    grid = grids[layer]
    starts = [first for first, _ in columns(grid.sessions)]
    width = "a session" if len(starts) == len(grid.sessions) else "a week or a month"
    by_source = pl.concat([cells(each, [name] * len(each.symbols)) for name, each in grids.items()])
    spec = heatmap_spec(list(grids), starts, STATES, colours.ramp, colours, tooltip=TOOLTIP, row_height=18)
    st.vega_lite_chart(
        heatmap_frame(by_source), spec, key="op_by_source", width="stretch",
        alt=f"Share of the expected bars that each of {len(grids)} sources has, over {len(grid.sessions)} sessions",
    )  # fmt: skip
    labels = list(dict.fromkeys(rows)) if rows == alphabetical(grid.symbols) else sorted(set(rows))
    by_symbol = cells(grid, rows)
    holes = by_symbol.filter(pl.col("missing") > 0).height
    st.caption(
        f"{layer} by {len(labels)} rows of symbols; a column is {width}. "
        "Click a cell to list what is missing there."
    )
    spec = heatmap_spec(
        labels,
        starts,
        STATES,
        colours.ramp,
        colours,
        tooltip=TOOLTIP,
        row_height=15,
        clickable=True,
        legend=False,
    )
    st.vega_lite_chart(
        heatmap_frame(by_symbol), spec, key="op_by_symbol", width="stretch", on_select=_clicked, selection_mode=CELL,
        alt=f"Share of the expected bars that are stored, {len(labels)} rows of symbols by {len(starts)} columns of sessions; {holes} cells with holes",
    )  # fmt: skip


def _clicked() -> None:
    points = st.session_state.op_by_symbol["selection"].get(CELL) or []
    if points:
        st.session_state.op_missing_row = points[0]["row"]
        st.session_state.op_missing_from = points[0]["column"]


def show_missing(grid: Grid, rows: list[str], layer: str, grain: coverage.Grain) -> None:
    """List what is missing in one session, and which symbols are missing most often."""
    sums = per_session(grid).reverse()
    row = st.session_state.get("op_missing_row")
    if row in rows:
        inside = [number for number, label in enumerate(rows) if label == row]
        grid = Grid(
            tuple(grid.symbols[i] for i in inside), grid.sessions, grid.expected[inside], grid.stored[inside]
        )
        sums = per_session(grid).reverse()
        _jump(grid)
    in_session, over_time = st.tabs(["Missing in a session", "Symbols with holes"])
    with in_session:
        top = st.container(horizontal=True, vertical_alignment="bottom")
        words = {
            day.isoformat(): f"{formatting.day(day)} · {count:,} symbols" if count else f"{formatting.day(day)} · complete"
            for day, count in sums.select("session", "symbols").iter_rows()
        }  # fmt: skip
        if st.session_state.get("op_session") not in words:
            st.session_state.pop("op_session", None)
        chosen = top.selectbox(
            "Session",
            list(words),
            key="op_session",
            format_func=words.__getitem__,
            bind="query-params",
            width=320,
        )
        if row in rows and top.button(f"Only {row}", icon=":material/close:", help="Show all symbols again"):
            del st.session_state.op_missing_row
            st.rerun()
        show_missing_symbols(grid, date.fromisoformat(chosen), layer, grain)
    with over_time:
        show_holes(grid, layer)


def _jump(grid: Grid) -> None:
    # A click on a cell leads to the worst session of its column.
    clicked = st.session_state.pop("op_missing_from", None)
    if clicked is None:
        return
    span = next(((a, b) for a, b in columns(grid.sessions) if a.isoformat() == clicked), None)
    if span:
        inside = per_session(grid).filter(pl.col("session").is_between(*span))
        worst = inside.sort("missing", "session", descending=True)["session"][0]
        st.session_state.op_session = worst.isoformat()


def show_missing_symbols(grid: Grid, session: date, layer: str, grain: coverage.Grain) -> None:
    """List the symbols that lack bars in a session, and what the sources have of them."""
    missing = missing_symbols(grid, session)
    if missing.is_empty():
        st.success(
            f"{layer}: every expected bar of {formatting.day(session)} is stored.",
            icon=":material/check_circle:",
        )
        return
    sources = [name for name in coverage.layers(grain) if name != coverage.CONSOLIDATED]
    known = coverage.about(session, grain)
    shown = missing.join(known, on="symbol", how="left", maintain_order="left")
    nowhere = shown.filter(pl.all_horizontal(pl.col(sources).fill_null(0) == 0)).height
    st.caption(
        f"{missing.height:,} symbols lack bars in the {layer.lower()} table; {nowhere:,} of them have none in any source"
        " (a share that did not trade has no bar)."
    )
    have = {name: st.column_config.NumberColumn(name, help=f"Bars that {name} has") for name in sources}
    tables.show(
        shown.with_columns(tables.link()), key="op_missing", csv=f"missing-{layer.lower()}-{session}", height=320,
        alt=f"{missing.height} symbols without a bar on {session} in the {layer} table",
        columns={
            "symbol": tables.symbol_link(), "name": "Name", "sector": "Sector", "missing": tables.count("Missing bars"),
            **have, "refused": st.column_config.TextColumn("Refused by", help="Row check that kept a bar out, and its source"),
        },
    )  # fmt: skip


def show_holes(grid: Grid, layer: str) -> None:
    """List the symbols that lack bars, worst first."""
    worst = per_symbol(grid)
    if worst.is_empty():
        st.success("No symbol has a hole in these sessions.", icon=":material/check_circle:")
        return
    st.caption(
        f"{worst.height:,} of {len(grid.symbols):,} symbols lack bars over {len(grid.sessions):,} sessions"
    )
    tables.show(
        worst.with_columns(tables.link(), stored_frac=1 - pl.col("missing") / pl.col("expected")),
        key="op_holes", csv=f"holes-{layer.lower()}", height=320, alt=f"{worst.height} symbols with missing bars",
        columns={
            "symbol": tables.symbol_link(), "missing": tables.count("Missing bars"), "expected": tables.count("Expected"),
            "stored_frac": st.column_config.ProgressColumn("Stored", min_value=0, max_value=1, format="percent"),
            "first_missing": tables.session("First missing"), "last_missing": tables.session("Last missing"),
        },
    )  # fmt: skip


def newest(sessions: int = 1) -> tuple[int, int] | None:
    """Return missing and expected consolidated daily bars of the newest sessions."""
    grid = coverage.grid(coverage.CONSOLIDATED, "Daily").since(sessions)
    if not grid.sessions:
        return None
    return int(grid.missing.sum()), int(grid.expected.sum())
