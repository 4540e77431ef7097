"""`orders`, `positions`, `fills`, `activities`, `round-trips` and `slippage`: what the books say now."""

from __future__ import annotations

from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from trading_assets.cli.opened import opened_database
from trading_assets.cli.options import JsonOption, WideOption, parse_day
from trading_assets.cli.output import friendly_errors, out, print_json, print_table, quantity, usd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    import polars as pl


DayOption = Annotated[
    str | None,
    typer.Option("--session", metavar="YYYY-MM-DD", help="Decision session; default: the newest one."),
]

ORDERS = """
select i.session, i.symbol, i.side, i.quantity, i.order_type, i.time_in_force, i.state, o.status as broker_status,
       o.filled_quantity, o.average_fill_price_usd, i.client_order_id, i.refusal
from order_intents i left join orders o using (client_order_id)
where i.session = {day} order by i.side desc, i.symbol
"""
POSITIONS = """
select session, symbol, quantity, average_cost_usd, mark_price_usd, mark_at, mark_from, market_value_usd,
       unrealised_pnl_usd
from positions where session = {day} and quantity <> 0 order by market_value_usd desc
"""
FILLS = """
select session, executed_at, symbol, side, quantity, price_usd, quantity * price_usd as value_usd, client_order_id
from fills where session = {day} order by executed_at, symbol
"""

ACTIVITIES = """
select a.activity_date, a.kind, a.symbol, a.shares, a.cash_usd, b.kind as booked_as,
       coalesce(b.note, case when a.shares = 0 and a.cash_usd = 0 then 'moves nothing' else 'not booked' end) as note, a.activity_id
from account_activities a left join bookings b on b.account = a.account and b.activities ? a.activity_id
order by a.activity_date desc, a.activity_id desc limit %s
"""

ROUND_TRIPS = """
select symbol, strategy, side, quantity, opened_session, opened_at, closed_session, closed_at, holding_sessions, entry_price_usd,
       exit_price_usd, gross_profit_usd, income_usd, fees_usd, net_profit_usd, closed_by
from round_trips order by trip desc limit %s
"""
SLIPPAGE = """
select broker_order_id, strategy, session, executed_session, symbol, side, quantity, fill_price_usd, arrival_price_usd,
       arrival_value_usd, slippage_usd, slippage_bps
from order_slippage order by session desc, symbol, broker_order_id, strategy
"""


class SlippageBy(StrEnum):
    """What orders are added up by."""

    ORDER = "order"
    SESSION = "session"
    STRATEGY = "strategy"


@friendly_errors
def orders(session: DayOption = None, json: JsonOption = False, wide: WideOption = False) -> None:
    """List the orders of a session with their status: the broker's, and until the broker has the order, our own.

    [dim]Example:[/] trading-assets orders --session 2026-11-20
    """
    frame, _ = _read(ORDERS, "order_intents", session)
    if json:
        return print_json(frame.to_dicts())
    rows = [
        (r["symbol"], r["side"], quantity(r["quantity"]), r["order_type"], r["time_in_force"],
         r["broker_status"] or r["state"], quantity(r["filled_quantity"]), usd(r["average_fill_price_usd"]), r["refusal"])
        for r in frame.iter_rows(named=True)
    ]  # fmt: skip
    columns = (
        "symbol",
        "side",
        "quantity",
        "type",
        "tif",
        "status",
        "filled",
        "price",
        "refusal",
    )
    return _show(
        "Orders", frame, columns, rows, ("quantity", "filled", "price"),
        session=session, folded=("refusal",), optional=("refusal", "price", "tif", "type"), wide=wide,
    )  # fmt: skip


