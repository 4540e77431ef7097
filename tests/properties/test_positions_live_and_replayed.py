"""What the exits know of a position is the same from live books and from a replayed account, splits included."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.test_replay import LOOK_BACK, SESSIONS, Made
from trading_assets.backtest.history import MarketHistory
from trading_assets.backtest.replay import FillRules, replay
from trading_assets.books.attribution import Crossing, Execution, strategy_books
from trading_assets.books.holdings import Fill
from trading_assets.books.rules import rule
from trading_assets.decision.market import highest_closes, scale_changes
from trading_assets.decision.past import position_of
from trading_assets.decision.plan import PlanFile, StrategyEntry, plan_of
from trading_assets.orders import Side
from trading_assets.portfolio.exits import EXIT_RULES, Exits
from trading_assets.portfolio.sizing import FixedFractional
from trading_assets.risk.limits import RiskLimits
from trading_assets.sessions import sessions_between

EXITS = Exits(
    stop_loss_frac="0.05", trailing_stop_frac="0.08", take_profit_frac="0.1", atr_stop_mult=4, max_holding_sessions=12,
    cooldown_sessions=2,
)  # fmt: skip


class Splitting(Made):
    """The same markets, with splits and dividends alone."""

    def __init__(self, seed: int, strategies: int) -> None:
        super().__init__(seed, strategies)
        self.actions = [item for item in self.actions if item.kind in {"split", "cash_dividend"}]


def plan_of_some(count: int, exits: Exits | None):
    entries = {
        f"s{number}": StrategyEntry(
            kind="momentum", capital_frac=Decimal(1) / count, exits=exits, sizing=FixedFractional(position_frac="0.2")
        )
        for number in range(count)
    }  # fmt: skip
    return plan_of(PlanFile(strategies=entries, limits=RiskLimits(max_position_frac="0.5")))


def live_books(result, actions, through):
    """Books of the strategies as they are made live: from executions, crossings and bookings."""
    executions, crossings = [], []
    for number, item in enumerate(result.portfolio.fills):
        if item.session > through:
            continue
        at = datetime(item.session.year, item.session.month, item.session.day, 14, 30, tzinfo=UTC)
        side = Side.BUY if item.quantity > 0 else Side.SELL
        fill = Fill(
            item.symbol, side, abs(item.quantity), item.price_usd, item.decided, item.session, at, f"{number:06d}"
        )  # fmt: skip
        executions.append(Execution(fill, item.shares))
    for item in result.portfolio.crossings:
        if item.session < through:
            following = SESSIONS[SESSIONS.index(item.session) + 1]
            at = datetime(item.session.year, item.session.month, item.session.day, 20, tzinfo=UTC)
            crossings.append(Crossing(item.session, following, at, item.symbol, item.price_usd, item.shares))
    known = [item for item in actions if item.ex_date <= through]
    bookings = rule([item.fill for item in executions], [], known, today=through).bookings
    return strategy_books(executions, crossings, bookings=bookings, through=through)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.booleans(), st.integers(LOOK_BACK + 8, len(SESSIONS)))
def test_positions_from_live_books_are_those_of_the_replay(seed, count, ends, known):
    made = Splitting(seed, count)
    last = SESSIONS[known - 1]
    history: MarketHistory = made.history(SESSIONS[:known])
    # what was crossed at the last close is held from the next session on: look at the one before
    result = replay(plan_of_some(count, EXITS if ends else None), made.signals, history, fills=FillRules(0.0))
    books = live_books(result, made.actions, last)
    closes = made.bars.select("symbol", "session", "close")
    crossed_last = {item.symbol for item in result.portfolio.crossings if item.session == last}
    for strategy, own in result.portfolio.holdings.items():
        lives = books[strategy].holdings
        for symbol, held in own.items():
            if symbol in crossed_last:
                continue
            live = lives[symbol]
            assert abs(live.quantity - held.quantity) < Decimal("0.0001")
            assert live.since == held.since
            assert (
                abs(live.average_cost_usd - held.average_cost_usd)
                <= Decimal("0.0001") * held.average_cost_usd
            )
            pair = (symbol, live.since)
            highest = highest_closes(closes, last, [pair], scale_changes(made.actions)).get(pair)
            first = history.place_of(held.since)
            assert highest == history.highest_close(symbol, first, known - 1)
            seen = position_of(live, len(sessions_between(live.since, last)), highest)
            assert seen.sessions == known - first


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_holdings_of_a_replay_are_its_shares_whatever_the_market_does(seed, count):
    made = Made(seed, count)
    result = replay(plan_of_some(count, EXITS), made.signals, made.history(), fills=FillRules(0.01))
    shares = {name: own for name, own in result.portfolio.shares.items() if own}
    held = {
        name: {symbol: item.quantity for symbol, item in own.items()}
        for name, own in result.portfolio.holdings.items()
        if own
    }
    assert held == shares
    for own in result.portfolio.holdings.values():
        for item in own.values():
            assert item.since is not None
            assert item.cost_usd >= 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_position_is_kept_beyond_its_exits(seed):
    made = Splitting(seed, 1)
    history = made.history()
    result = replay(plan_of_some(1, EXITS), made.signals, history, fills=FillRules(0.0), keeps_decisions=True)
    given_up: dict[str, int] = {}
    for place, decided in enumerate(result.decisions):
        for wish in decided.wanted:
            if wish.rule in EXIT_RULES:
                assert wish.kept == 0
                assert not wish.enters
                given_up[wish.symbol] = place
            elif wish.enters and wish.symbol in given_up:
                assert place - given_up[wish.symbol] > EXITS.cooldown_sessions
    assert len(result.decisions) == len(SESSIONS) - LOOK_BACK
    assert np.isfinite(result.equity_usd).all()
    assert isinstance(result.fills(), pl.DataFrame)
