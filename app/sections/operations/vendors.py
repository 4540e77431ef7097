"""Vendors: what was asked of each, how much of its quota is left, and what every fetch brought."""

from __future__ import annotations

import polars as pl
import streamlit as st

from app import formatting
from app.components import tables
from app.components.page_frame import empty
from app.queries import vendors
from app.queries.installation import settings


def show() -> None:
    """Show quotas, then fetches."""
    st.subheader("Quotas", anchor=False)
    show_usage()
    st.subheader("Fetches", anchor=False)
    show_batches()


def show_usage() -> None:
    """Show each vendor's requests of its newest day with a line over the days, and a table of all days."""
    frame = vendors.usage()
    if frame.is_empty():
        empty(
            "No request to a vendor was counted yet.",
            "They are counted by vendor and day from the first fetch on.",
        )
        return
    by_vendor = [days for _, days in frame.group_by("vendor", maintain_order=True)]
    for slot, days in zip(st.columns(len(by_vendor)), by_vendor, strict=True):
        with slot, st.container(border=True):
            show_vendor(days)
    st.caption(
        "Days are UTC days of the market's clock; a request that was answered with 429 is asked again later."
    )
    tables.show(
        frame.sort("day", "vendor", descending=[True, False]).with_columns(pl.col("vendor").str.to_titlecase()),
        key="op_usage", csv="vendor-usage", height=250, alt=f"Requests by vendor and day, {frame.height} rows",
        columns={
            "vendor": st.column_config.TextColumn("Vendor", pinned=True), "day": st.column_config.DateColumn("Day (UTC)", format="ddd DD MMM YYYY"),
            "requests": tables.count("Requests"), "rate_limited": tables.count("429s"), "retries": tables.count("Retries"),
            "failures": tables.count("Failures"), "received_bytes": tables.size("Received"),
            "waited_seconds": st.column_config.NumberColumn("Waited (s)", format="%.1f", help="Seconds spent waiting for our own pace and for Retry-After"),
            "per_minute": tables.count("Pace (per minute)"), "remaining": tables.count("Left, by the vendor"),
            "updated_at": tables.moment("Counted until"),
        },
    )  # fmt: skip


def show_vendor(days: pl.DataFrame) -> None:
    """Show one vendor's newest day."""
    last = days.row(-1, named=True)
    pace = f"{last['per_minute']:,} a minute" if last["per_minute"] else "no limit of ours"
    left = f" · {last['remaining']:,} left" if last["remaining"] is not None else ""
    history = days["requests"].to_list()
    st.metric(
        f"{last['vendor'].capitalize()} · requests on {formatting.day(last['day'])} (UTC)", f"{last['requests']:,}",
        chart_data=history if len(history) > 1 else None, chart_type="bar",
        help=f"Bars: requests on each of the last {len(history)} days with any",
    )  # fmt: skip
    trouble = [
        f"{last['rate_limited']:,} answers 429", f"{last['retries']:,} retries", f"{last['failures']:,} failures"
    ]  # fmt: skip
    colour = "red" if last["failures"] else "orange" if last["rate_limited"] or last["retries"] else "gray"
    st.markdown(f":{colour}[{' · '.join(trouble)}]")
    at = formatting.instant(last["updated_at"], settings().zone)
    st.caption(
        f"Pace {pace}{left} · {formatting.size(int(last['received_bytes']))} received · waited {last['waited_seconds']:,.1f} s · counted until {at}"
    )


def show_batches() -> None:
    """Show the newest fetches, and how to see the raw body of one."""
    frame = vendors.batches()
    if frame.is_empty():
        empty("Nothing was fetched yet.", "Each fetch is listed here with its answers and bytes.")
        return
    kinds, sources = st.columns(2)
    kind = kinds.multiselect(
        "What", sorted(frame["kind"].unique()), key="op_kinds", placeholder="Everything", bind="query-params"
    )
    source = sources.multiselect(
        "Vendor",
        sorted(frame["source"].unique()),
        key="op_vendors",
        placeholder="All vendors",
        bind="query-params",
    )
    for column, values in (("kind", kind), ("source", source)):
        if values:
            frame = frame.filter(pl.col(column).is_in(values))
    if frame.is_empty():
        empty("No fetch matches the filters.", "Remove one of them.")
        return
    st.caption(
        f"The newest {frame.height:,} fetches. Choose a row to see how to read the vendor's own answers."
    )
    chosen = tables.show(
        frame, key="op_batches", csv="ingest-batches", height=320, alt=f"The newest {frame.height} fetches from the vendors", choose=True,
        columns={
            "fetched_at": tables.moment("Fetched"), "source": "Vendor", "kind": "What",
            "first_session": tables.session("First session"), "last_session": tables.session("Last session"),
            "responses": tables.count("Answers"), "rows": tables.count("Rows"), "raw_bytes": tables.size("Bytes"),
            "batch_id": "Batch", "raw_removed_at": tables.moment("Raw bodies removed"),
            "refused": "Refused because",
        },
    )  # fmt: skip
    if chosen and chosen["raw_removed_at"] is None:
        show_raw_command(chosen["batch_id"])
    elif chosen:
        removed = formatting.instant(chosen["raw_removed_at"], settings().zone)
        st.info(
            f"The raw bodies of this fetch were removed by retention on {removed}.", icon=":material/delete:"
        )


def show_raw_command(batch_id: str) -> None:
    """Show the command that prints what the vendor answered."""
    st.caption("The vendor's answers as they came, with address, status and time:")
    st.code(f"trading-assets raw show {batch_id}", language="bash")
