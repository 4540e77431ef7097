"""Operations: every table's freshness, findings, runs, vendor fetches, coverage and trading halts."""

from __future__ import annotations

from datetime import date

import polars as pl
import streamlit as st

from app import formatting
from app.charts.bars import coverage_spec
from app.components import tables
from app.components.page_frame import dagster_url, empty
from app.queries import installation, operations

EVENT_TABLES = ("corporate_actions", "quarantined_bars", "order_intents", "orders", "fills")


def show_halts() -> None:
    """Say whether trading is halted, and list earlier halts."""
    frame = operations.halts()
    engaged = frame.filter(pl.col("released_at").is_null())
    for halt in engaged.iter_rows(named=True):
        since = formatting.instant(halt["engaged_at"], installation.settings().zone)
        st.error(
            f"**Trading is halted** ({halt['level']}) since {since} by {halt['engaged_by']}: {halt['reason']}",
            icon=":material/block:",
        )
    if engaged.is_empty():
        st.success("No trading halt is in force.", icon=":material/check_circle:")
    if frame.height > engaged.height:
        with st.expander(f"{frame.height - engaged.height} earlier halts"):
            tables.show(
                frame, key="op_halts", csv="trading-halts", alt=f"{frame.height} trading halts",
                columns={
                    "account": "Account", "level": "Level", "reason": "Reason", "engaged_by": "By",
                    "engaged_at": tables.moment("Engaged"), "released_by": "Released by",
                    "released_at": tables.moment("Released"), "release_reason": "Reason of the release",
                },
            )  # fmt: skip


def show_tables(expected: date | None) -> None:
    """Show how far every table goes."""
    st.subheader("Tables", anchor=False)
    frame = operations.tables().with_columns(
        state=pl.struct("table", "latest_session").map_elements(
            lambda row: _state(row["table"], row["latest_session"], expected), return_dtype=pl.String
        ),
        dagster=pl.lit(dagster_url("/assets/")) + pl.col("asset"),
    )
    late = frame.filter(pl.col("state").str.starts_with("▼")).height
    st.caption(
        (f"Expected: session {formatting.day(expected)} · " if expected else "")
        + f"{frame.height} tables, {late} behind · {formatting.size(int(frame['bytes'].sum()))} in all"
    )
    tables.show(
        frame, key="op_tables", csv="tables", height=750, alt=f"{frame.height} tables with newest session, rows and bytes, {late} behind",
        columns={
            "table": st.column_config.TextColumn("Table", pinned=True), "state": "State",
            "latest_session": tables.session("Newest session"), "latest_rows": tables.count("Rows in it"),
            "sessions": tables.count("Sessions"), "rows": tables.count("Rows"),
            "bytes": st.column_config.NumberColumn("Size", format="bytes"), "written_at": tables.moment("Last written"),
            "store": "Store",
            "dagster": st.column_config.LinkColumn("Dagster", display_text=r"/assets/(.+)$", help="Opens the asset in Dagster"),
        },
    )  # fmt: skip


def _state(table: str, latest: date | None, expected: date | None) -> str:
    if latest is None:
        return "no rows" if table in EVENT_TABLES else "▼ empty"
    if table in EVENT_TABLES or expected is None:
        return "as they happen"
    return "● current" if latest >= expected else f"▼ behind: {latest:%d %b}"


