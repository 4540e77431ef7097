"""Circuit breakers of a live account: judged on its stored performance and the equity of now; a latched one halts entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

import numpy as np

from trading_assets import sessions as calendar
from trading_assets.books.bookings import Booking
from trading_assets.books.performance import put_in
from trading_assets.execution import halts
from trading_assets.execution.booked import opening
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.orders import HaltLevel
from trading_assets.risk.breakers import Breakers, Tripped, judge

ENGAGED_BY = "circuit breaker"


def judge_account(
    account: TradingAccount,
    breakers: Breakers,
    session: date,
    equity_usd: Decimal,
    *,
    bookings: Iterable[Booking],
    marks: Mapping[str, Decimal],
) -> Tripped | None:
    """Say whether a breaker forbids new risk after a session, and engage the kill switch if it latches.

    Highs and losses count from the close before the last `resume` of a halt that a breaker engaged, so the same fall does not halt
    again.

    Parameters
    ----------
    equity_usd
        At the close of the session, which is not in the stored performance yet.
    bookings, marks
        What was put in since the last stored session is no profit.
    """
    if breakers == Breakers():
        return None
    past = account.database.fetch(
        "select session, equity_usd, 1 + cumulative_return_frac from portfolio_performance"
        " where account = %s and session < %s order by session",
        (account.number, session),
    )
    cash, _ = opening(account.database, account.number)
    before, equity, growth = past[-1] if past else (None, cash, 1.0)
    added = put_in([item for item in bookings if item.kind.is_transfer], marks, before, session)
    now = growth * float((equity_usd - added) / equity) if equity > 0 else growth
    curve = np.array([1.0, *(float(row[2]) for row in past), now])
    tripped = judge(breakers, [*(row[0] for row in past), session], curve, _resumed_after(account))
    if tripped is not None and tripped.is_latched:
        _engage(account, tripped)
    return tripped


def _resumed_after(account: TradingAccount) -> date | None:
    ((released,),) = account.database.fetch(
        "select max(released_at) from trading_halts where account = %s and engaged_by = %s",
        (account.number, ENGAGED_BY),
    )
    return calendar.latest_closed_session(released) if released else None


def _engage(account: TradingAccount, tripped: Tripped) -> None:
    with account.database.connection() as connection:
        engaged = halts.active_halts(connection, account.number)
        if any(halt.reason.startswith(f"{tripped.rule}: ") for halt in engaged):
            return  # its figures may have been corrected since
        halts.engage_halt(
            connection,
            account.number,
            HaltLevel.ENTRIES,
            f"{tripped.rule}: {tripped.reason}",
            engaged_by=ENGAGED_BY,
            now=account.clock.now(),
        )
