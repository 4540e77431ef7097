"""Backtests of a plan on an installation's lake: what the range showed is read once, for one plan or many."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from resources.database.database import Database
from resources.lake.lake import Lake
from trading_assets import sessions as calendar
from trading_assets.backtest.costs import Costs
from trading_assets.backtest.history import MarketHistory
from trading_assets.backtest.replay import FillRules, Progress, Replay, replay
from trading_assets.backtest.round_trips import round_trips
from trading_assets.backtest.summary import Curves, curves_of
from trading_assets.decision.market import FEATURES, LOOK_BACK_SESSIONS
from trading_assets.decision.plan import TradingPlan
from trading_assets.errors import ConfigurationError
from trading_assets.features.build import BENCHMARK
from trading_assets.market_data.findings import BEFORE_ORDERS, blocked_sessions
from trading_assets.market_data.known_actions import known_actions
from trading_assets.research.restrictions import restrictions
from trading_assets.research.strategy_features import read_features
from trading_assets.strategies.contract import checked_signals
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import CORPORATE_ACTIONS, UNIVERSE


@dataclass(frozen=True)
class PastMarket:
    """What a range of sessions showed, as the lake knows it now.

    ``data_hash`` is of the features, bars and corporate actions of the range: backtests with the same one saw the same of them.
    """

    lake: Lake
    sessions: Sequence[date]
    history: MarketHistory
    benchmark: pl.DataFrame
    data_hash: str


@dataclass(frozen=True)
class Backtest:
    """A plan's backtest, with what it was made from; ``first_signal`` is the first session with any signal."""

    plan: TradingPlan
    costs: Costs
    cash_usd: Decimal
    market: PastMarket
    result: Replay
    curves: Curves
    trips: pl.DataFrame
    first_signal: date | None


def past_market(database: Database, lake: Lake, start: date, end: date) -> PastMarket:
    """Read a range; the first and last sessions are those that have features.

    Raises
    ------
    ConfigurationError
        If there are no features in it.
    """
    hashes = {day: value for day, value in lake.content_hashes(DAILY_FEATURES, end).items() if day >= start}
    if not hashes:
        raise ConfigurationError(
            f"There are no features between {start} and {end}: fill them with "
            f"`trading-assets backfill --start {start} --end {end}`"
        )
    days = list(hashes)
    benchmark = lake.scan(
        DAILY_FEATURES, start=days[0], end=days[-1], symbols=[BENCHMARK], columns=["session", "return_1"]
    )
    told = " ".join(
        f"{table.name} {day} {value}"
        for table in (DAILY_FEATURES, DAILY_BARS, CORPORATE_ACTIONS)
        for day, value in lake.content_hashes(table, days[-1]).items()
        if day >= days[0]
    )
    return PastMarket(
        lake=lake,
        sessions=days,
        history=_history(database, lake, days),
        benchmark=benchmark.sort("session").collect(),
        data_hash=hashlib.sha256(told.encode()).hexdigest()[:12],
    )


def run_backtest(
    market: PastMarket,
    plan: TradingPlan,
    *,
    cash_usd: Decimal = Decimal(100_000),
    costs: Costs | None = None,
    fills: FillRules | None = None,
    keeps_decisions: bool = False,
    progress: Progress = lambda _done, _all: None,
) -> Backtest:
    """Trade a plan over a range of the past; see ``backtest.replay`` for what a decision knows."""
    charged = costs or Costs()
    signals = plan_signals(market.lake, plan, market.sessions)
    result = replay(
        plan,
        signals,
        market.history,
        cash_usd=cash_usd,
        costs=charged,
        fills=fills,
        keeps_decisions=keeps_decisions,
        progress=progress,
    )
    trips = round_trips(result.portfolio, result.last_close)
    curves = curves_of(result, market.benchmark)
    first = signals["session"].min()
    return Backtest(
        plan, charged, cash_usd, market, result, curves, trips, first if isinstance(first, date) else None
    )


def plan_signals(lake: Lake, plan: TradingPlan, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the signals of every strategy of a plan over sessions, all at once: ``strategy`` and the columns of signals.

    Look-ahead: as the strategies'; see ``strategies.checks``.
    """
    parts = []
    for planned in plan.strategies:
        features = read_features(lake, planned.strategy, sessions[0], sessions[-1])
        rows = checked_signals(planned.strategy, features)
        asked = rows.filter(pl.col("session") >= sessions[0])
        parts.append(asked.with_columns(strategy=pl.lit(planned.name)))
    return pl.concat(parts)


def _history(database: Database, lake: Lake, days: Sequence[date]) -> MarketHistory:
    start, end = days[0], days[-1]
    first = calendar.shift(start, -LOOK_BACK_SESSIONS)
    key = ["symbol", "session"]
    bars = lake.scan(DAILY_BARS, start=first, end=end, columns=[*key, "open", "close", "volume"])
    features = lake.scan(DAILY_FEATURES, start=start, end=end, columns=[*key, *FEATURES])
    listed = lake.scan(UNIVERSE, start=start, end=end, columns=[*key, "sector"])
    return MarketHistory.of(
        bars.collect(),
        features.collect(),
        known_actions(lake, None, first, calendar.next_session(end)),
        sessions=calendar.sessions_between(first, end),
        start=start,
        restricted=restrictions(database, lake, days),
        blocked=blocked_sessions(database, days, BEFORE_ORDERS),
        listed=listed.collect(),
    )
