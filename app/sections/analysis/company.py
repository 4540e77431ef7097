"""Company: the newest snapshot known of one company; who it is, its figures, what analysts say, and every other kind."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import streamlit as st

from app import formatting
from app.charts.bars import recommendations_spec
from app.components import tables
from app.components.page_frame import empty
from app.queries import companies, one_symbol
from trading_assets.tables.companies import COMPANY_TABLES

OLD_DAYS = 14
ACRONYMS = {"pe", "peg", "ev", "ebitda", "eps", "nav"}
INNER = ("symbol", "session", "batch_id", "known_at", "age_days")
SHOWN_FIRST = ("company_info", "key_statistics", "market_data", "analyst_recommendations")


def show(symbol: str, view: one_symbol.View, session: date) -> None:
    """Show the company as known at a session."""
    found = {kind: companies.snapshot(kind, symbol, session, view.as_of) for kind in COMPANY_TABLES}
    dated = [frame for frame in found.values() if not frame.is_empty()]
    if not dated:
        empty(
            f"No company data of {symbol} {'were known then' if view.as_of else 'are stored yet'}.",
            "Snapshots are taken weekly: `trading-assets snapshot` takes one now.",
        )
        return
    show_age(dated)
    info, figures = (_first(found[kind]) for kind in ("company_info", "key_statistics"))
    if info:
        show_profile(info)
    if figures:
        show_tiles(figures)
    left, right = st.columns([3, 2])
    with left:
        show_figures(found, symbol)
    with right:
        show_recommendations(found["analyst_recommendations"], figures or {})
    show_others(found, symbol)


def _first(frame: pl.DataFrame) -> dict[str, Any] | None:
    return None if frame.is_empty() else frame.row(0, named=True)


def show_age(dated: list[pl.DataFrame]) -> None:
    """Say how old the snapshot is, and of which batch."""
    newest = max(dated, key=lambda frame: frame["session"][0])
    days = int(newest["age_days"][0])
    ago = f", {days} day{'s' if days != 1 else ''} old" if days else ""
    words = f"Snapshot of {formatting.day(newest['session'][0])}{ago}"
    colour, icon = (
        ("orange", ":material/schedule:") if days > OLD_DAYS else ("green", ":material/check_circle:")
    )
    st.badge(words, color=colour, icon=icon, help=f"Raw batch {newest['batch_id'][0]}")  # type: ignore[arg-type] # one of Streamlit's colours


def show_profile(info: dict[str, Any]) -> None:
    """Show who the company is."""
    place = ", ".join(part for part in (info["city"], info["state"], info["country"]) if part)
    facts = (info["sector"], info["industry"], info["fund_category"], place)
    people = f"{info['employee_count']:,} employees" if info["employee_count"] else None
    line = " · ".join(part for part in (*facts, people) if part)
    st.markdown(f"**{info['name'] or info['short_name'] or info['symbol']}** · {line}")
    if info["summary"]:
        with st.expander("What it does"):
            st.write(info["summary"].replace("$", "\\$"))
            if info["website"]:
                st.caption(info["website"])


def show_tiles(figures: dict[str, Any]) -> None:
    """Show the figures that are asked for most."""
    cap = figures["market_cap_usd"]
    report = figures["next_earnings_at"]
    tiles = (
        ("Market cap", formatting.large_usd(cap)),
        ("P/E, trailing", formatting.quantity(figures["trailing_pe"], "")),
        ("P/E, forward", formatting.quantity(figures["forward_pe"], "")),
        ("EPS, trailing", formatting.usd(figures["trailing_eps_usd"])),
        ("Dividend yield", formatting.percent(figures["dividend_yield_frac"], 2)),
        ("Beta", formatting.quantity(figures["beta"], "")),
        ("Next earnings (est.)" if figures["is_next_earnings_estimated"] else "Next earnings", f"{report:%d %b %Y}" if report else formatting.NOTHING),
    )  # fmt: skip
    for slot, (label, value) in zip(st.columns(len(tiles)), tiles, strict=True):
        slot.metric(label, value)


def show_figures(found: dict[str, pl.DataFrame], symbol: str) -> None:
    """List every known figure of the statistics and the quote with its meaning."""
    rows = []
    for kind in ("key_statistics", "market_data"):
        values = _first(found[kind]) or {}
        for name, column in COMPANY_TABLES[kind].columns.items():
            if name not in INNER and values.get(name) is not None:
                rows.append(
                    (_words(name), _shown(values[name], column.unit), column.unit, column.description, kind)
                )
    if not rows:
        empty("No figures are known.", "Funds and small companies may have none.")
        return
    frame = pl.DataFrame(rows, schema=["figure", "shown", "unit", "meaning", "table"], orient="row")
    tables.show(
        frame, key="an_figures", csv=f"figures-{symbol}", height=420, alt=f"{len(rows)} figures of {symbol}",
        columns={
            "figure": st.column_config.TextColumn("Figure", pinned=True, width=220),
            "shown": st.column_config.TextColumn("Value", alignment="right", width=150),
            "meaning": st.column_config.TextColumn("Meaning", width="large"), "table": "Table",
        },
    )  # fmt: skip


def _words(name: str) -> str:
    for ending in ("_usd", "_frac", "_shares", "_reported"):
        name = name.removesuffix(ending)
    words = " ".join(word.upper() if word in ACRONYMS else word for word in name.split("_"))
    return words[0].upper() + words[1:]


def _shown(value: object, unit: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return (
            formatting.large_usd(value)
            if unit == "USD" and abs(value) >= 1e6
            else formatting.quantity(value, unit)
        )
    return str(value)


def show_recommendations(frame: pl.DataFrame, figures: dict[str, Any]) -> None:
    """Draw what analysts recommend, month by month, and their price targets."""
    if frame.is_empty():
        empty("No analyst recommendations are known.", "Funds have none.")
        return
    kinds = ["strong_buy", "buy", "hold", "sell", "strong_sell"]
    ago = pl.col("months_ago")
    month = (
        pl.when(ago == 0).then(pl.lit("this month")).when(ago == 1).then(pl.lit("last month"))
        .otherwise(pl.format("{} months ago", ago))
    )  # fmt: skip
    counts = frame.with_columns(month=month).unpivot(
        kinds, index=["months_ago", "month"], variable_name="rating", value_name="analysts"
    ).with_columns(pl.col("rating").str.replace("_", " "))  # fmt: skip
    st.vega_lite_chart(
        counts, recommendations_spec(frame.height, tables.colours()), key="an_recommendations", width="stretch",
        alt=f"Analysts' recommendations over {frame.height} months",
    )  # fmt: skip
    if figures.get("target_mean_usd"):
        low, mean, high = (formatting.usd(figures[f"target_{name}_usd"]) for name in ("low", "mean", "high"))
        count = figures["analyst_count"]
        st.caption(f"Price targets: {low} to {high}, mean {mean}" + (f", {count} analysts" if count else ""))


def show_others(found: dict[str, pl.DataFrame], symbol: str) -> None:
    """Show any other kind as a table."""
    kinds = [kind for kind, frame in found.items() if kind not in SHOWN_FIRST and not frame.is_empty()]
    if not kinds:
        return
    kind = st.pills(
        "More", kinds, key="an_kind", format_func=lambda name: name.replace("_", " "), bind="query-params"
    )
    if not kind:
        return
    table, frame = COMPANY_TABLES[kind], found[kind]
    filled = [name for name in table.columns if name not in INNER and frame[name].is_not_null().any()]
    st.caption(table.grain)
    tables.show(
        frame, key=f"an_kind_{kind}", csv=f"{kind}-{symbol}", height=420, alt=f"{frame.height} rows of {kind} of {symbol}",
        columns={name: tables.of_column(name, table.columns[name], _words(name)) for name in filled},
    )  # fmt: skip
