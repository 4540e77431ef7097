"""Portfolio: one account; equity, positions, allocation, orders and fills, reconciliation and risk."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import formatting
from app.charts.bars import allocation_frame, allocation_spec
from app.charts.equity import equity_frame, equity_spec, underwater_spec
from app.components import tables
from app.components.page_frame import empty
from app.queries import one_symbol, portfolio
from app.queries.installation import settings

RUN = "Run one with `trading-assets run`."


def show_account(account: str) -> None:
    """Show everything about one account."""
    performance = portfolio.performance(account)
    snapshots = portfolio.snapshots(account)
    if performance.is_empty():
        empty("The account has no session yet.", RUN)
        return
    show_headline(account, performance, snapshots)
    show_curves(account, performance)
    session = snapshots["session"][-1] if not snapshots.is_empty() else performance["session"][-1]
    show_positions(account, session, float(performance["equity_usd"][-1]))
    show_strategies(account)
    show_trading(account)
    books, risk = st.columns([1, 1], gap="large")
    with books:
        show_reconciliation(account)
    with risk:
        show_risk(account)


def show_headline(account: str, performance: pl.DataFrame, snapshots: pl.DataFrame) -> None:
    """Show today's numbers."""
    last = performance.row(-1, named=True)
    opening = portfolio.opening_cash(account) or last["equity_usd"]
    before = performance["equity_usd"][-2] if performance.height > 1 else opening
    put_in = last["transferred_usd"] - (performance["transferred_usd"][-2] if performance.height > 1 else 0)
    today = last["equity_usd"] - before - put_in
    total = last["equity_usd"] - opening - last["transferred_usd"]
    buying_power = None if snapshots.is_empty() else snapshots["buying_power_usd"][-1]
    exposure = last["market_value_usd"] / last["equity_usd"] if last["equity_usd"] else None
    st.caption(
        f"Account {account} · at the close of {formatting.day(last['session'])}"
        f" · buying power {formatting.usd(buying_power)} as the broker reported it"
    )
    _after_the_close(snapshots, last)
    tiles = st.columns(6)
    tiles[0].metric(
        "Equity", formatting.headline_usd(last["equity_usd"]), help=f"Exactly {formatting.usd(last['equity_usd'])}",
        border=True, height="stretch",
    )  # fmt: skip
    _change(
        tiles[1],
        "Day P&L",
        today,
        today / before if before else None,
        f"{formatting.usd(today)} against the session before",
    )
    _change(
        tiles[2],
        "Total P&L",
        total,
        total / opening if opening else None,
        f"{formatting.usd(total)} since the opening balance of {formatting.usd(opening)}",
    )
    tiles[3].metric(
        "Drawdown", formatting.percent(last["drawdown_frac"], 2), border=True, height="stretch",
        delta=f"worst {formatting.percent(min(performance['drawdown_frac']), 2)}", delta_color="off", delta_arrow="off",
    )  # fmt: skip
    tiles[4].metric(
        "Cash", formatting.headline_usd(last["cash_usd"]), help=f"Exactly {formatting.usd(last['cash_usd'])}; below, its share of the equity", border=True, height="stretch",
        delta=formatting.percent(last["cash_usd"] / last["equity_usd"]) if last["equity_usd"] else None,
        delta_color="off", delta_arrow="off",
    )  # fmt: skip
    tiles[5].metric(
        "Exposure", formatting.percent(exposure), border=True, height="stretch",
        delta=formatting.usd(last["market_value_usd"], 0), delta_color="off", delta_arrow="off",
    )  # fmt: skip


def _after_the_close(snapshots: pl.DataFrame, last: dict[str, Any]) -> None:
    # Orders decided at a close fill at the next open: say so where the tiles still show the books before them.
    if snapshots.is_empty() or snapshots["session"][-1] != last["session"]:
        return
    cash, equity = snapshots["cash_usd"][-1], snapshots["equity_usd"][-1]
    if equity and abs(cash - last["cash_usd"]) > 1:
        st.caption(
            f"Since then the session's orders were filled: now {formatting.usd(cash)} in cash and "
            f"{formatting.percent(1 - cash / equity)} invested, equity {formatting.usd(equity)}"
        )


def _change(tile: DeltaGenerator, label: str, value: float, frac: float | None, of: str) -> None:
    tile.metric(
        label, formatting.signed_usd(value), border=True, height="stretch", help=of,
        delta=formatting.signed_percent(frac) if frac and round(frac, 4) else 0,
    )  # fmt: skip


