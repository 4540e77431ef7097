"""Operations: how the installation stands in a line, then coverage, tables, findings, vendors and runs; and the simulator."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import streamlit as st

from app import formatting
from app.queries import findings as found
from app.queries import installation, operations
from app.queries import simulator as simulated
from app.queries import vendors as asked
from app.sections.operations import coverage, findings, freshness, runs, simulator, vendors

SECTIONS: dict[str, Callable[[], None]] = {
    "Coverage": coverage.show,
    "Tables": freshness.show,
    "Findings": findings.show,
    "Vendors": vendors.show,
    "Runs": runs.show,
}


def show_halts() -> None:
    """Say whether trading is halted."""
    engaged = operations.halts().filter(pl.col("released_at").is_null())
    for halt in engaged.iter_rows(named=True):
        since = formatting.instant(halt["engaged_at"], installation.settings().zone)
        st.error(
            f"**Trading is halted** ({halt['level']}) since {since} by {halt['engaged_by']}: {halt['reason']}",
            icon=":material/block:",
        )
    if engaged.is_empty():
        st.badge("No trading halt is in force", color="green", icon=":material/check_circle:")


def show_health() -> None:
    """Show one number for each section."""
    bars, tables_, quality, vendor = st.columns(4)
    newest = coverage.newest()
    if newest:
        missing, expected = newest
        bars.metric(
            "Newest session", formatting.share_down(1 - missing / expected if expected else None), border=True,
            delta=f"{missing:,} of {expected:,} missing", delta_color="red" if missing else "off", delta_arrow="off",
            help="Share of the listed symbols whose consolidated daily bar is stored",
        )  # fmt: skip
    frame = operations.tables()
    late = freshness.behind(frame).height
    tables_.metric(
        "Tables up to date", f"{frame.height - late} of {frame.height}", border=True,
        delta=f"{late} behind", delta_color="red" if late else "off", delta_arrow="off",
    )  # fmt: skip
    tally = found.tally()
    blocking, stopping = int(tally["blocking"].sum()), int(tally["stopping"].sum())
    open_ = int((tally["found"] - tally["accepted"]).sum())
    quality.metric(
        "Open findings", f"{open_:,}", border=True,
        delta=f"{blocking:,} block, {stopping:,} stop a symbol", delta_arrow="off",
        delta_color="red" if blocking else "orange" if stopping else "off",
        help="Of all sessions, except the accepted ones; what counts for the newest session: trading-assets status",
    )  # fmt: skip
    usage = asked.usage()
    today = usage.filter(pl.col("day") == pl.col("day").max())
    refused, failed = int(today["rate_limited"].sum()), int(today["failures"].sum())
    vendor.metric(
        "Vendor requests", f"{int(today['requests'].sum()):,}" if today.height else formatting.NOTHING, border=True,
        delta=f"{refused:,} limited, {failed:,} failed" if today.height else "none counted",
        delta_color="red" if failed else "orange" if refused else "off", delta_arrow="off",
        help="On the newest UTC day: requests; of them refused with 429 (asked again later), and calls that failed for good",
    )  # fmt: skip


show_halts()
show_health()
sections = SECTIONS | ({"Simulator": simulator.show} if simulated.is_offered() else {})
section = st.segmented_control(
    "Section", list(sections), default="Coverage", key="op_section", required=True, bind="query-params",
    label_visibility="collapsed", width="stretch",
)  # fmt: skip
sections[section or "Coverage"]()