@friendly_errors
def positions(session: DayOption = None, json: JsonOption = False, wide: WideOption = False) -> None:
    """List the positions after a session's fills, marked at the broker's last price.

    [dim]Example:[/] trading-assets positions
    """
    frame, zone = _read(POSITIONS, "positions", session)
    if json:
        return print_json(frame.to_dicts())
    rows = [
        (r["symbol"], quantity(r["quantity"]), usd(r["average_cost_usd"]), usd(r["mark_price_usd"]),
         r["mark_at"], r["mark_from"], usd(r["market_value_usd"]), usd(r["unrealised_pnl_usd"]))
        for r in frame.iter_rows(named=True)
    ]  # fmt: skip
    columns = (
        "symbol",
        "quantity",
        "average cost",
        "mark",
        "marked at",
        "mark is",
        "value USD",
        "unrealised USD",
    )
    return _show(
        "Positions",
        frame,
        columns,
        rows,
        ("quantity", "average cost", "mark", "value USD", "unrealised USD"),
        session=session,
        optional=("mark", "average cost", "marked at", "mark is"),
        zone=zone,
        wide=wide,
    )


@friendly_errors
def fills(session: DayOption = None, json: JsonOption = False, wide: WideOption = False) -> None:
    """List the fills of a session's orders.

    [dim]Example:[/] trading-assets fills --json
    """
    frame, zone = _read(FILLS, "fills", session)
    if json:
        return print_json(frame.to_dicts())
    rows = [
        (r["executed_at"], r["symbol"], r["side"], quantity(r["quantity"]), usd(r["price_usd"]), usd(r["value_usd"]))
        for r in frame.iter_rows(named=True)
    ]  # fmt: skip
    return _show(
        "Fills",
        frame,
        ("time", "symbol", "side", "quantity", "price", "value USD"),
        rows,
        ("quantity", "price", "value USD"),
        session=session,
        optional=("value USD",),
        zone=zone,
        wide=wide,
    )


@friendly_errors
def activities(
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")] = 100,
    json: JsonOption = False,
    wide: WideOption = False,
) -> None:
    """List what the broker booked besides trades, newest first, and what it became in the books.

    [dim]Example:[/] trading-assets activities --limit 20
    """
    from trading_assets.settings import load_settings

    with opened_database(load_settings()) as database:
        frame = database.fetch_polars(ACTIVITIES, (limit,))
    if json:
        return print_json(frame.to_dicts())
    if frame.is_empty():
        out.print("The broker has booked nothing besides trades")
        return None
    rows = [
        (r["activity_date"], r["kind"], r["symbol"], quantity(r["shares"]), usd(r["cash_usd"]), r["booked_as"], r["note"])
        for r in frame.iter_rows(named=True)
    ]  # fmt: skip
    columns = ("day", "kind", "symbol", "shares", "cash USD", "booked as", "note")
    return print_table(
        "Activities",
        columns,
        rows,
        right=("shares", "cash USD"),
        folded=("note",),
        optional=("note",),
        wide=wide,
    )


@friendly_errors
def round_trips(
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")] = 100,
    json: JsonOption = False,
    wide: WideOption = False,
) -> None:
    """List what each trade earned, first in, first out: first what is still held, at the newest close, then the newest exits.

    [dim]Example:[/] trading-assets round-trips --limit 20
    """
    from trading_assets.settings import load_settings

    with opened_database(load_settings()) as database:
        frame = database.fetch_polars(ROUND_TRIPS, (limit,))
    if json:
        return print_json(frame.to_dicts())
    if frame.is_empty():
        out.print("No round trips yet: run a session with `trading-assets run`")
        return None
    rows = [
        (r["symbol"], r["strategy"], r["side"], quantity(r["quantity"]), r["opened_session"], r["closed_session"] or "held",
         r["holding_sessions"], usd(r["entry_price_usd"]), usd(r["exit_price_usd"]), usd(r["fees_usd"]), usd(r["net_profit_usd"]),
         r["closed_by"])
        for r in frame.iter_rows(named=True)
    ]  # fmt: skip
    columns = (
        "symbol", "strategy", "side", "quantity", "opened", "closed", "sessions", "entry", "exit", "fees USD", "profit USD",
        "closed by",
    )  # fmt: skip
    return print_table(
        "Round trips",
        columns,
        rows,
        right=("quantity", "sessions", "entry", "exit", "fees USD", "profit USD"),
        optional=("closed by", "fees USD", "sessions", "side", "strategy", "entry", "exit"),
        wide=wide,
    )


