"""Analysis: one symbol; candles with indicators, features, signals, fills, actions and where the data come from."""

from __future__ import annotations

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import formatting
from app.charts.candles import OVERLAY_NAMES, PANE_NAMES, candle_frame, candle_spec
from app.components import tables
from app.components.page_frame import empty
from app.queries import market, portfolio
from app.queries.installation import settings
from trading_assets.schemas import DAILY_FEATURES

RANGES = {"1M": 21, "3M": 63, "6M": 126, "YTD": 0, "1Y": 252, "Max": 10_000}
SIDES = {"enter_long": "▲ enter long", "hold_long": "hold long", "exit_long": "▼ exit long"}


def choose_symbol(listed: pl.DataFrame, slot: DeltaGenerator) -> str:
    """Ask for a symbol by ticker or name; the address of the page follows."""
    names = dict(listed.select("symbol", "name").iter_rows())
    options = list(names)
    wanted = st.query_params.get("symbol", "").upper()
    if wanted and wanted not in names:
        st.warning(
            f"No bars of a symbol {wanted} in the last year: showing another.", icon=":material/search_off:"
        )
    if "an_symbol" not in st.session_state or (
        wanted in names and st.session_state.get("an_wanted") != wanted
    ):
        st.session_state.an_symbol = wanted if wanted in names else first_symbol(options)
    chosen: str = slot.selectbox(
        "Symbol", options, key="an_symbol", persist_state="session",
        format_func=lambda symbol: f"{symbol}  ·  {names[symbol]}" if names[symbol] else symbol,
        help="Type a ticker or a part of the name",
    )  # fmt: skip
    st.session_state.an_wanted = chosen
    if wanted != chosen:
        st.query_params["symbol"] = chosen
    return chosen


def first_symbol(options: list[str]) -> str:
    """Return the largest position, or else the first symbol."""
    account = portfolio.account()
    snapshots = portfolio.snapshots(account) if account else pl.DataFrame()
    if account and not snapshots.is_empty():
        held = portfolio.positions(account, snapshots["session"][-1])["symbol"].to_list()
        return next((symbol for symbol in held if symbol in options), options[0])
    return options[0]


def show_symbol(symbol: str) -> None:
    """Show everything about one symbol."""
    account = portfolio.account()
    controls = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    span = controls.segmented_control("Range", list(RANGES), default="1Y", key="an_range", required=True)
    overlays = controls.pills(
        "Overlays", OVERLAY_NAMES, selection_mode="multi", default=["SMA 50", "SMA 200"], key="an_overlays"
    )
    panes = controls.pills(
        "Panes", PANE_NAMES, selection_mode="multi", default=list(PANE_NAMES), key="an_panes"
    )
    prices = controls.pills(
        "Prices", ["Adjusted", "Log scale"], selection_mode="multi", default=["Adjusted"], key="an_prices",
        help="Adjusted: prices and volumes as they look from the newest bar, after splits and dividends",
    )  # fmt: skip
    adjusted, log = "Adjusted" in prices, "Log scale" in prices
    bars = market.bars(symbol, adjusted=adjusted)
    if bars.is_empty():
        empty(f"No accepted bar of {symbol} in the last years.", "Refused bars are listed below.")
    else:
        show_chart(symbol, bars, span or "1Y", overlays, panes, adjusted=adjusted, log=log, account=account)
    show_details(symbol, account)


def show_quote(symbol: str, listing: dict[str, str | None]) -> None:
    """Show the newest bar, as traded, and where it comes from."""
    bars = market.bars(symbol, adjusted=True)
    if bars.is_empty():
        return
    last = bars.row(-1, named=True)
    before = bars["close"][-2] if bars.height > 1 else None
    change = None if not before else last["close"] / before - 1
    about = [listing["name"], listing["sector"], listing["exchange"], listing["asset_type"]]
    st.markdown(
        f"**{formatting.usd(last['close'])}** {_coloured(change)} · volume {last['volume']:,.0f} shares · session {formatting.day(last['session'])}  \n"
        + " · ".join(part for part in about if part)
    )
    zone = settings().zone
    sources = (
        f"{last['source']}, one of {last['source_count']} source{'s' if last['source_count'] != 1 else ''}"
    )
    st.caption(f"Bar from {sources} · known since {formatting.instant(last['known_at'], zone)}")


def _coloured(change: float | None) -> str:
    if change is None or not round(change, 4):
        return ":gray[0.00 %]"
    return f":{'green' if change > 0 else 'red'}[{formatting.change_frac(change)}]"


def show_chart(
    symbol: str, bars: pl.DataFrame, span: str, overlays: list[str], panes: list[str], *,
    adjusted: bool, log: bool, account: str | None,
) -> None:  # fmt: skip
    """Show the candles with our fills on them."""
    fills = market.symbol_fills(symbol, account)
    if adjusted and not fills.is_empty():
        fills = fills.join(bars.select("session", "price_factor"), on="session").with_columns(
            price=pl.col("price") / pl.col("price_factor") * bars["price_factor"][-1]
        )
    frame = candle_frame(bars.drop("source", "batch_id", "known_at", "vwap", "trade_count"), fills)
    needed = [name for name in frame.columns if name in CHART_COLUMNS]
    year = bars.filter(pl.col("session").dt.year() == bars["session"][-1].year).height
    title = "Price (USD, adjusted for splits and dividends)" if adjusted else "Price (USD, as traded)"
    spec = candle_spec(
        frame.height, RANGES[span] or year, tables.colours(),
        overlays=overlays, panes=panes, log=log, title=title,
    )  # fmt: skip
    st.vega_lite_chart(
        frame.select(needed), spec, key="an_candles", width="stretch",
        alt=f"Candles of {symbol} over {frame.height} sessions up to {formatting.day(bars['session'][-1])}, last close {formatting.usd(bars['close'][-1])}",
    )  # fmt: skip