def show_findings() -> None:
    """Show what the checks found, newest first, with filters."""
    st.subheader("Data-quality findings", anchor=False)
    frame = operations.findings()
    if frame.is_empty():
        st.success("The checks have found nothing wrong.", icon=":material/check_circle:")
        return
    st.caption(f"Newest recorded {formatting.instant(frame['found_at'].max(), installation.settings().zone)}")  # type: ignore[arg-type] # a column of instants  # fmt: skip
    left, middle, right = st.columns([1, 2, 2])
    severity = left.pills(
        "Severity", sorted(frame["severity"].unique()), selection_mode="multi", key="op_severity"
    )
    checks = middle.multiselect(
        "Check", sorted(frame["check_name"].unique()), key="op_checks", placeholder="All checks"
    )
    symbols = right.multiselect(
        "Symbol", sorted(frame["symbol"].drop_nulls().unique()), key="op_symbols", placeholder="All symbols"
    )
    chosen = frame
    for column, values in (("severity", severity), ("check_name", checks), ("symbol", symbols)):
        if values:
            chosen = chosen.filter(pl.col(column).is_in(values))
    if chosen.is_empty():
        empty("No finding matches the filters.", "Remove one of them.")
        return
    linked = chosen.with_columns(
        tables.link(),
        severity=pl.col("severity").replace({"error": "▼ error", "warn": "● warn"}),
        run=pl.lit(dagster_url("/runs/")) + pl.col("run_id"),
    )
    tables.show(
        linked, key="op_findings", csv="findings", height=320, alt=f"{chosen.height} findings of the data-quality checks",
        columns={
            "symbol": tables.symbol_link(), "session": tables.session(), "severity": "Severity", "check_name": "Check",
            "table_name": "Table", "source": "Source", "value": "Found", "expectation": "Expected",
            "found_at": tables.moment("Recorded"),
            "run": st.column_config.LinkColumn("Run", display_text=r"/runs/(.{8})", help="Opens the run in Dagster"),
        },
    )  # fmt: skip


def show_coverage() -> None:
    """Show accepted bars per session."""
    st.subheader("Coverage", anchor=False)
    frame = operations.coverage()
    if frame.is_empty():
        empty("There are no accepted bars yet.", "Fill the history with `trading-assets up`.")
        return
    short = frame.filter(pl.col("bars") < pl.col("listed")).height
    last = frame.row(-1, named=True)
    st.caption(
        f"Accepted bars a session (blue) and listed symbols (orange), {frame.height:,} sessions; "
        f"{short} with fewer bars than listed symbols (triangles); newest {formatting.day(last['session'])}: {last['bars']:,} bars"
    )
    colours = tables.colours()
    st.vega_lite_chart(
        frame, coverage_spec(colours), key="op_coverage", width="stretch",
        alt=f"Accepted bars a session over {frame.height} sessions, {short} of them with fewer bars than listed symbols",
    )  # fmt: skip


def show_runs() -> None:
    """Show the newest runs of whole sessions."""
    st.subheader("Session runs", anchor=False)
    frame = operations.runs()
    if frame.is_empty():
        empty("No session run is recorded here.", f"All runs are in Dagster: {dagster_url('/runs')}.")
        return
    linked = frame.with_columns(
        outcome=pl.col("outcome")
        .fill_null("running")
        .replace({"succeeded": "● succeeded", "failed": "▼ failed"}),
        run=pl.lit(dagster_url("/runs/")) + pl.col("run_id"),
    )
    tables.show(
        linked, key="op_runs", csv="session-runs", height=320, alt=f"The newest {frame.height} session runs",
        columns={
            "session": tables.session(), "outcome": "Outcome", "started_at": tables.moment("Started"),
            "finished_at": tables.moment("Finished"), "seconds": st.column_config.NumberColumn("Seconds", format="%.1f", help="Working time, whatever the market's clock did meanwhile"),
            "checks_passed": tables.count("Checks passed"),
            "checks_failed": tables.count("Checks failed"), "fills": tables.count("Fills"), "mode": "Mode", "run": st.column_config.LinkColumn("Run", display_text=r"/runs/(.{8})"),
        },
    )  # fmt: skip


def show_batches() -> None:
    """Show the newest fetches from the vendors."""
    st.subheader("Fetched from the vendors", anchor=False)
    frame = operations.batches()
    if frame.is_empty():
        empty("Nothing was fetched yet.", "Each fetch is listed here with its answers and bytes.")
        return
    tables.show(
        frame, key="op_batches", csv="ingest-batches", height=320, alt=f"The newest {frame.height} fetches from the vendors",
        columns={
            "fetched_at": tables.moment("Fetched"), "source": "Vendor", "kind": "What",
            "first_session": tables.session("First session"), "last_session": tables.session("Last session"),
            "responses": tables.count("Answers"), "rows": tables.count("Rows"),
            "raw_bytes": st.column_config.NumberColumn("Bytes", format="bytes"),
        },
    )  # fmt: skip


show_halts()
show_tables(installation.expected_session())
show_findings()
show_coverage()
show_runs()
show_batches()
