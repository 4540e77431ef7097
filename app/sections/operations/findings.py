"""Findings: what the data-quality checks found, over time and one by one, and how a person accepts one."""

from __future__ import annotations

import shlex
from datetime import date
from typing import Any, get_args

import polars as pl
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from app import formatting
from app.bar_grid import columns
from app.charts.heatmap import heatmap_frame, heatmap_spec
from app.components import tables
from app.components.page_frame import dagster_url, empty
from app.findings import STATES, tally_cells
from app.queries import findings
from app.queries.installation import present_session, settings
from app.sections.operations.vendors import show_raw_command
from trading_assets.sessions import sessions_between

HISTORY_SESSIONS = 504
MARKS = {"blocks the session": "■ blocks the session", "stops the symbol": "▼ stops the symbol", "information": "● information"}  # fmt: skip
TOOLTIP = (
    ("found", "Findings", ",d"),
    ("blocking", "of them block the session", ",d"),
    ("stopping", "of them stop new risk in their symbol", ",d"),
    ("accepted", "of them accepted", ",d"),
)


def show() -> None:
    """Show findings over time, with filters, and the chosen one in detail."""
    demoted = findings.demoted()
    if demoted:
        st.caption(
            f"Only warned about by the thresholds of this installation (`warn_only` in `TRADING_QUALITY`), blocking nothing: "
            f"{', '.join(f'`{name}`' for name in demoted)}."
        )
    tally = findings.tally()
    if tally.is_empty():
        st.success("The checks have found nothing wrong.", icon=":material/check_circle:")
        return
    show_over_time(tally)
    chosen = choose(tally)
    total, frame = findings.count(chosen), findings.findings(chosen)
    if frame.is_empty():
        empty("No finding matches the filters.", "Remove one of them.")
        return
    newest = formatting.instant(frame["found_at"].max(), settings().zone)  # type: ignore[arg-type] # a column of instants
    shown = f"the newest {frame.height:,} of {total:,}" if total > frame.height else f"{total:,}"
    st.caption(
        f"Shown: {shown} findings; last recorded {newest}. Choose a row for its details, or to accept it."
    )
    finding = show_table(frame)
    if finding:
        show_detail(finding)


def show_over_time(tally: pl.DataFrame) -> None:
    """Draw how many findings each check had."""
    last = max(filter(None, (present_session(), tally["session"].max())))  # type: ignore[type-var] # dates
    sessions = sessions_between(tally["session"].min(), last)[-HISTORY_SESSIONS:]  # type: ignore[arg-type] # dates
    cells = tally_cells(tally, sessions)
    if cells.is_empty():
        return
    colours = tables.colours()
    paints = (colours.ramp[4], colours.ramp[3], colours.ramp[2], colours.note, colours.grid)
    names = sorted(cells["row"].unique())
    starts = [first for first, _ in columns(sessions)]
    open_, blocking = int((tally["found"] - tally["accepted"]).sum()), int(tally["blocking"].sum())
    st.caption(
        f"{int(tally['found'].sum()):,} findings, by check: {open_:,} open, {blocking:,} of them block a session, "
        f"{int(tally['accepted'].sum()):,} accepted"
    )
    spec = heatmap_spec(names, starts, STATES, paints, colours, tooltip=TOOLTIP, row_height=18)
    st.vega_lite_chart(
        heatmap_frame(cells), spec, key="op_tally", width="stretch",
        alt=f"Findings of {len(names)} checks over {len(sessions)} sessions; {blocking} open ones block a session",
    )  # fmt: skip


def choose(tally: pl.DataFrame) -> findings.Chosen:
    """Ask which findings to show; the address of the page follows."""
    first, second = st.columns([1, 1]), st.columns([2, 1, 1])
    state: findings.State = first[0].segmented_control(
        "State",
        get_args(findings.State),
        default="Open",
        key="op_accepted",
        required=True,
        bind="query-params",
    )
    effects = first[1].pills(
        "Effect", get_args(findings.Effect), selection_mode="multi", key="op_effect", bind="query-params",
        help="Blocks the session: no orders until it is mended or accepted. Stops the symbol: no new risk in it.",
    )  # fmt: skip
    checks = second[0].multiselect(
        "Check",
        sorted(tally["check_name"].unique()),
        key="op_checks",
        placeholder="All checks",
        bind="query-params",
    )
    session = second[1].date_input(
        "Session", None, key="op_day", format="YYYY-MM-DD", bind="query-params", min_value=date(1998, 1, 2), max_value=date(2100, 1, 1)
    )  # fmt: skip
    symbol = second[2].text_input("Symbol", key="op_symbol", placeholder="All symbols", bind="query-params")
    return findings.Chosen(tuple(checks), tuple(effects), session, symbol or "", state)


