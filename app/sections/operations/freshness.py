"""Freshness: every table's newest session against the expected one, its age, size and the newest vendor batch."""

from __future__ import annotations

import polars as pl
import streamlit as st

from app import formatting
from app.components import tables
from app.components.page_frame import dagster_url
from app.freshness import age
from app.queries import operations

MARKS = {
    "fresh": "● fresh", "late": "▲ late", "stale": "▼ stale", "never": "▼ never",
    "not used": "○ not used", "as it happens": "● as it happens",
}  # fmt: skip
ORDER = ("never", "stale", "late", "fresh", "as it happens", "not used")
MEANING = (
    "fresh: has the newest session that is final by now (company snapshots: of the last week) · late: one session "
    "behind · stale: more · never: no rows yet · as it happens: rows only when there is something to store"
)


def behind(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the tables that do not have what they should."""
    return frame.filter(pl.col("status").is_in(["late", "stale", "never"]))


def show() -> None:
    """Show how far every table goes."""
    frame = operations.tables()
    late = behind(frame)
    choices = st.container(horizontal=True, vertical_alignment="bottom")
    counts = dict(frame.group_by("status").len().iter_rows())
    wanted = choices.pills(
        "State", [name for name in ORDER if name in counts], selection_mode="multi", key="op_states",
        format_func=lambda name: f"{MARKS[name]} · {counts[name]}", bind="query-params", help=MEANING,
    )  # fmt: skip
    st.caption(
        f"{frame.height} tables, {late.height} behind · {formatting.size(int(frame['bytes'].sum()))} in all · {MEANING}"
    )
    shown = frame.filter(pl.col("status").is_in(wanted)) if wanted else frame
    rank = {name: number for number, name in enumerate(ORDER)}
    ages = pl.Series("age_words", [age(value) for value in shown["age"]], dtype=pl.String)
    linked = (
        shown.with_columns(ages, state=pl.col("status").replace(MARKS), dagster=pl.lit(dagster_url("/assets/")) + pl.col("asset"))
        .with_columns(rank=pl.col("status").replace_strict(rank, return_dtype=pl.Int8))
        .sort("rank", maintain_order=True)
        .drop("rank", "age")
    )  # fmt: skip
    tables.show(
        linked, key="op_tables", csv="tables", height=900,
        alt=f"{shown.height} tables with newest and expected session, age and size, {late.height} behind",
        columns={
            "table": st.column_config.TextColumn("Table", pinned=True), "state": "State",
            "latest_session": tables.session("Newest session"), "expected_session": tables.session("Expected"),
            "age_words": st.column_config.TextColumn("Age", help="Since its rows last changed, by the market's clock"),
            "latest_rows": tables.count("Rows in newest"), "sessions": tables.count("Sessions"), "rows": tables.count("Rows"),
            "bytes": tables.size("Size"), "written_at": tables.moment("Last change"),
            "fetched_at": tables.moment("Newest fetch"), "batch_id": st.column_config.TextColumn("Newest batch", help="Fetch from the vendor; its raw body: `trading-assets raw show BATCH_ID`"),
            "store": "Store",
            "dagster": st.column_config.LinkColumn("Dagster", display_text=r"/assets/(.+)$", help="Opens the asset in Dagster"),
        },
    )  # fmt: skip
