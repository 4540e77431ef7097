"""Circuit breakers of a live account: judged on its equity at every close so far; a latched one halts entries."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from trading_assets import sessions as calendar
from trading_assets.execution import halts
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.orders import HaltLevel
from trading_assets.risk.breakers import Breakers, Tripped, judge

ENGAGED_BY = "circuit breaker"


def judge_account(account: TradingAccount, breakers: Breakers, performance: pl.DataFrame) -> Tripped | None:
    """Say whether a breaker forbids new risk after the last session, and engage the kill switch if it latches.

    Highs and losses count from the close before the last `resume` of a halt that a breaker engaged, so the same fall does not halt
    again.

    Parameters
    ----------
    performance
        ``session`` and ``cumulative_return_frac`` of every session so far (``books.performance``).
    """
    growth = np.r_[1.0, 1.0 + performance["cumulative_return_frac"].to_numpy()]
    tripped = judge(breakers, performance["session"].to_list(), growth, _resumed_after(account))
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
