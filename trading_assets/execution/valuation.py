"""Valuation of an account: positions after a session's orders, performance at its close, and risk of the book."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl

from resources.database.writes import replace_rows
from resources.lake.lake import Lake
from trading_assets import sessions as calendar
from trading_assets.books import performance
from trading_assets.books.attribution import attribution, strategy_books
from trading_assets.books.bookings import ZERO, Booking
from trading_assets.books.holdings import Books, Fill
from trading_assets.books.keeping import books_from_fills
from trading_assets.books.round_trips import RoundTrips, round_trips
from trading_assets.books.slippage import order_slippage
from trading_assets.execution.account_bookings import account_symbols, bookings_of, today_in_new_york
from trading_assets.execution.booked import (
    account_fills,
    crossings,
    executions,
    newest_session,
    opening,
    order_fills,
)
from trading_assets.execution.closes import last_closes
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.features.build import BENCHMARK
from trading_assets.risk import metrics
from trading_assets.tables.accounts import PORTFOLIO_PERFORMANCE, POSITIONS, ROUND_TRIPS, STRATEGY_ATTRIBUTION
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import UNIVERSE
from trading_assets.tables.orders import ORDER_SLIPPAGE

RISK_SESSIONS = 252
MARK_LOOK_BACK = 252


def store_positions(account: TradingAccount, lake: Lake, session: date) -> int:
    """Store what is held after the orders of ``session``, marked at the broker's last price (else the last close, which ``mark_from`` names).

    The broker's prices are of now: an older session keeps the ones that it has, or gets its closes if its books changed.
    """
    books, bookings, through = _books_after(account, lake, session)
    newest = newest_session(account.database, account.number)
    is_newest = newest is None or session >= newest
    stored = account.database.fetch(
        "select symbol, quantity from positions where account = %s and session = %s",
        (account.number, session),
    )
    if not is_newest and dict(stored) == books.quantities:
        return len(stored)
    now = account.clock.now()
    closes = _closes(lake, set(books.quantities), session, bookings)
    marks = _marks(closes, bookings, through)
    brokers = _brokers_prices(account) if is_newest else {}
    sources = {symbol: f"close of {day}" for symbol, day in _last_days(closes).items()}
    sources |= dict.fromkeys(brokers, "the broker's price")
    rows = performance.positions(books, marks | brokers).with_columns(
        account=pl.lit(account.number),
        session=pl.lit(session),
        mark_at=pl.lit(now),
        mark_from=pl.col("symbol").replace_strict(
            sources, default="what it was received for", return_dtype=pl.String
        ),
    )
    with account.database.connection() as connection:
        return replace_rows(
            connection, POSITIONS, rows, where={"account": account.number, "session": session}
        )


def store_performance(account: TradingAccount, lake: Lake, sessions: list[date]) -> pl.DataFrame:
    """Store equity, returns and drawdown at the close of the sessions, from the account's first session on.

    Earlier sessions that are stored are written anew where something that was booked since reaches back to them.
    """
    cash, opened = opening(account.database, account.number)
    days = calendar.sessions_between(min(opened, sessions[0]), sessions[-1])
    fills = account_fills(account.database, account.number)
    bookings = bookings_of(account, lake)
    closes = last_closes(lake, account_symbols(account), calendar.shift(days[0], -MARK_LOOK_BACK), days[-1])
    table = performance.portfolio_performance(fills, closes, cash, days, bookings=bookings)
    stale = [day for day in _differing_sessions(account, table) if day not in sessions]
    wanted = [*sessions, *stale]
    rows = table.filter(pl.col("session").is_in(wanted)).with_columns(account=pl.lit(account.number))
    with account.database.connection() as connection:
        where = {"account": account.number, "session": wanted}
        replace_rows(connection, PORTFOLIO_PERFORMANCE, rows, where=where)
    return table


def _differing_sessions(account: TradingAccount, table: pl.DataFrame) -> list[date]:
    columns = ("equity_usd", "cash_usd", "realised_pnl_usd", "income_usd", "transferred_usd")
    stored = account.database.fetch(
        f"select session, {', '.join(columns)} from portfolio_performance where account = %s",  # noqa: S608 (our own columns)
        (account.number,),
    )
    now = {row[0]: row[1:] for row in table.select("session", *columns).iter_rows()}
    return [session for session, *values in stored if session in now and now[session] != tuple(values)]


def store_attribution(account: TradingAccount, lake: Lake, sessions: list[date]) -> pl.DataFrame:
    """Store what each strategy holds and has earned at the close of the sessions, from its first execution on."""
    _, opened = opening(account.database, account.number)
    done, crossed = executions(account.database, account.number), crossings(account.database, account.number)
    first = min(opened, sessions[0])
    bookings = bookings_of(account, lake)
    closes = last_closes(lake, account_symbols(account), calendar.shift(first, -MARK_LOOK_BACK), sessions[-1])
    tables = [
        attribution(strategy_books(done, crossed, bookings=bookings, through=session), marks).with_columns(
            session=pl.lit(session), account=pl.lit(account.number)
        )
        for session, marks in performance.marks_by_session(closes, sessions, bookings)
    ]
    rows = pl.concat(tables)
    where = {"account": account.number, "session": sessions}
    with account.database.connection() as connection:
        replace_rows(connection, STRATEGY_ATTRIBUTION, rows, where=where)
    return rows


def unattributed_profit(account: TradingAccount, sessions: list[date]) -> dict[date, Decimal]:
    """Return by how much the strategies' profits differ from the account's, of the sessions in which it is a cent or more."""
    found = account.database.fetch(
        "select p.session, p.equity_usd - a.opening_cash_usd - p.transferred_usd - coalesce(sum(s.pnl_usd), 0) as apart"
        " from portfolio_performance p join accounts a using (account)"
        " left join strategy_attribution s using (account, session)"
        " where p.account = %s and p.session = any(%s) group by p.session, p.equity_usd, p.transferred_usd, a.opening_cash_usd"
        " having abs(p.equity_usd - a.opening_cash_usd - p.transferred_usd - coalesce(sum(s.pnl_usd), 0)) >= 0.01 order by 1",
        (account.number, sessions),
    )
    return dict(found)


def store_round_trips(account: TradingAccount, lake: Lake, sessions: list[date]) -> RoundTrips:
    """Store the round trips up to the newest session of the account's performance, in place of those stored before."""
    _, opened = opening(account.database, account.number)
    through = max(sessions[-1], _newest_performance(account) or sessions[-1])
    bookings = bookings_of(account, lake)
    first = calendar.shift(min(opened, sessions[0]), -MARK_LOOK_BACK)
    closes = last_closes(lake, account_symbols(account), first, through)
    found = round_trips(
        executions(account.database, account.number),
        crossings(account.database, account.number),
        bookings=bookings,
        marks=_marks(closes, bookings, through),
        through=through,
    )
    rows = found.trips.with_columns(
        account=pl.lit(account.number), trip=pl.int_range(1, pl.len() + 1, dtype=pl.Int32)
    )
    with account.database.connection() as connection:
        replace_rows(connection, ROUND_TRIPS, rows, where={"account": account.number})
    return found


