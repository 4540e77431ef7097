"""What corporate actions, halts and blocked sessions do to a replayed account: no dollar appears, and none is lost."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from trading_assets.backtest.costs import Costs
from trading_assets.backtest.history import MarketHistory
from trading_assets.backtest.replay import FillRules, Replay, replay
from trading_assets.backtest.round_trips import round_trips
from trading_assets.books.bookings import Action
from trading_assets.decision.market import FEATURES
from trading_assets.decision.plan import PlanFile, StrategyEntry, TradingPlan, plan_of
from trading_assets.errors import ConfigurationError, DataQualityError
from trading_assets.portfolio.sizing import FixedFractional
from trading_assets.risk.limits import RiskLimits
from trading_assets.sessions import sessions_between

SESSIONS = sessions_between(date(2024, 1, 2), date(2024, 3, 28))
START, THEN = 2, SESSIONS[10]
Bar = tuple[str, date, float, float, float]


def flat(symbol: str, price: float, first: int = 0, last: int = len(SESSIONS)) -> list[Bar]:
    return [(symbol, day, price, price, 1e7) for day in SESSIONS[first:last]]


def half_in_one() -> TradingPlan:
    limits = RiskLimits(max_position_frac=Decimal("0.5"), max_order_usd=Decimal(1_000_000))
    sizing = FixedFractional(position_frac=Decimal("0.5"))
    return plan_of(PlanFile(strategies={"s": StrategyEntry(kind="momentum", sizing=sizing)}, limits=limits))


def run(bars: list[Bar], *actions: Action, said: int = 10, blocked: tuple[date, ...] = ()) -> Replay:
    """Hold A from the third session on, half of 100,000 USD, for as long as there are signals."""
    schema = {
        "symbol": pl.String,
        "session": pl.Date,
        "open": pl.Float64,
        "close": pl.Float64,
        "volume": pl.Float64,
    }
    frame = pl.DataFrame(bars, schema=schema, orient="row")
    features = frame.select("symbol", "session", *(pl.lit(1e9).alias(name) for name in FEATURES))
    history = MarketHistory.of(
        frame, features, actions, sessions=SESSIONS, start=SESSIONS[START], blocked=blocked
    )
    signals = pl.DataFrame(
        [("s", "A", day, "enter_long", 1.0, "why") for day in SESSIONS[:said]],
        schema=["strategy", "symbol", "session", "side", "strength", "reason"],
        orient="row",
    ).cast({"session": pl.Date})
    return replay(half_in_one(), signals, history, fills=FillRules(0.0))


def held(result: Replay) -> dict[str, int]:
    return {symbol: int(quantity) for symbol, quantity in result.portfolio.quantities().items()}


def test_a_spun_off_share_without_a_bar_yet_is_worth_what_the_parent_lost():
    action = Action("A", THEN, "spin_off", new_symbol="C", share_ratio=1.0, price_factor=0.5)
    result = run([*flat("A", 100, 0, 10), *flat("A", 50, 10), *flat("C", 50, 12)], action, said=len(SESSIONS))
    assert result.equity_usd.tolist() == [100_000.0] * len(result.sessions)
    assert [fill.symbol for fill in result.portfolio.fills] == ["A", "C"], (
        "sold once it trades: no strategy names it"
    )


@pytest.mark.parametrize("acquirer", ["B", "OUTSIDE"])
def test_a_stock_merger_loses_nothing_whether_the_acquirer_is_known_or_not(acquirer):
    action = Action("A", THEN, "delisting", new_symbol=acquirer, share_ratio=0.3)
    result = run([*flat("A", 99, 0, 10), *flat("B", 330)], action)
    assert min(result.equity_usd) >= 99_999.99
    assert max(result.equity_usd) <= 100_000.01
    (event, *ends) = result.events
    assert (event.kind, event.received) == ("delisting", 151)
    fraction = Decimal(505) * Decimal("0.3") - 151
    assert event.cash_usd == (fraction * 330).quantize(Decimal("0.01")), (
        "the fraction of a share is paid in cash"
    )
    assert [end.kind for end in ends] == (["end_without_word"] if acquirer == "OUTSIDE" else [])
    trips = round_trips(result.portfolio, result.last_close)
    assert abs(trips["profit_usd"].sum() - (result.equity_usd[-1] - 100_000)) < 0.005


def test_a_new_symbol_has_the_price_of_the_old_one_not_of_whoever_had_it_before():
    action = Action("A", THEN, "symbol_change", new_symbol="N")
    result = run([*flat("A", 100, 0, 10), *flat("N", 5, 0, 5), *flat("N", 100, 12)], action)
    assert result.equity_usd.tolist() == [100_000.0] * len(result.sessions)


def test_a_delisting_without_terms_is_worth_nothing():
    result = run(flat("A", 100, 0, 10), Action("A", THEN, "delisting"))
    assert result.equity_usd[-1] == 50_000
    assert held(result) == {}


def test_what_has_no_bar_for_a_month_is_taken_out_at_its_last_close_and_counted():
    result = run([*flat("A", 100, 0, 10), *flat("A", 20, 40)])
    assert [event.kind for event in result.events] == ["end_without_word"]
    assert result.equity_usd[-1] == 100_000


def test_nothing_is_decided_on_a_blocked_session():
    free, blocked = run(flat("A", 100)), run(flat("A", 100), blocked=(SESSIONS[START],))
    assert [result.portfolio.fills[0].decided for result in (free, blocked)] == SESSIONS[START : START + 2]


def test_rows_of_no_session_and_costs_that_are_not_known_are_refused():
    with pytest.raises(DataQualityError, match="of the sessions"):
        run([*flat("A", 100), ("A", date(2024, 1, 6), 55.0, 55.0, 1e7)])
    history = MarketHistory.of(
        pl.DataFrame(flat("A", 100), schema=["symbol", "session", "open", "close", "volume"], orient="row"),
        pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date, **dict.fromkeys(FEATURES, pl.Float64)}),
        [],
        sessions=SESSIONS,
        start=SESSIONS[START],
    )
    none = pl.DataFrame(schema=["strategy", "symbol", "session", "side", "strength", "reason"])
    with pytest.raises(ConfigurationError, match="volatility_mult"):
        replay(half_in_one(), none, history, costs=Costs(volatility_mult=1))
