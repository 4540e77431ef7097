"""Whatever the market does: a replayed account adds up to the cent, keeps within its limits, and knows nothing of the future."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.backtest.costs import Costs
from trading_assets.backtest.history import MarketHistory
from trading_assets.backtest.replay import FillRules, Replay, replay
from trading_assets.backtest.round_trips import round_trips
from trading_assets.books.bookings import Action
from trading_assets.decision.plan import PlanFile, StrategyEntry, TradingPlan, plan_of
from trading_assets.portfolio.exits import Exits
from trading_assets.portfolio.sizing import (
    FixedFractional,
    InverseVolatility,
    PositionSizing,
    VolatilityTarget,
)
from trading_assets.risk.breakers import Breakers, judge
from trading_assets.risk.limits import RiskLimits
from trading_assets.sessions import sessions_between

SYMBOLS = tuple(f"S{number}" for number in range(8))
SESSIONS = sessions_between(date(2024, 1, 2), date(2024, 4, 30))
LOOK_BACK = 5
SECTORS = {"S0": "Energy", "S1": "Energy", "S2": "Energy", "S3": "Utilities"}
SIDES = ("enter_long", "hold_long", "exit_long")
seeds = st.integers(0, 2**32 - 1)


FIXED = FixedFractional(position_frac=Decimal("0.2"))
SIZINGS = (
    FIXED,
    VolatilityTarget(kind="volatility_target", risk_frac=Decimal("0.1"), max_frac=Decimal("0.6")),
    InverseVolatility(kind="inverse_volatility", min_frac=Decimal("0.05"), max_frac=Decimal("0.7")),
)
STOPS = Exits(stop_loss_frac=Decimal("0.04"), trailing_stop_frac=Decimal("0.06"), max_holding_sessions=9)


def plan_with(
    limits: RiskLimits, count: int, sizing: PositionSizing = FIXED, exits: Exits | None = None
) -> TradingPlan:
    entries = {
        f"s{number}": StrategyEntry(
            kind="momentum", capital_frac=Decimal(1) / count, sizing=sizing, exits=exits
        )
        for number in range(count)
    }
    return plan_of(PlanFile(strategies=entries, limits=limits))


class Made:
    """A market of eight symbols over four months: gaps, suspensions, thin days, and every kind of corporate action."""

    def __init__(self, seed: int, strategies: int) -> None:
        rng = np.random.default_rng(seed)
        bars, actions = [], []
        for symbol in SYMBOLS:
            close = rng.uniform(6, 200)
            first, last = (
                (0, len(SESSIONS)) if rng.random() < 0.7 else sorted(rng.integers(0, len(SESSIONS), 2))
            )
            for place in range(first, last):
                if rng.random() < 0.02 and place > first:
                    ratio = float(rng.choice([2.0, 0.1, 1.5]))
                    actions.append(Action(symbol, SESSIONS[place], "split", split_ratio=ratio))
                    close /= ratio
                if rng.random() < 0.03:
                    actions.append(
                        Action(
                            symbol,
                            SESSIONS[place],
                            "cash_dividend",
                            cash_usd=round(float(rng.uniform(0, 1)), 4),
                        )
                    )
                if rng.random() < 0.005:
                    child = str(rng.choice([name for name in SYMBOLS if name != symbol]))
                    actions.append(
                        Action(
                            symbol,
                            SESSIONS[place],
                            "spin_off",
                            new_symbol=child,
                            share_ratio=0.25,
                            price_factor=0.9,
                        )
                    )
                    close *= 0.9
                open_ = close * float(np.exp(rng.normal(0, 0.02)))
                close = max(open_ * float(np.exp(rng.standard_t(3) * 0.02)), 0.05)
                if rng.random() < 0.96:
                    volume = float(rng.integers(0, 5000)) if rng.random() < 0.2 else 1e6
                    bars.append((symbol, SESSIONS[place], round(open_, 4), round(close, 4), volume))
            if last < len(SESSIONS) and rng.random() < 0.7:
                other = str(rng.choice([name for name in SYMBOLS if name != symbol]))
                ends = [
                    Action(symbol, SESSIONS[last], "delisting"),
                    Action(symbol, SESSIONS[last], "delisting", cash_usd=11.11),
                    Action(symbol, SESSIONS[last], "delisting", cash_usd=2.0, new_symbol=other, share_ratio=0.3),
                    Action(symbol, SESSIONS[last], "symbol_change", new_symbol=other),
                ]  # fmt: skip
                actions.append(ends[int(rng.integers(0, len(ends)))])
        schema = {
            "symbol": pl.String,
            "session": pl.Date,
            "open": pl.Float64,
            "close": pl.Float64,
            "volume": pl.Float64,
        }
        self.bars = pl.DataFrame(bars, schema=schema, orient="row")
        self.actions = actions
        self.listed = pl.DataFrame(
            [(symbol, session, SECTORS.get(symbol)) for symbol in SYMBOLS for session in SESSIONS],
            schema={"symbol": pl.String, "session": pl.Date, "sector": pl.String},
            orient="row",
        )
        self.volumes = self.bars.select(
            "symbol",
            "session",
            dollar_volume_20=pl.col("close") * 1e6,
            volatility_20=0.1 + pl.col("close") / 200,
            atr_14=pl.col("close") / 40,
        )
        rows = [
            (
                f"s{number}",
                symbol,
                session,
                str(rng.choice(SIDES, p=[0.4, 0.4, 0.2])),
                float(rng.random()),
                "why",
            )
            for session in SESSIONS
            for number in range(strategies)
            for symbol in SYMBOLS
            if rng.random() < 0.5
        ]
        names = ("strategy", "symbol", "session", "side", "strength", "reason")
        self.signals = pl.DataFrame(rows, schema=list(names), orient="row").cast({"session": pl.Date})

    def history(self, sessions=SESSIONS) -> MarketHistory:
        known = pl.col("session") <= sessions[-1]
        return MarketHistory.of(
            self.bars.filter(known), self.volumes.filter(known),
            [action for action in self.actions if action.ex_date in SESSIONS[: len(sessions) + 1]],
            sessions=sessions, start=sessions[LOOK_BACK], listed=self.listed,
        )  # fmt: skip


limits = st.builds(
    RiskLimits,
    max_position_frac=st.sampled_from([Decimal("0.1"), Decimal("0.5")]),
    max_positions=st.sampled_from([1, 3, 25]),
    max_gross_frac=st.sampled_from([Decimal("0.5"), Decimal("0.95")]),
    max_volume_frac=st.just(Decimal("0.01")),
    max_sector_frac=st.sampled_from([None, Decimal("0.25")]),
    max_new_positions=st.sampled_from([None, 1]),
    max_daily_turnover_frac=st.sampled_from([None, Decimal("0.1")]),
    min_order_usd=st.sampled_from([Decimal(0), Decimal(2000)]),
    no_trade_frac=st.sampled_from([Decimal(0), Decimal("0.02")]),
)
costs = st.sampled_from([Costs(), Costs.alpaca(), Costs(fee_bps=20, fee_per_share_usd=0.01, slippage_bps=15)])
thin = st.sampled_from([FillRules(0.0), FillRules(0.01)])


def run(made: Made, plan: TradingPlan, charged: Costs, rules: FillRules, sessions=SESSIONS) -> Replay:
    return replay(
        plan, made.signals, made.history(sessions), costs=charged, fills=rules, keeps_decisions=True
    )


@settings(max_examples=60, deadline=None)
@given(seeds, limits, costs, thin, st.integers(1, 3))
def test_profits_of_all_round_trips_are_what_the_account_gained(seed, allowed, charged, rules, count) -> None:
    made, plan = Made(seed, count), plan_with(allowed, count)
    result = run(made, plan, charged, rules)
    assert np.isfinite(result.equity_usd).all()
    book = result.portfolio
    trips = round_trips(book, result.last_close)
    gained = Decimal(repr(float(result.equity_usd[-1]))) - result.opening_cash_usd + book.interest_usd
    assert abs(trips["profit_usd"].sum() - float(gained)) < 0.005
    assert trips["profit_usd"].is_finite().all()
    # cash is what it was, less purchases, plus sales, dividends and what ended listings paid, to the cent
    moved = sum(
        (fill.quantity * fill.price_usd + fill.fees_usd + fill.slippage_usd for fill in book.fills),
        Decimal(0),
    )
    came = sum((event.cash_usd for event in book.events), Decimal(0))
    assert book.cash_usd == result.opening_cash_usd - moved + came - book.interest_usd
    assert all(quantity > 0 for own in book.shares.values() for quantity in own.values()), "nobody is short"


@settings(max_examples=60, deadline=None)
@given(seeds, limits, st.integers(1, 3), st.sampled_from(SIZINGS), st.sampled_from([None, STOPS]))
def test_no_decision_goes_beyond_a_limit(seed, allowed, count, sizing, exits) -> None:
    plan = plan_with(allowed, count, sizing, exits)
    result = run(Made(seed, count), plan, Costs(), FillRules(0.0))
    for row, decided in enumerate(result.decisions):
        equity = Decimal(repr(float(result.equity_usd[row])))
        bought = [target for target in decided.targets if target.quantity > target.current]
        held = sum(target.quantity != 0 for target in decided.targets)
        gross = sum((target.value_usd for target in decided.targets), Decimal(0))
        traded = sum((abs(target.ordered_usd) for target in decided.targets), Decimal(0))
        if bought and allowed.max_daily_turnover_frac is not None:
            assert traded <= 2 * equity * allowed.max_daily_turnover_frac + Decimal("0.01")
        if allowed.max_new_positions is not None:
            assert sum(target.current == 0 for target in bought) <= allowed.max_new_positions
        for target in bought:
            assert target.value_usd <= equity * allowed.max_position_frac + Decimal("0.01")
            assert target.price >= allowed.min_price_usd
            assert target.ordered_usd <= allowed.max_order_usd
            if target.current == 0:
                assert target.ordered_usd >= allowed.min_order_usd
            if allowed.max_sector_frac is not None:
                sector = SECTORS.get(target.symbol)
                alike = (item.value_usd for item in decided.targets if SECTORS.get(item.symbol) == sector)
                assert sum(alike, Decimal(0)) <= equity * allowed.max_sector_frac + Decimal("0.01")
        if bought:
            assert held <= max(allowed.max_positions, sum(target.current != 0 for target in decided.targets))
            assert gross <= equity * allowed.max_gross_frac + Decimal("0.01")


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(LOOK_BACK + 2, len(SESSIONS) - 1), st.integers(1, 2))
def test_what_came_later_changes_nothing_of_what_was_decided_before(seed, known, count) -> None:
    made, plan = Made(seed, count), plan_with(RiskLimits(), count, SIZINGS[seed % 3], STOPS)
    whole = run(made, plan, Costs.alpaca(), FillRules(0.1))
    part = run(made, plan, Costs.alpaca(), FillRules(0.1), SESSIONS[:known])
    days = len(part.sessions)
    assert part.decisions == whole.decisions[:days]
    assert np.array_equal(part.equity_usd, whole.equity_usd[:days])
    fills = [fill for fill in whole.portfolio.fills if fill.session <= SESSIONS[known - 1]]
    assert part.portfolio.fills == fills


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([None, 3]), st.integers(1, 2))
def test_nothing_is_bought_while_a_breaker_has_tripped(seed, resumes, count) -> None:
    entries = {
        f"s{number}": StrategyEntry(kind="momentum", capital_frac=Decimal(1) / count,
                                    sizing=FixedFractional(position_frac="0.4"))
        for number in range(count)
    }  # fmt: skip
    breakers = Breakers(
        max_drawdown_frac="0.05", max_daily_loss_frac="0.02", max_weekly_loss_frac="0.03", resumes_after_sessions=resumes
    )  # fmt: skip
    plan = plan_of(
        PlanFile(strategies=entries, limits=RiskLimits(max_position_frac="0.5"), breakers=breakers)
    )
    result = run(Made(seed, count), plan, Costs(), FillRules(0.0))
    growth = np.r_[1.0, result.equity_usd / float(result.opening_cash_usd)]
    latched, after = None, None
    for row, decided in enumerate(result.decisions):
        tripped = judge(breakers, result.sessions[: row + 1], growth[: row + 2], after)
        bought = any(target.quantity > target.current for target in decided.targets)
        if latched is not None and resumes is None:
            assert not bought
        if tripped is not None and tripped.is_latched:
            latched = latched if latched is not None else row
            if resumes is not None and row - latched >= resumes:
                after, latched = result.sessions[row], None
                continue
        if tripped is not None:
            assert not bought
            assert all(target.rule != "new_risk_blocked" for target in decided.targets)
