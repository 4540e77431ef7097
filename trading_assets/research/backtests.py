"""Backtests of a plan on an installation's lake: its features, bars and corporate actions, read once for the whole range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import polars as pl

from resources.lake.lake import Lake
from trading_assets import sessions as calendar
from trading_assets.backtest.costs import Costs
from trading_assets.backtest.history import LOOK_BACK_SESSIONS, MarketHistory
from trading_assets.backtest.replay import FillRules, Progress, Replay, replay
from trading_assets.decision.plan import TradingPlan
from trading_assets.errors import ConfigurationError
from trading_assets.market_data.known_actions import known_actions
from trading_assets.research.history_market import told_by_the_lake
from trading_assets.strategies.contract import checked_signals
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import UNIVERSE


@dataclass(frozen=True)
class PlanBacktest:
    """A plan's backtest, with what it was made from."""

    plan: TradingPlan
    costs: Costs
    start: date
    end: date
    as_of: datetime | None
    signals: pl.DataFrame
    result: Replay
    benchmark: pl.DataFrame


def backtest_plan(
    lake: Lake,
    plan: TradingPlan,
    start: date,
    end: date,
    *,
    cash_usd: Decimal = Decimal(100_000),
    costs: Costs | None = None,
    fills: FillRules | None = None,
    keeps_decisions: bool = False,
    progress: Progress = lambda _done, _all: None,
) -> PlanBacktest:
    """Trade a plan over the sessions from ``start`` to ``end`` as the lake knows them now.

    Raises
    ------
    ConfigurationError
        If the lake has no features of the range.
    """
    wanted = calendar.sessions_between(start, end)
    stored = set(lake.sessions(DAILY_FEATURES))
    days = [day for day in wanted if day in stored]
    if not days:
        raise ConfigurationError(
            f"There are no features between {start} and {end}: fill them with `trading-assets backfill --start {start} --end {end}`"
        )
    signals = plan_signals(lake, plan, days)
    history = read_history(lake, days[0], days[-1])
    result = replay(
        plan, signals, history, cash_usd=cash_usd, costs=costs, fills=fills, keeps_decisions=keeps_decisions,
        progress=progress,
    )  # fmt: skip
    benchmark = lake.scan(
        DAILY_FEATURES, start=days[0], end=days[-1], symbols=["SPY"], columns=["session", "return_1"]
    )
    return PlanBacktest(
        plan, costs or Costs(), days[0], days[-1], None, signals, result, benchmark.sort("session").collect()
    )


def plan_signals(lake: Lake, plan: TradingPlan, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the signals of every strategy of a plan over sessions, all at once: ``strategy`` and the columns of signals.

    Look-ahead: as the strategies'; see ``strategies.lookahead``.
    """
    parts = []
    for planned in plan.strategies:
        strategy = planned.strategy
        first = calendar.shift(sessions[0], -strategy.lookback_sessions)
        columns = ["symbol", "session", *strategy.feature_columns]
        features = lake.scan(DAILY_FEATURES, start=first, end=sessions[-1], columns=columns).collect()
        rows = checked_signals(strategy, features.sort("session", "symbol"))
        asked = rows.filter(pl.col("session") >= sessions[0])
        parts.append(asked.with_columns(strategy=pl.lit(planned.name)))
    return pl.concat(parts)


def read_history(lake: Lake, start: date, end: date) -> MarketHistory:
    """Read bars, volumes, corporate actions and restrictions of a range and the look-back before it."""
    first = calendar.shift(start, -LOOK_BACK_SESSIONS)
    sessions = calendar.sessions_between(first, end)
    bars = lake.scan(
        DAILY_BARS, start=first, end=end, columns=["symbol", "session", "open", "close", "volume"]
    )
    volumes = lake.scan(
        DAILY_FEATURES, start=start, end=end, columns=["symbol", "session", "dollar_volume_20"]
    )
    refused = lake.scan(QUARANTINED_BARS, start=start, end=end, columns=["symbol", "session", "rule"])
    listed = lake.scan(UNIVERSE, start=start, end=end, columns=["symbol", "session", "is_tradable"])
    untradable = listed.filter(~pl.col("is_tradable")).collect()
    restricted = {}
    refused_rows = refused.collect()
    for day in sorted({*untradable["session"], *refused_rows["session"]}):
        restricted[day] = told_by_the_lake(refused_rows.filter(session=day), untradable.filter(session=day))
    return MarketHistory.of(
        bars.collect(), volumes.drop_nulls().collect(), known_actions(lake, None, first, calendar.next_session(end)),
        sessions=sessions, start=start, restricted=restricted,
    )  # fmt: skip
