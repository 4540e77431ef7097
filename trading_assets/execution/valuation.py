"""Valuation of an account: positions after a session's orders, performance at its close, and risk of the book."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl

from resources.database.rows import replace_rows
from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.books import performance
from trading_assets.books.holdings import Books, Fill, Split, books_from_fills
from trading_assets.execution.booked import account_fills, known_splits, newest_session, opening
from trading_assets.risk import metrics
from trading_assets.sessions import NEW_YORK
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES

RISK_SESSIONS = 252
MARK_LOOK_BACK = 252


def store_positions(platform: Platform, account: str, session: date) -> int:
    """Store what is held after the orders of ``session``, marked at the broker's last price (else the last close).

    The broker's prices are of now: an older session keeps the ones that it has, or gets its closes if its books changed.
    """
    books, splits, through = _books_after(platform, account, session)
    newest = newest_session(platform.database, account)
    is_newest = newest is None or session >= newest
    stored = platform.database.fetch(
        "select symbol, quantity from positions where account = %s and session = %s", (account, session)
    )
    if not is_newest and dict(stored) == books.quantities:
        return len(stored)
    now = platform.clock.now()
    marks = _closing_marks(platform, set(books.quantities), session, splits, through)
    if is_newest:
        marks |= {
            position.symbol: Decimal(str(position.body["current_price"]))
            for position in platform.broker.positions()
            if position.body.get("current_price")
        }
    rows = performance.positions(books, marks).with_columns(
        account=pl.lit(account), session=pl.lit(session), mark_at=pl.lit(now)
    )
    return replace_rows(platform.database, "positions", rows, where={"account": account, "session": session})


def store_performance(platform: Platform, account: str, sessions: list[date]) -> pl.DataFrame:
    """Store equity, returns and drawdown at the close of the sessions, from the account's first session on."""
    cash, opened = opening(platform.database, account)
    days = calendar.sessions_between(min(opened, sessions[0]), sessions[-1])
    fills = account_fills(platform.database, account)
    symbols = {fill.symbol for fill in fills}
    splits = known_splits(platform.lake, symbols, days[0], days[-1])
    closes = accepted_closes(platform, symbols, calendar.shift(days[0], -MARK_LOOK_BACK), days[-1])
    table = performance.portfolio_performance(fills, closes, cash, days, splits=splits)
    rows = table.filter(pl.col("session").is_in(sessions)).with_columns(account=pl.lit(account))
    replace_rows(
        platform.database, "portfolio_performance", rows, where={"account": account, "session": sessions}
    )
    return table


def measure(platform: Platform, account: str, session: date) -> pl.DataFrame:
    """Measure the book after the orders of ``session``, valued at its closes."""
    books, splits, through = _books_after(platform, account, session)
    marks = _closing_marks(platform, set(books.quantities), session, splits, through)
    values = {symbol: float(quantity * marks[symbol]) for symbol, quantity in books.quantities.items()}
    cash, _ = opening(platform.database, account)
    equity = platform.database.fetch_polars(
        "select equity_usd::float8 as v from portfolio_performance where account = %s and session <= %s order by session",
        (account, session),
    )["v"].to_numpy()
    returns = platform.lake.scan(
        DAILY_FEATURES,
        start=calendar.shift(session, -RISK_SESSIONS),
        end=session,
        symbols=sorted(values) or [""],
        columns=["symbol", "session", "return_1"],
    ).collect()
    return metrics.risk_metrics(values, np.r_[float(cash), equity], returns)


def _books_after(platform: Platform, account: str, session: date) -> tuple[Books, list[Split], date]:
    cash, opened = opening(platform.database, account)
    fills: list[Fill] = [
        fill for fill in account_fills(platform.database, account) if fill.session <= session
    ]
    today = platform.clock.now().astimezone(NEW_YORK).date()
    last = max(min(calendar.next_session(session), today), session)
    splits = known_splits(platform.lake, {fill.symbol for fill in fills}, opened, last)
    return books_from_fills(fills, cash, splits=splits, through=last), splits, last


def _closing_marks(
    platform: Platform, symbols: set[str], session: date, splits: list[Split], through: date
) -> dict[str, Decimal]:
    # the books count shares after a split of the execution day, so its closes must be brought to that scale too
    closes = accepted_closes(platform, symbols, calendar.shift(session, -MARK_LOOK_BACK), session)
    _, marks = next(performance.marks_by_session(closes, [through], splits))
    return marks


def accepted_closes(platform: Platform, symbols: set[str], start: date, end: date) -> pl.DataFrame:
    """Read the accepted raw closes of symbols in a range: symbol, session, close."""
    columns = ["symbol", "session", "close"]
    return platform.lake.scan(
        DAILY_BARS, start=start, end=end, symbols=sorted(symbols) or [""], columns=columns
    ).collect()
