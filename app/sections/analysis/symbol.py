"""One symbol: how to look at it, its newest bar in words, and its candles with fills and corporate actions."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import formatting
from app.charts.candle_bars import candle_frame
from app.charts.candles import candle_spec
from app.charts.indicators import CHOICES, DEFAULT
from app.components import tables
from app.components.page_frame import empty
from app.queries import one_symbol
from app.queries.installation import settings
from trading_assets.feature_store.adjusted_bars import Adjust
from trading_assets.screener.display import written
from trading_assets.zones import zone_word

DAILY_RANGES = {"1M": 21, "3M": 63, "6M": 126, "YTD": 0, "1Y": 252, "Max": 10_000}
HOURLY_RANGES = {"1D": 7, "1W": 35, "1M": 147, "3M": 441, "Max": 10_000}
PRICES: dict[str, Adjust] = {"Adjusted": "all", "Split-adjusted": "split", "As traded": "none"}
TITLES: dict[Adjust, str] = {
    "all": "adjusted for splits, dividends and spin-offs",
    "split": "adjusted for splits",
    "none": "as traded",
}
KNOWN_FROM, KNOWN_TO = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 (wall time of the reader's zone)
LETTERS = {
    "split": "S",
    "cash_dividend": "D",
    "spin_off": "O",
    "symbol_change": "N",
    "delisting": "X",
    "seam": "I",
}
CHART_COLUMNS = {
    "ago", "session", "label", "open", "high", "low", "close", "volume", "change", "tick", "buy", "sell", "event",
    "event_note",
}  # fmt: skip


def choose_view(slot: DeltaGenerator) -> one_symbol.View:
    """Ask how to look at the symbol; the address of the page follows."""
    grain: one_symbol.Grain = slot.segmented_control(
        "Bars", get_args(one_symbol.Grain), default="Daily", key="an_bars", required=True, bind="query-params"
    )
    prices = slot.segmented_control(
        "Prices", list(PRICES), default="Adjusted", key="an_price", required=True, bind="query-params",
        help="Adjusted: as they look from the newest bar, after splits, dividends and spin-offs; volumes after splits",
    )  # fmt: skip
    zone = settings().zone
    known = slot.datetime_input(
        f"Known at ({zone_word(zone)})", None, key="an_known", format="YYYY-MM-DD", bind="query-params",
        min_value=KNOWN_FROM, max_value=KNOWN_TO, width=230, help=f"Empty: now. Else bars and corporate actions as this system knew them then. Time zone: {zone.key}",
    )  # fmt: skip
    return one_symbol.View(grain, PRICES[prices], known.replace(tzinfo=zone) if known else None)


def show_known_at(as_of: datetime) -> None:
    """Say that the page shows the past."""
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.warning(
        f"**As known at {formatting.instant(as_of, settings().zone)}**: later corrections, bars and corporate actions are left out.",
        icon=":material/history:",
    )
    right.button("Back to now", on_click=_forget_known, icon=":material/update:", width="stretch")


def _forget_known() -> None:
    st.session_state.an_known = None


def show_quote(symbol: str, view: one_symbol.View, listing: dict[str, str | None]) -> None:
    """Show the newest bar, and where it comes from."""
    bars = one_symbol.bars(symbol, view)
    about = " · ".join(
        part
        for name in ("name", "sector", "exchange", "asset_type")
        if (part := written(name, listing[name]))
    )
    if bars.is_empty():
        st.markdown(about)
        return
    last = bars.row(-1, named=True)
    before = bars["close"][-2] if bars.height > 1 else None
    change = None if not before else last["close"] / before - 1
    zone = settings().zone
    when = f"session {formatting.day(last['session'])}"
    if view.grain == "Hourly":
        until = last["bar_end"].astimezone(zone)
        when = f"hour until {until:%H:%M %Z}, {when}"
    st.markdown(
        f"**{formatting.usd(last['close'])}** {_coloured(change)} · volume {last['volume']:,.0f} shares · {when}  \n{about}"
    )
    count = last["source_count"]
    sources = f"{last['source']}, one of {count} source{'s' if count != 1 else ''}"
    st.caption(f"Bar from {sources} · known since {formatting.instant(last['known_at'], zone)}")


def _coloured(change: float | None) -> str:
    if change is None or not round(change, 4):
        return ":gray[0.00 %]"
    return f":{'green' if change > 0 else 'red'}[{formatting.change_frac(change)}]"


def show_chart(symbol: str, view: one_symbol.View, account: str | None) -> None:
    """Show the candles with our fills and the corporate actions on them."""
    bars = one_symbol.bars(symbol, view)
    if bars.is_empty():
        what = "hourly" if view.grain == "Hourly" else "accepted"
        empty(
            f"No {what} bar of {symbol}{' was known then' if view.as_of else ' in the last years'}.",
            "Hourly bars are kept for the most traded symbols." if view.grain == "Hourly" else "Refused bars are listed below.",
        )  # fmt: skip
        return
    hourly = view.grain == "Hourly"
    controls = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    ranges = HOURLY_RANGES if hourly else DAILY_RANGES
    span = controls.segmented_control(
        "Range", list(ranges), default="1M" if hourly else "1Y", key=f"an_range_{view.grain.lower()}", required=True, bind="query-params"
    )  # fmt: skip
    log = controls.toggle("Log scale", key="an_log", bind="query-params")
    indicators = st.multiselect(
        "Indicators", list(CHOICES), default=list(DEFAULT), key="an_indicators", bind="query-params",
        format_func=lambda name: CHOICES[name].label, placeholder="Choose what to draw", select_all=False,
        help="Computed on the prices that are shown; those in the scale of the prices lie over the candles, others have a pane below",
    )  # fmt: skip
    at = "bar_start" if hourly else "session"
    shown = CHART_COLUMNS.union(*(CHOICES[name].columns for name in indicators))
    frame = candle_frame(
        bars.select(name for name in bars.columns if name in {*shown, "bar_start", "bar_end"}),
        _fills(symbol, account, bars, at), _events(symbol, view, bars, at), at=at, zone=settings().user_timezone,
    )  # fmt: skip
    year = bars.filter(pl.col("session").dt.year() == bars["session"][-1].year).height
    spec = candle_spec(
        frame.height, ranges[span] or year, tables.colours(),
        indicators=indicators, log=log, title=f"Price (USD, {TITLES[view.adjust]})", hourly=hourly,
    )  # fmt: skip
    st.vega_lite_chart(
        frame.select(name for name in frame.columns if name in shown), spec, key="an_candles", width="stretch",
        alt=f"{view.grain} candles of {symbol} over {frame.height} bars up to {formatting.day(bars['session'][-1])}, last close {formatting.usd(bars['close'][-1])}",
    )  # fmt: skip
    st.caption(
        "▲ bought · ▼ sold · circles: S split, D cash dividend, O spin-off, N new symbol, X delisting, I another instrument"
        + (f" · times in {settings().user_timezone}" if hourly else "")
    )


def _fills(symbol: str, account: str | None, bars: pl.DataFrame, at: str) -> pl.DataFrame:
    fills = one_symbol.symbol_fills(symbol, account)
    if fills.is_empty():
        return fills
    scale = bars.select("session", "price_scale").unique("session")
    scaled = fills.join(scale, on="session").with_columns(price=pl.col("price") * pl.col("price_scale"))
    if at == "session" or scaled.is_empty():
        return scaled
    hours = bars.select(pl.col("bar_start").alias("executed_at"), "bar_start", "bar_end").sort("executed_at")
    placed = scaled.sort("executed_at").join_asof(
        hours.with_columns(pl.col("executed_at").cast(scaled.schema["executed_at"])), on="executed_at", strategy="backward"
    )  # fmt: skip
    return placed.filter(pl.col("executed_at") < pl.col("bar_end"))


def _events(symbol: str, view: one_symbol.View, bars: pl.DataFrame, at: str) -> pl.DataFrame:
    # on the first bar at or after the ex-date
    known = one_symbol.actions(symbol, view.as_of)
    anew = one_symbol.instruments(symbol, view.as_of).filter(pl.col("begun").is_in(["silence", "identity"]))
    seams = anew.select(ex_date="first_session", kind=pl.lit("seam"))
    happened = pl.concat([known.filter(pl.col("kind").is_in(list(LETTERS))), seams], how="diagonal").sort(
        "ex_date"
    )
    starts = bars.select("session", at).unique("session", keep="first").sort("session") if at != "session" else bars.select("session")  # fmt: skip
    placed = happened.filter(pl.col("ex_date") >= bars["session"][0]).join_asof(
        starts.with_columns(ex_date=pl.col("session")), on="ex_date", strategy="forward"
    )
    return placed.filter(pl.col("session").is_not_null()).select(
        at,
        letter=pl.col("kind").replace_strict(LETTERS, return_dtype=pl.String),
        note=pl.Series([action_words(row) for row in placed.filter(pl.col("session").is_not_null()).iter_rows(named=True)], dtype=pl.String),
    )  # fmt: skip


def action_words(action: dict[str, object]) -> str:
    """Describe a corporate action in a few words, e.g. ``split 4 for 1``."""
    match action["kind"]:
        case "seam":
            return "another instrument from here on"
        case "split":
            ratio = float(str(action["split_ratio"]))
            return f"split {ratio:g} for 1" if ratio >= 1 else f"reverse split 1 for {1 / ratio:g}"
        case "cash_dividend":
            return f"dividend ${action['cash_usd']:.4g}"
        case "spin_off":
            received = f" ({action['share_ratio']:g} per share)" if action["share_ratio"] else ""
            return f"spin-off {action['new_symbol'] or ''}{received}".strip()
        case "symbol_change":
            return f"symbol change to {action['new_symbol'] or 'an unknown one'}"
        case _:
            return str(action["kind"]).replace("_", " ")