def show_curves(account: str, performance: pl.DataFrame) -> None:
    """Show equity and drawdown."""
    colours = tables.colours()
    frame = equity_frame(performance)
    last = performance.row(-1, named=True)
    st.subheader("Equity and drawdown", anchor=False)
    st.vega_lite_chart(
        frame, equity_spec(frame.height, colours, opening_usd=portfolio.opening_cash(account)), key="pf_equity",
        width="stretch",
        alt=f"Equity over {frame.height} sessions, now {formatting.usd(last['equity_usd'])}, {formatting.change_frac(last['cumulative_return_frac'])} in total",
    )  # fmt: skip
    st.vega_lite_chart(
        frame, underwater_spec(colours), key="pf_underwater", width="stretch",
        alt=f"Drawdown from the highest equity, now {formatting.percent(last['drawdown_frac'], 2)}",
    )  # fmt: skip


def show_positions(account: str, session: date, equity: float) -> None:
    """Show what is held, and how it is spread over the sectors."""
    held = portfolio.positions(account, session)
    st.subheader("Positions", anchor=False)
    if held.is_empty():
        empty("Nothing is held.", "Positions appear when the orders of a session are filled.")
        return
    at = formatting.instant(held["mark_at"].max(), settings().zone)  # type: ignore[arg-type] # a column of instants
    st.caption(
        f"After the fills of the orders of session {formatting.day(session)}, marked at the broker's price of {at}"
    )
    named = held.join(
        one_symbol.sectors(session), on="symbol", how="left", maintain_order="left"
    ).with_columns(
        weight_frac=pl.col("market_value_usd") / equity,
        unrealised_frac=pl.col("unrealised_pnl_usd")
        / (pl.col("average_cost_usd") * pl.col("quantity").abs()),
    )
    tables.show(
        named.with_columns(tables.link()), key="pf_positions", csv=f"positions-{session}",
        alt=f"{named.height} open positions with cost, value and unrealised profit or loss",
        columns={
            "symbol": tables.symbol_link(), "name": "Name", "quantity": tables.count("Shares"),
            "average_cost_usd": tables.usd("Average cost"), "mark_price_usd": tables.usd("Mark"),
            "market_value_usd": tables.usd("Value"), "weight_frac": tables.frac("Weight", "Share of the equity"),
            "unrealised_pnl_usd": "Unrealised (USD)", "unrealised_frac": "Unrealised",
        },
        changes=["unrealised_pnl_usd"], change_fracs=["unrealised_frac"],
    )  # fmt: skip
    show_allocation(named, equity)


def show_allocation(named: pl.DataFrame, equity: float) -> None:
    """Show the share of each sector (of each position where no sector is known) and of cash."""
    by_sector = named["sector"].null_count() < named.height
    shares = allocation_frame(named, equity, "sector" if by_sector else "symbol")
    st.markdown(f"**Allocation by {'sector' if by_sector else 'position'}**, share of equity")
    if not by_sector:
        st.caption("No source names the sectors of these symbols.")
    st.vega_lite_chart(
        shares, allocation_spec(shares.height, shares["weight_frac"].to_list(), tables.colours()), key="pf_allocation",
        width="stretch", alt=f"Share of equity, largest {shares['group'][0]}",
    )  # fmt: skip


def show_strategies(account: str) -> None:
    """Show what each strategy holds and has earned; together it is the account's profit."""
    frame = portfolio.strategies(account)
    if frame.is_empty():
        return
    st.subheader("Strategies", anchor=False)
    st.caption(
        f"At the close of {formatting.day(frame['session'][0])}; together {formatting.usd(frame['pnl_usd'].sum())},"
        " the account's total P&L"
    )
    tables.show(
        frame, key="pf_strategies", csv="strategies",
        alt=f"Shares and profit of {frame.height} strategies",
        columns={
            "strategy": st.column_config.TextColumn("Strategy", pinned=True), "positions": tables.count("Positions"),
            "market_value_usd": tables.usd("Value"), "pnl_usd": "P&L (USD)",
            "realised_pnl_usd": "Realised (USD)", "unrealised_pnl_usd": "Unrealised (USD)",
        },
        changes=["pnl_usd", "realised_pnl_usd", "unrealised_pnl_usd"],
    )  # fmt: skip