CHART_COLUMNS = {
    "ago", "session", "open", "high", "low", "close", "volume", "change", "tick", "buy", "sell", "sma_20", "sma_50",
    "sma_200", "ema_26", "bb_upper", "bb_lower", "rsi_14", "macd", "macd_signal", "macd_histogram",
}  # fmt: skip


def show_details(symbol: str, account: str | None) -> None:
    """Show the tables about a symbol, one tab each."""
    names = ["Features", "Signals", "Our fills", "Corporate actions", "Refused bars"]
    features, signals, fills, actions, refused = st.tabs(names)
    with features:
        show_features(symbol)
    with signals:
        show_signals(symbol)
    with fills:
        show_fills(symbol, account)
    with actions:
        show_actions(symbol)
    with refused:
        show_refused(symbol)


def show_features(symbol: str) -> None:
    """Show the newest feature values with unit and meaning."""
    frame = market.features(symbol)
    if frame.is_empty():
        empty(f"No features of {symbol} yet.", "They are computed by the asset daily_features.")
        return
    values = frame.row(0, named=True)
    columns = {
        name: column for name, column in DAILY_FEATURES.columns.items() if name not in DAILY_FEATURES.key
    }
    rows = [
        (name, formatting.quantity(values[name], column.unit), column.unit, column.description, values[name])
        for name, column in columns.items()
    ]
    shown = pl.DataFrame(rows, schema=["feature", "shown", "unit", "meaning", "value"], orient="row")
    st.caption(
        f"Session {formatting.day(values['session'])}, in that session's price scale; n/a before the warm-up is complete"
    )
    tables.show(
        shown, key="an_features", csv=f"features-{symbol}-{values['session']}", alt=f"{len(rows)} features of {symbol}",
        columns={
            "feature": st.column_config.TextColumn("Feature", pinned=True, width=190),
            "shown": st.column_config.TextColumn("Value", alignment="right", width=140),
            "unit": st.column_config.TextColumn("Unit", width=140),
            "meaning": st.column_config.TextColumn("Meaning", width="large"),
        },
    )  # fmt: skip


def show_signals(symbol: str) -> None:
    """Show what the strategies said."""
    frame = market.signals(symbol)
    if frame.is_empty():
        empty(
            f"No strategy has said anything about {symbol}.",
            "Signals appear when it enters a ranking or a rule applies.",
        )
        return
    tables.show(
        frame.with_columns(pl.col("side").replace(SIDES)), key="an_signals", csv=f"signals-{symbol}",
        alt=f"The newest {frame.height} signals for {symbol}",
        columns={
            "session": tables.session(), "strategy": "Strategy", "side": "Signal",
            "strength": st.column_config.ProgressColumn("Strength (0 to 1)", min_value=0, max_value=1, format="%.2f"),
            "reason": "Reason", "created_at": tables.moment("Computed"),
        },
    )  # fmt: skip


def show_fills(symbol: str, account: str | None) -> None:
    """Show our own trades."""
    frame = market.symbol_fills(symbol, account)
    if frame.is_empty():
        empty(f"We have not traded {symbol}.", "Fills also appear as triangles on the chart.")
        return
    tables.show(
        frame, key="an_fills", csv=f"fills-{symbol}", alt=f"{frame.height} fills in {symbol}",
        columns={
            "executed_at": tables.moment("Executed"), "side": "Side", "quantity": tables.count("Shares"),
            "price": tables.usd("Price"), "value_usd": tables.usd("Value"), "client_order_id": "Client order id",
        },
    )  # fmt: skip


def show_actions(symbol: str) -> None:
    """Show splits, dividends and the like."""
    frame = market.actions(symbol)
    if frame.is_empty():
        empty(
            f"No corporate action of {symbol} is known.",
            "Splits and dividends appear here and adjust the chart.",
        )
        return
    tables.show(
        frame.with_columns(pl.col("kind").str.replace_all("_", " ")), key="an_actions", csv=f"corporate-actions-{symbol}",
        alt=f"{frame.height} corporate actions of {symbol}",
        columns={
            "ex_date": tables.session("Ex-date"), "kind": "Kind",
            "split_ratio": st.column_config.NumberColumn("Split (new per old share)", format="%.6g"),
            "cash_usd": st.column_config.NumberColumn("Cash (USD per share)", format="%.4f"), "new_symbol": "New symbol",
            "source": "Source", "known_at": tables.moment("Known since"),
        },
    )  # fmt: skip


def show_refused(symbol: str) -> None:
    """Show the bars that a row check kept out."""
    frame = market.quarantined(symbol)
    if frame.is_empty():
        empty(
            f"No bar of {symbol} was refused.",
            "Impossible bars are kept here with the rule, never used downstream.",
        )
        return
    tables.show(
        frame, key="an_refused", csv=f"refused-bars-{symbol}", alt=f"{frame.height} refused bars of {symbol}",
        columns={
            "session": tables.session("Date on the bar"), "source": "Source", "rule": "Rule", "expectation": "Expected",
            "open": tables.usd("Open"), "high": tables.usd("High"), "low": tables.usd("Low"), "close": tables.usd("Close"),
            "volume": tables.count("Volume (shares)"), "known_at": tables.moment("Known since"),
        },
    )  # fmt: skip


listed = market.symbols()
if listed.is_empty():
    empty("There are no accepted bars yet.", "Fill the history with `trading-assets up`.")
else:
    picker, quote = st.columns([1, 2], gap="medium", vertical_alignment="top")
    symbol = choose_symbol(listed, picker)
    with quote:
        show_quote(symbol, listed.row(by_predicate=pl.col("symbol") == symbol, named=True))
    show_symbol(symbol)
