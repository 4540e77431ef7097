"""Runs: the newest runs of whole sessions with their checks, fills and time, and the trading halts of the past."""

from __future__ import annotations

import polars as pl
import streamlit as st

from app.components import tables
from app.components.page_frame import dagster_url, empty
from app.queries import operations


def show() -> None:
    """Show runs, then halts."""
    st.subheader("Session runs", anchor=False)
    show_runs()
    st.subheader("Trading halts", anchor=False)
    show_halts()


def show_runs() -> None:
    """Show the newest runs of whole sessions."""
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
        linked, key="op_runs", csv="session-runs", height=420, alt=f"The newest {frame.height} session runs",
        columns={
            "session": tables.session(), "outcome": "Outcome", "started_at": tables.moment("Started"),
            "finished_at": tables.moment("Finished"), "seconds": st.column_config.NumberColumn("Seconds", format="%.1f", help="Working time, whatever the market's clock did meanwhile"),
            "checks_passed": tables.count("Checks passed"), "checks_failed": tables.count("Checks failed"),
            "fills": tables.count("Fills"), "mode": "Mode", "run": tables.run_link(),
        },
    )  # fmt: skip


def show_halts() -> None:
    """List the halts in force and those of the past."""
    frame = operations.halts()
    if frame.is_empty():
        st.success("Trading was never halted.", icon=":material/check_circle:")
        return
    tables.show(
        frame, key="op_halts", csv="trading-halts", alt=f"{frame.height} trading halts",
        columns={
            "account": "Account", "level": "Level", "reason": "Reason", "engaged_by": "By",
            "engaged_at": tables.moment("Engaged"), "released_by": "Released by",
            "released_at": tables.moment("Released"), "release_reason": "Reason of the release",
        },
    )  # fmt: skip