@friendly_errors
def slippage(
    by: Annotated[
        SlippageBy, typer.Option("--by", help="What to add up: sessions, strategies, or single orders.")
    ] = SlippageBy.SESSION,
    json: JsonOption = False,
    wide: WideOption = False,
) -> None:
    """Show what orders paid beyond the price that their decision was sized with: a cost is positive, bps are of that price.

    [dim]Example:[/] trading-assets slippage --by strategy
    """
    from trading_assets.books.slippage import slippage_totals
    from trading_assets.settings import load_settings

    with opened_database(load_settings()) as database:
        frame = database.fetch_polars(SLIPPAGE)
    if by is not SlippageBy.ORDER:
        frame = slippage_totals(frame, [by.value])
    if json:
        return print_json(frame.to_dicts())
    if frame.is_empty():
        out.print("No fills yet: run a session with `trading-assets run`")
        return None
    columns, rows = _of_orders(frame) if by is SlippageBy.ORDER else _totals(frame, by.value)
    return print_table(
        "Slippage against arrival",
        columns,
        rows,
        right=tuple(name for name in columns if name in _NUMBERS),
        optional=tuple(name for name in ("strategy", "side", "measured") if name in columns[1:]),
        wide=wide,
    )


_NUMBERS = {"quantity", "arrival", "paid", "cost USD", "bps", "orders", "measured", "value USD"}
_Told = tuple[tuple[str, ...], list[tuple[object, ...]]]


def _of_orders(frame: pl.DataFrame) -> _Told:
    columns = ("session", "symbol", "strategy", "side", "quantity", "arrival", "paid", "cost USD", "bps")
    return columns, [
        (r["session"], r["symbol"], r["strategy"], r["side"], quantity(r["quantity"]), usd(r["arrival_price_usd"]),
         usd(r["fill_price_usd"]), usd(r["slippage_usd"]), _bps(r["slippage_bps"]))
        for r in frame.iter_rows(named=True)
    ]  # fmt: skip


def _totals(frame: pl.DataFrame, by: str) -> _Told:
    columns = (by, "orders", "measured", "value USD", "cost USD", "bps")
    return columns, [
        (r[by], r["orders"], r["measured_orders"], usd(r["arrival_value_usd"]), usd(r["slippage_usd"]), _bps(r["slippage_bps"]))
        for r in frame.iter_rows(named=True)
    ]  # fmt: skip


def _bps(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"


def _read(sql: str, name: str, session: str | None) -> tuple[pl.DataFrame, tzinfo]:
    from trading_assets.settings import load_settings

    settings = load_settings()
    day = parse_day(session, "--session") if session else None
    with opened_database(settings) as database:
        if day:
            return database.fetch_polars(sql.format(day="%s"), (day,)), settings.zone
        newest = f"(select max(session) from {name})"  # noqa: S608 (our own table names)
        return database.fetch_polars(sql.format(day=newest)), settings.zone


def _show(
    title: str,
    frame: pl.DataFrame,
    columns: tuple[str, ...],
    rows: Sequence[tuple[object, ...]],
    right: tuple[str, ...],
    *,
    session: str | None,
    folded: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    zone: tzinfo = UTC,
    wide: bool = False,
) -> None:
    if frame.is_empty() and session:
        out.print(f"No {title.lower()} of session {session}: without --session the newest ones are shown")
        return
    if frame.is_empty():
        out.print(f"No {title.lower()} yet: run a session with `trading-assets run`")
        return
    heading = f"{title}, session {frame['session'][0]}"
    print_table(heading, columns, rows, right=right, folded=folded, optional=optional, zone=zone, wide=wide)