def show_table(frame: pl.DataFrame) -> dict[str, Any] | None:
    """List the findings; return the chosen one."""
    linked = frame.with_columns(
        tables.link(),
        effect=pl.when(pl.col("acceptance_id").is_not_null())
        .then(pl.lit("✓ accepted"))
        .otherwise(pl.col("effect").replace(MARKS)),
        run=pl.lit(dagster_url("/runs/")) + pl.col("run_id"),
    )
    hourly: dict[str, ColumnConfig | str] = (
        {"bar_start": tables.moment("Hour")} if frame["bar_start"].is_not_null().any() else {}
    )
    accepted: dict[str, ColumnConfig | str] = {
        "accepted_by": "Accepted by", "accepted_at": tables.moment("Accepted"), "accepted_reason": "Why",
    }  # fmt: skip
    chosen = tables.show(
        linked, key="op_findings", csv="findings", height=400, alt=f"{frame.height} findings of the data-quality checks", choose=True,
        columns={
            "symbol": tables.symbol_link(), "session": tables.session(), **hourly, "effect": "Effect", "check_name": "Check",
            "value": st.column_config.TextColumn("Found", width="large"), "expectation": st.column_config.TextColumn("Expected", width="large"),
            "source": "Source", "table_name": "Table", "batch_id": "Raw batch",
            **(accepted if frame["acceptance_id"].is_not_null().any() else {}),
            "found_at": tables.moment("Recorded"), "run": tables.run_link(),
        },
    )  # fmt: skip
    return (
        frame.row(by_predicate=pl.col("finding_id") == chosen["finding_id"], named=True) if chosen else None
    )


def show_detail(finding: dict[str, Any]) -> None:
    """Show one finding in full: what was found, where the bar comes from, who accepted it or how to."""
    with st.container(border=True):
        about = finding["symbol"] or "the whole session"
        st.markdown(f"**{finding['check_name']}** · {about} · {formatting.day(finding['session'])}")
        left, right = st.columns(2)
        left.markdown(f"Found: {finding['value'] or formatting.NOTHING}")
        right.markdown(f"Expected: {finding['expectation']}")
        if finding["batch_id"]:
            show_raw_command(finding["batch_id"])
        if finding["acceptance_id"] is not None:
            at = formatting.instant(finding["accepted_at"], settings().zone)
            st.success(
                f"Accepted by {finding['accepted_by']} on {at}: {finding['accepted_reason']}",
                icon=":material/check_circle:",
            )
            st.caption("To take the acceptance back:")
            st.code(
                f'trading-assets quality revoke {finding["acceptance_id"]} --reason "..."', language="bash"
            )
        else:
            show_acceptance(finding)


def show_acceptance(finding: dict[str, Any]) -> None:
    """Ask for a reason, and show the command that accepts the finding in its name."""
    st.markdown(f"**{MARKS[finding['effect']]}**")
    reason = st.text_input(
        "Reason for accepting it", key=f"op_reason_{finding['finding_id']}", placeholder="e.g. confirmed with the exchange: trading was halted",
        help="Required; kept with your name in the audit log",
    )  # fmt: skip
    confirmed = st.checkbox(
        "I have looked at the value and the vendor's answer", key=f"op_confirm_{finding['finding_id']}"
    )
    if not (reason.strip() and confirmed):
        st.caption("With a reason and your confirmation, the command that accepts it appears here.")
        return
    st.code(accept_command(finding, reason.strip()), language="bash")
    st.caption(
        "The app accepts nothing itself: the command records the acceptance, of the values as they are now. Then run the session again."
    )


def accept_command(finding: dict[str, Any], reason: str) -> str:
    """Return the command that accepts the findings of one check in one symbol, or of the session as a whole."""
    words = [
        "trading-assets",
        "quality",
        "accept",
        "--session",
        f"{finding['session']}",
        "--check",
        finding["check_name"],
    ]
    for name in ("symbol", "source"):
        if finding[name]:
            words += [f"--{name}", finding[name]]
    return shlex.join([*words, "--reason", reason])
