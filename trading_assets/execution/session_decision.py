"""The decision of a session, carried out for an account: what is booked and what the market showed, decided and stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from resources.database.writes import replace_rows
from trading_assets import sessions as calendar
from trading_assets.books.attribution import Execution, shares_by_strategy, strategy_books
from trading_assets.books.bookings import Booking
from trading_assets.books.holdings import UNATTRIBUTED, Books
from trading_assets.books.keeping import books_from_fills
from trading_assets.books.performance import portfolio_performance, value_books
from trading_assets.decision.decide import SIGNAL_COLUMNS, Decision, Shares, decide
from trading_assets.decision.market import LOOK_BACK_SESSIONS, MarketReader, highest_closes, scale_changes
from trading_assets.decision.past import NO_PAST, Past, position_of
from trading_assets.decision.plan import TradingPlan
from trading_assets.decision.plan_file import require_known_capital
from trading_assets.execution import journal
from trading_assets.execution.account_bookings import account_symbols, rulings
from trading_assets.execution.booked import crossings, executions, opening
from trading_assets.execution.breakers import judge_account
from trading_assets.execution.intents import sending_ends
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.portfolio.exits import EXIT_RULES, Memory
from trading_assets.risk.breakers import Breakers, Tripped
from trading_assets.risk.targets import Book, in_usd
from trading_assets.tables.decisions import ALLOCATIONS, TARGET_POSITIONS


def decide_session(
    account: TradingAccount, market: MarketReader, plan: TradingPlan, session: date
) -> Decision:
    """Make and store the target positions of a session, and whose each share of them is.

    The books are those before the session's own orders: fills of earlier decisions. So the same session gives the
    same targets whenever it is run again. A later run that decides otherwise, under a halt or another plan, no longer
    changes whose the shares of a symbol are once an order of it was sent. A circuit breaker that latches halts entries.

    Raises
    ------
    ConfigurationError
        If the plan leaves out a strategy that holds shares.
    """
    signals = account.database.fetch_polars(
        f"select {', '.join(SIGNAL_COLUMNS)} from signals where session = %s and strategy = any(%s)"  # noqa: S608 (our own columns)
        " order by strategy, symbol",
        (session, list(plan.names)),
    )
    cash, opened = opening(account.database, account.number)
    done = [item for item in executions(account.database, account.number) if item.fill.session < session]
    crossed = [item for item in crossings(account.database, account.number) if item.session < session]
    known = market.actions(account_symbols(account), opened, session)
    bookings = rulings(account, known).bookings
    books = books_from_fills([item.fill for item in done], cash, bookings=bookings, through=session)
    own = strategy_books(done, crossed, bookings=bookings, through=session)
    held: Shares = shares_by_strategy(own, books.quantities)
    require_known_capital(plan, {strategy for strategy, shares in held.items() if shares} - {UNATTRIBUTED})
    seen = market.read(session, {*books.quantities, *signals["symbol"].to_list()})
    valued = value_books(books, {symbol: in_usd(close) for symbol, close in seen.last_close.items()})
    book = Book(books.quantities, equity_usd=valued.equity_usd, cash_usd=valued.cash_usd)
    if tripped := _tripped(account, market, plan, session, done=done, bookings=bookings):
        seen = replace(seen, breaker=(tripped.rule, tripped.reason))
    past = _past(account, market, plan, session, own=own, bookings=bookings)
    decision = decide(plan, signals, held, book, seen, past=past)
    _store(account, session, decision, plan)
    return decision


def _tripped(
    account: TradingAccount,
    market: MarketReader,
    plan: TradingPlan,
    session: date,
    *,
    done: Sequence[Execution],
    bookings: Sequence[Booking],
) -> Tripped | None:
    if plan.breakers == Breakers():
        return None
    # not from the stored performance: after sessions that were missed it is stored only when this one is decided
    cash, opened = opening(account.database, account.number)
    days = calendar.sessions_between(min(opened, session), session)
    first = calendar.shift(days[0], -LOOK_BACK_SESSIONS)
    closes = market.closes_of(account_symbols(account), first, session)
    fills = [item.fill for item in done]
    table = portfolio_performance(fills, closes, cash, days, bookings=bookings)
    return judge_account(account, plan.breakers, table)


def _past(
    account: TradingAccount,
    market: MarketReader,
    plan: TradingPlan,
    session: date,
    *,
    own: Mapping[str, Books],
    bookings: Sequence[Booking],
) -> Past:
    exits = {planned.name: planned.mandate.exits for planned in plan.strategies if planned.mandate.exits}
    if not exits:
        return NO_PAST
    held = {name: own[name].holdings if name in own else {} for name in exits}
    since = {(symbol, item.since) for items in held.values() for symbol, item in items.items() if item.since}
    first, symbols = calendar.shift(session, -LOOK_BACK_SESSIONS), {symbol for symbol, _ in since}
    closes = market.closes_of(symbols, first, session).filter(pl.col("session") >= first)
    changes = [*scale_changes(market.actions(symbols, first, session)), *bookings]
    highest = highest_closes(closes, session, since, changes)
    longest = max(item.cooldown_sessions for item in exits.values())
    given_up = account.database.fetch(
        "select strategy, symbol, max(session) from allocations where account = %s and session >= %s and session < %s"
        " and strategy = any(%s) and rule = any(%s) group by strategy, symbol",
        (account.number, calendar.shift(session, -longest), session, list(exits), list(EXIT_RULES)),
    )
    return Past(
        {
            name: Memory(
                {
                    symbol: position_of(
                        item, _closes_since(item.since, session), highest.get((symbol, item.since))
                    )
                    for symbol, item in held[name].items()
                    if item.since
                },
                {
                    symbol: _closes_since(day, session) - 1
                    for strategy, symbol, day in given_up
                    if strategy == name
                },
            )
            for name in exits
        }
    )


def _closes_since(day: date, session: date) -> int:
    return len(calendar.sessions_between(day, session))


def _store(account: TradingAccount, session: date, decision: Decision, plan: TradingPlan) -> None:
    # Both tables or none. Whose the shares of a symbol are is final once anything was sent for it, or could be no more.
    where = {"account": account.number, "session": session}
    stamps = {
        "account": pl.lit(account.number),
        "session": pl.lit(session),
        "created_at": pl.lit(account.clock.now()),
    }
    allocations = decision.allocations.with_columns(**stamps, plan_fingerprint=pl.lit(plan.fingerprint))
    with account.database.connection() as connection:
        replace_rows(connection, TARGET_POSITIONS, decision.targets.with_columns(**stamps), where=where)
        decided = journal.allocated_symbols(connection, account.number, session)
        sent = {
            intent.symbol
            for intent in journal.stored_intents(connection, account.number, session)
            if intent.is_touched
        }
        final = decided if account.clock.now() >= sending_ends(session) else decided & sent
        is_open = ~pl.col("symbol").is_in(sorted(final))
        symbols = sorted({*decided, *allocations["symbol"]} - final)
        replace_rows(connection, ALLOCATIONS, allocations.filter(is_open), where={**where, "symbol": symbols})