def _newest_performance(account: TradingAccount) -> date | None:
    newest: date | None = account.database.fetch(
        "select max(session) from portfolio_performance where account = %s", (account.number,)
    )[0][0]
    return newest


def profit_without_trip(account: TradingAccount, found: RoundTrips) -> Decimal:
    """Return by how much round trips and other income differ from the account's profit at its newest session, in USD."""
    stored = account.database.fetch(
        "select equity_usd - opening_cash_usd - transferred_usd from portfolio_performance join accounts using (account)"
        " where account = %s order by session desc limit 1",
        (account.number,),
    )
    net = sum(found.trips["net_profit_usd"], sum(found.other_income_usd.values(), ZERO))
    return (stored[0][0] if stored else ZERO) - net


def store_slippage(account: TradingAccount, lake: Lake) -> pl.DataFrame:
    """Store what every filled order paid against its arrival price, in place of what was stored before."""
    orders = order_slippage(order_fills(account.database, account.number), bookings_of(account, lake))
    rows = orders.with_columns(account=pl.lit(account.number))
    with account.database.connection() as connection:
        replace_rows(connection, ORDER_SLIPPAGE, rows, where={"account": account.number})
    return orders


def measure(account: TradingAccount, lake: Lake, session: date) -> pl.DataFrame:
    """Measure the book after the orders of ``session``, valued at its closes."""
    books, bookings, through = _books_after(account, lake, session)
    marks = _marks(_closes(lake, set(books.quantities), session, bookings), bookings, through)
    values = {symbol: float(quantity * marks[symbol]) for symbol, quantity in books.quantities.items()}
    cash, _ = opening(account.database, account.number)
    past = account.database.fetch_polars(
        "select equity_usd::float8 as equity, 1 + cumulative_return_frac as growth from portfolio_performance"
        " where account = %s and session <= %s order by session",
        (account.number, session),
    )
    # in the scale of today's equity: what was put in or taken out is no return
    growth = np.r_[1.0, past["growth"].to_numpy()]
    equity = growth * (past["equity"][-1] / growth[-1]) if past.height and growth[-1] else np.r_[float(cash)]
    returns = lake.scan(
        DAILY_FEATURES,
        start=calendar.shift(session, -RISK_SESSIONS),
        end=session,
        symbols=sorted({*values, BENCHMARK}),
        columns=["symbol", "session", "return_1"],
    ).collect()
    columns = ["symbol", "sector"]
    listed = lake.scan(UNIVERSE, start=session, end=session, symbols=sorted(values) or [""], columns=columns)
    around = metrics.Surroundings(
        benchmark_returns=returns.filter(symbol=BENCHMARK).select("session", "return_1"),
        benchmark=BENCHMARK,
        sectors=dict(listed.collect().iter_rows()),
    )
    return metrics.risk_metrics(values, equity, returns, around)


def _books_after(account: TradingAccount, lake: Lake, session: date) -> tuple[Books, Sequence[Booking], date]:
    cash, _ = opening(account.database, account.number)
    fills: list[Fill] = [
        fill for fill in account_fills(account.database, account.number) if fill.session <= session
    ]
    last = max(min(calendar.next_session(session), today_in_new_york(account.clock)), session)
    bookings = bookings_of(account, lake)
    return books_from_fills(fills, cash, bookings=bookings, through=last), bookings, last


def _closes(lake: Lake, symbols: set[str], session: date, bookings: Sequence[Booking]) -> pl.DataFrame:
    # what was received for another symbol may have to be valued by that one's last close
    sources = {str(booking.symbol) for booking in bookings if booking.into in symbols}
    return last_closes(lake, symbols | sources, calendar.shift(session, -MARK_LOOK_BACK), session)


def _marks(closes: pl.DataFrame, bookings: Sequence[Booking], through: date) -> dict[str, Decimal]:
    # the books count shares after a split of the execution day, so closes must be brought to that scale too
    _, marks = next(performance.marks_by_session(closes, [through], bookings))
    return marks


def _last_days(closes: pl.DataFrame) -> dict[str, date]:
    return dict(closes.group_by("symbol").agg(pl.col("session").max()).iter_rows())


def _brokers_prices(account: TradingAccount) -> dict[str, Decimal]:
    return {
        position.symbol: Decimal(str(position.body["current_price"]))
        for position in account.broker.positions()
        if position.body.get("current_price")
    }