def show_trading(account: str) -> None:
    """Show recent orders and fills."""
    st.subheader("Orders and fills", anchor=False)
    orders, fills = st.tabs(["Recent orders", "Recent fills"])
    with orders:
        frame = portfolio.orders(account)
        if frame.is_empty():
            empty("No order was planned yet.", RUN)
        else:
            tables.show(
                frame.with_columns(tables.link()), key="pf_orders", csv="orders", height=320,
                alt=f"The newest {frame.height} orders with their status",
                columns={
                    "symbol": tables.symbol_link(), "session": tables.session("Decided"), "side": "Side",
                    "purpose": "Purpose", "quantity": tables.count("Shares"), "order_type": "Type",
                    "time_in_force": "Valid", "status": st.column_config.TextColumn("Status", help="The broker's; until it has the order, our own"),
                    "filled_quantity": tables.count("Filled"), "average_fill_price_usd": tables.usd("Fill price"),
                    "reason": "Reason", "refusal": "Refusal", "strategies": "Wanted by",
                },
            )  # fmt: skip
    with fills:
        frame = portfolio.fills(account)
        if frame.is_empty():
            empty("No order was filled yet.", RUN)
        else:
            tables.show(
                frame.with_columns(tables.link()), key="pf_fills", csv="fills", height=320,
                alt=f"The newest {frame.height} fills",
                columns={
                    "symbol": tables.symbol_link(), "executed_at": tables.moment("Executed"), "side": "Side",
                    "quantity": tables.count("Shares"), "price_usd": tables.usd("Price"),
                    "value_usd": tables.usd("Value"), "session": tables.session("Decided"),
                    "client_order_id": "Client order id",
                },
            )  # fmt: skip


def show_reconciliation(account: str) -> None:
    """Show whether our books agree with the broker's."""
    st.subheader("Reconciliation with the broker", anchor=False)
    frame = portfolio.reconciliation(account)
    if frame.is_empty():
        empty("Our books were not compared with the broker's yet.", RUN)
        return
    wrong = frame.filter(~pl.col("is_match")).height
    at = formatting.instant(frame["reconciled_at"].max(), settings().zone)  # type: ignore[arg-type] # a column of instants
    where = f"session {formatting.day(frame['session'][0])}, compared {at}"
    if wrong:
        st.error(
            f"**{wrong} of {frame.height} items differ**: trading is halted · {where}",
            icon=":material/error:",
        )
    else:
        st.success(
            f"Cash and all {frame.height - 1} positions agree · {where}", icon=":material/check_circle:"
        )
    tables.show(
        frame, key="pf_reconciliation", csv="reconciliation", height=320,
        alt=f"Comparison of {frame.height} items with the broker, {wrong} differ",
        columns={
            "item": st.column_config.TextColumn("Item", pinned=True), "ours": tables.count("Ours"),
            "brokers": tables.count("Broker's"), "difference": tables.count("Difference"),
            "is_match": "Equal", "explanation": "Explanation",
        },
    )  # fmt: skip


RISK_GROUPS: dict[str, tuple[str, ...]] = {
    "Book": (),
    "At risk": ("var_", "cvar_"),
    "Stress": ("drawdown_", "stress_"),
    "Sectors": ("exposure ",),
    "Positions": ("risk ", "marginal_risk "),
}
"""What the names of a group's metrics begin with; the first group has all others."""


def _begins(names: Iterable[str]) -> pl.Expr:
    return pl.any_horizontal(pl.col("metric").str.starts_with(name) for name in names)


def show_risk(account: str) -> None:
    """Show the risk metrics with how each was computed."""
    st.subheader("Risk", anchor=False)
    frame = portfolio.risk_metrics(account)
    if frame.is_empty():
        empty("No risk metrics yet.", RUN)
        return
    st.caption(f"Session {formatting.day(frame['session'][0])}; n/a where there is not enough history")
    about = st.segmented_control(
        "Risk of", list(RISK_GROUPS), default="Book", key="pf_risk_of", required=True, label_visibility="collapsed",
    )  # fmt: skip
    wanted = RISK_GROUPS[about or "Book"]
    others = [begin for name, begins in RISK_GROUPS.items() if name != "Book" for begin in begins]
    is_shown = _begins(wanted) if wanted else ~_begins(others)
    named = frame.with_columns(
        name=pl.col("metric").map_elements(_metric_name, return_dtype=pl.String),
        shown=pl.struct("value", "unit").map_elements(
            lambda row: formatting.quantity(row["value"], row["unit"]), return_dtype=pl.String
        ),
    )
    shown = named.filter(is_shown)
    tables.show(
        shown, key="pf_risk", csv="risk-metrics", csv_rows=named, height=390, alt=f"{shown.height} risk metrics with their method",
        columns={
            "name": st.column_config.TextColumn("Metric", pinned=True, width=170),
            "shown": st.column_config.TextColumn("Value", alignment="right", width=110),
            "method": st.column_config.TextColumn("Method", width=420),
        },
    )  # fmt: skip


def _metric_name(metric: str) -> str:
    words = metric.removesuffix("_frac").removesuffix("_usd").replace("_", " ")
    for short, written in (("cvar", "CVaR"), ("var", "VaR")):
        if words.startswith(short):
            return written + words.removeprefix(short)
    return words[:1].upper() + words[1:]


account = portfolio.account()
if account is None:
    empty("No account was opened in this mode yet: there is market data, but no session was traded.", RUN)
else:
    show_account(account)
