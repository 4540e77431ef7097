"""One account's day, event by event: fills, exits within the bar, actions, what thin markets let through, and refusals."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from trading_assets.backtest.account_kernel import LEAVE, LONG, NOTHING, SHORT
from trading_assets.backtest.accounts import AccountRules, SizedAt, Sizing, run_accounts
from trading_assets.backtest.costs import Costs
from trading_assets.backtest.series import Series
from trading_assets.errors import ConfigurationError, DataQualityError

DAY = date(2024, 1, 2)
HUNDRED = AccountRules(cash_usd=100_000, sizing=Sizing.SHARES, size=100, sized_at=SizedAt.FILL)
Bar = tuple[float, float, float, float]


def bars_of(rows: list[Bar], symbol: str = "AAA", volume: float = 1e6) -> pl.DataFrame:
    names = ("open", "high", "low", "close")
    return pl.DataFrame(
        {
            "symbol": [symbol] * len(rows),
            "session": [DAY + timedelta(days=number) for number in range(len(rows))],
            **{name: [float(row[place]) for row in rows] for place, name in enumerate(names)},
            "volume": [volume] * len(rows),
        }
    )


def flat(*closes: float) -> list[Bar]:
    return [(close, close, close, close) for close in closes]


def signals_of(series: Series, **at: list[int]) -> np.ndarray:
    signals = np.full(series.rows, NOTHING, dtype=np.int8)
    for name, rows in at.items():
        signals[rows] = {"long": LONG, "leave": LEAVE, "short": SHORT}[name]
    return signals


def run(rows: list[Bar], rules: AccountRules = HUNDRED, costs: Costs | None = None, *, volume=1e6, **kept):
    places = {name: kept.pop(name) for name in ("long", "leave", "short") if name in kept}
    series = Series.of(bars_of(rows, volume=volume), **kept)
    result = run_accounts(series, signals_of(series, **places), rules, costs, keeps_equity=True, threads=1)
    return result, result.trades()


def at(number: int) -> date:
    return DAY + timedelta(days=number)


def test_a_signal_is_filled_at_the_next_open_and_one_of_the_last_bar_never():
    rows = [(10, 11, 9, 10), (20, 21, 19, 20), (30, 31, 29, 30), (40, 41, 39, 40)]
    result, trades = run(rows, long=[0], leave=[1, 3])
    (trade,) = trades.to_dicts()
    assert (trade["entry_session"], trade["entry_price_usd"]) == (at(1), 20)
    assert (trade["exit_session"], trade["exit_price_usd"], trade["reason"]) == (at(2), 30, "signal")
    assert trade["profit_usd"] == 1000
    assert result.equity_usd.tolist() == [100_000, 100_000, 101_000, 101_000]
    _, open_ = run(rows, long=[2])
    assert open_.select("reason", "exit_session", "left_quantity", "profit_usd").row(0) == (
        "open",
        None,
        100,
        0,
    )


@pytest.mark.parametrize(
    ("bar", "limits", "reason", "price"),
    [
        ((100, 101, 94, 99), {"stop_frac": 0.05}, "stop", 95.0),
        ((90, 92, 88, 91), {"stop_frac": 0.05}, "stop", 90.0),  # opened below: the open is what one gets
        ((100, 112, 99, 111), {"target_frac": 0.10}, "target", 110.0),
        ((115, 116, 114, 115), {"target_frac": 0.10}, "target", 115.0),
        ((100, 112, 94, 100), {"stop_frac": 0.05, "target_frac": 0.10}, "stop", 95.0),  # both: the worse one
        ((100, 101, 96, 97), {"trail_frac": 0.04}, "trailing_stop", 96.0),
        ((100, 101, 97, 97), {"trail_frac": 0.04}, "open", 97.0),
        ((100, 101, 99, 100.5), {"max_bars": 2}, "time", 100.5),
    ],
)
def test_exits_within_a_bar(bar, limits, reason, price):
    result, trades = run([*flat(100, 100), bar], HUNDRED.model_copy(update=limits), long=[0])
    assert trades.select("reason", "exit_price_usd").row(0) == (reason, pytest.approx(price))
    both = "stop_frac" in limits and "target_frac" in limits
    assert result.counts[0, 1] == both, "bars in which it is not known what came first are counted"


@pytest.mark.parametrize(
    ("side", "bar", "reason", "price"),
    [
        ("long", (115, 116, 90, 95), "target", 115.0),
        ("long", (110.5, 111, 90, 95), "target", 110.5),
        ("long", (90, 120, 85, 115), "stop", 90.0),
        ("long", (95, 120, 94, 115), "stop", 95.0),
        ("short", (85, 110, 80, 100), "target", 85.0),
        ("short", (110, 112, 80, 85), "stop", 110.0),
    ],
)
def test_a_bar_that_opens_beyond_a_level_is_decided_at_its_open_whatever_it_reaches_later(
    side, bar, reason, price
):
    both = HUNDRED.model_copy(update={"stop_frac": 0.05, "target_frac": 0.10})
    result, trades = run([*flat(100, 100), bar], both, **{side: [0]})
    assert trades.select("reason", "exit_price_usd").row(0) == (reason, price)
    assert result.counts[0, 1] == 0, "what came first is known"


@pytest.mark.parametrize(
    ("side", "bar", "worst", "best"),
    [
        ("long", (100, 103, 80, 99), -0.05, 0.02),  # stopped: the high may have come after
        ("long", (103, 104, 80, 99), -0.05, 0.03),
        ("long", (90, 120, 70, 99), -0.10, 0.02),  # stopped at the open
        ("long", (100, 140, 97, 99), -0.03, 0.10),  # at the target: the low may have come before
        ("long", (120, 140, 70, 99), -0.01, 0.20),  # at its open
        ("long", (100, 104, 98, 99), -0.02, 0.04),
        ("short", (100, 120, 97, 99), -0.05, 0.01),
        ("short", (80, 120, 70, 99), -0.02, 0.20),
    ],
)
def test_the_furthest_prices_of_a_trade_are_of_the_time_that_it_was_held(side, bar, worst, best):
    rules = HUNDRED.model_copy(update={"stop_frac": 0.05, "target_frac": 0.10})
    _, trades = run([*flat(100), (100, 102, 99, 100), bar], rules, **{side: [0]})
    assert trades.select("worst_frac", "best_frac").row(0) == pytest.approx((worst, best))


def test_the_open_at_which_a_trade_is_left_is_one_of_its_prices():
    _, trades = run(flat(100, 100, 70, 100), long=[0], leave=[1])
    assert trades.select("worst_frac", "best_frac").row(0) == pytest.approx((-0.3, 0))


def test_a_stop_of_a_short_position_lies_above_it_and_of_one_entered_in_the_bar_counts_in_that_bar():
    short = HUNDRED.model_copy(update={"stop_frac": 0.05})
    _, trades = run([*flat(100, 100), (100, 106, 99, 100)], short, short=[0])
    assert trades.select("side", "reason", "exit_price_usd", "profit_usd").row(0) == (
        "short",
        "stop",
        105.0,
        -500.0,
    )
    _, trades = run([*flat(100), (100, 101, 90, 100)], short, long=[0])
    assert trades.select("entry_session", "exit_session", "exit_price_usd").row(0) == (at(1), at(1), 95.0)


def test_a_reversal_closes_and_opens_at_the_same_open():
    _, trades = run(flat(10, 10, 12, 12), long=[0], short=[1])
    assert trades.select("side", "reason", "entry_session", "profit_usd").rows() == [
        ("long", "reversed", at(1), 200.0),
        ("short", "open", at(2), 0.0),
    ]


def test_a_split_changes_shares_levels_and_leaves_the_fraction_as_cash():
    splits = pl.DataFrame({"symbol": ["AAA"], "session": [at(2)], "ratio": [1 / 3]})
    result, trades = run(
        [*flat(10, 10), (30, 30, 29, 30), (30, 31, 28, 30)],
        HUNDRED.model_copy(update={"stop_frac": 0.05}),
        long=[0],
        splits=splits,
    )
    (trade,) = trades.to_dicts()
    assert (trade["quantity"], trade["exit_price_usd"]) == (33, pytest.approx(28.5)), (
        "a stop at 9.50 is at 28.50 now"
    )
    assert trade["dividends_usd"] == pytest.approx(10), "a third of a share in cash"
    assert trade["profit_usd"] == pytest.approx(10 + 33 * 28.5 - 1000)
    assert result.equity_usd[2] == pytest.approx(100_000)


@pytest.mark.parametrize(("side", "sign"), [("long", 1), ("short", -1)])
def test_dividends_are_paid_on_what_was_held_before_the_open_and_by_shorts(side, sign):
    dividends = pl.DataFrame({"symbol": ["AAA"] * 2, "session": [at(1), at(2)], "cash_usd": [0.5, 0.25]})
    _, trades = run(flat(10, 10, 10, 10), **{side: [0]}, dividends=dividends)
    assert trades["dividends_usd"].to_list() == [sign * 25.0], "none of the day of the entry"
    assert trades["profit_usd"].to_list() == [sign * 25.0]


@pytest.mark.parametrize(("value", "profit"), [(0.0, -1000.0), (12.5, 250.0)])
def test_the_end_of_a_listing_pays_what_it_paid(value, profit):
    _, trades = run(flat(10, 10, 10), long=[0], final_values={"AAA": value})
    assert trades.select("reason", "exit_price_usd", "profit_usd").row(0) == ("delisted", value, profit)


def test_a_thin_market_fills_a_part_and_what_is_left_goes_at_the_next_open():
    rules = HUNDRED.model_copy(update={"max_volume_frac": 0.1})
    result, trades = run(flat(10, 10, 11, 12, 13), rules, long=[0], leave=[1], volume=600)
    assert trades.select("quantity", "exit_session", "exit_price_usd").row(0) == (60, at(2), 11)
    assert result.counts[0, 4] == 1
    wide = bars_of(flat(10, 10, 11, 12, 13)).with_columns(
        volume=pl.Series([1000.0, 1000.0, 600.0, 300.0, 1000.0])
    )
    series = Series.of(wide)
    trades = run_accounts(series, signals_of(series, long=[0], leave=[1]), rules).trades()
    assert trades.select("quantity", "exit_session", "profit_usd").row(0) == (
        100, at(4), pytest.approx(60 * 1 + 30 * 2 + 10 * 3),
    )  # fmt: skip


def test_a_reversal_leaves_and_enters_within_the_limit_of_one_bar():
    rules = HUNDRED.model_copy(update={"max_volume_frac": 0.1})
    bars = bars_of(flat(10, 10, 10, 10, 10)).with_columns(volume=pl.Series([1e4, 1e4, 1300.0, 1e4, 1e4]))
    series = Series.of(bars)
    result = run_accounts(series, signals_of(series, long=[0], short=[1]), rules)
    assert result.trades().select("reason", "quantity", "left_quantity").rows() == [
        ("reversed", 100, 0),
        ("open", 30, 30),
    ]
    assert result.counts[0, 4] == 1
    none_left = Series.of(bars.with_columns(volume=pl.Series([1e4, 1e4, 1000.0, 1e4, 1e4])))
    trades = run_accounts(none_left, signals_of(none_left, long=[0], short=[1]), rules).trades()
    assert trades["reason"].to_list() == ["reversed"], "the order to enter expires with its day"
    stopped = rules.model_copy(update={"stop_frac": 0.05})
    thin = Series.of(
        bars_of([*flat(10, 10), (10, 10, 9, 9)]).with_columns(volume=pl.Series([1e4, 1e4, 10.0]))
    )
    trades = run_accounts(thin, signals_of(thin, long=[0]), stopped).trades()
    assert trades.select("reason", "quantity").row(0) == ("stop", 100), "exits within the bar are not limited"


def test_size_is_worked_out_before_the_open_is_known_and_cut_to_the_cash_when_it_gaps_up():
    decided = AccountRules(cash_usd=10_000, reserve_frac=0.03)
    result, trades = run([*flat(100), (101, 101, 101, 101)], decided, long=[0])
    assert trades["quantity"].item() == 97
    result, trades = run([*flat(100), (125, 125, 125, 125)], decided, long=[0])
    assert (trades["quantity"].item(), result.counts[0, 3]) == (80, 1)
    assert run([*flat(100), (101, 101, 101, 101)], decided.model_copy(update={"sized_at": SizedAt.FILL}), long=[0])[1][
        "quantity"
    ].item() == 99  # fmt: skip


def test_what_costs_more_than_there_is_is_refused_and_counted_and_no_setting_lifts_the_leverage():
    result, trades = run(flat(2000, 2000, 2000), long=[0, 1])
    assert trades.is_empty()
    assert result.counts[0, 2] == 1 + 1
    with pytest.raises(ValueError, match="less than or equal to 2"):
        AccountRules(leverage=100)


def test_costs_are_kept_apart_from_the_price():
    costs = Costs.alpaca(slippage_bps=10)
    _, trades = run(flat(100, 100, 110), costs=costs, long=[0], leave=[1])
    (trade,) = trades.to_dicts()
    assert (trade["entry_price_usd"], trade["exit_price_usd"]) == (100, 110)
    assert trade["slippage_usd"] == pytest.approx(10 + 11)
    assert trade["fees_usd"] == pytest.approx(11_000 * 20.6e-6 + 100 * 0.000195)
    assert trade["profit_usd"] == pytest.approx(1000 - trade["slippage_usd"] - trade["fees_usd"])


def test_shares_borrowed_and_impact_cost_what_they_are_said_to():
    costs = Costs(borrow_frac=0.36)
    _, trades = run(flat(100, 100, 100, 100), costs=costs, short=[0])
    assert trades["borrow_usd"].item() == pytest.approx(2 * 10_000 * 0.001)
    _, trades = run(flat(100, 100), costs=Costs(impact_frac=0.1), long=[0], volume=1000)
    assert trades["slippage_usd"].item() == pytest.approx(10_000 * 0.1 * 0.1**2)


@pytest.mark.parametrize(("ratio", "after"), [(2.0, 50.0), (0.1, 1000.0)])
def test_the_night_before_a_split_is_paid_for_the_shares_of_that_night(ratio, after):
    splits = pl.DataFrame({"symbol": ["AAA"], "session": [at(2)], "ratio": [ratio]})
    costs, rows = Costs(borrow_frac=0.36), flat(100, 100, after, after)
    _, trades = run(rows, costs=costs, short=[0], splits=splits)
    assert trades["borrow_usd"].item() == pytest.approx(2 * 10_000 * 0.001)
    margin = AccountRules(sizing=Sizing.FRACTION, size=2, leverage=2, sized_at=SizedAt.FILL)
    dividends = pl.DataFrame({"symbol": ["AAA"], "session": [at(2)], "cash_usd": [100.0]})
    _, trades = run(flat(100, 100, 1), margin, Costs(margin_frac=0.36), long=[0], dividends=dividends)
    assert trades["borrow_usd"].item() == pytest.approx(100_000 * 0.001), "the dividend comes after the night"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (pl.all().reverse(), "sorted"),
        (pl.col("close").replace(10.0, -1.0), "above 0"),
        (pl.col("volume").replace(1e6, None), "nulls"),
        (pl.col("high").replace(10.0, float("nan")), "finite"),
        (pl.col("volume").replace(1e6, float("nan")), "finite volumes"),
        (pl.col("volume").replace(1e6, -1.0), "0 or more"),
    ],
)
def test_bars_that_would_give_wrong_numbers_are_refused(change, words):
    with pytest.raises(DataQualityError, match=words):
        Series.of(bars_of(flat(10, 11, 12)).with_columns(change))
    with pytest.raises(DataQualityError, match="no bar of its day"):
        Series.of(bars_of(flat(10)), splits=pl.DataFrame({"symbol": ["AAA"], "session": [at(9)], "ratio": [2.0]}))  # fmt: skip


@pytest.mark.parametrize(
    "closes",
    [
        [10.0, 11.0],
        [10.0, 11.0, 12.0, 13.0],
        [10.0, float("nan"), 12.0],
        [10.0, None, 12.0],
        [10.0, 0.0, 12.0],
    ],
)
def test_closes_of_signals_that_do_not_fit_the_bars_are_refused(closes):
    with pytest.raises(DataQualityError, match="Closes of signals"):
        Series.of(bars_of(flat(10, 11, 12)), signal_close=pl.Series(closes))


@pytest.mark.parametrize(
    ("name", "column", "values"),
    [
        ("splits", "ratio", [0.0, -2.0, float("nan"), float("inf"), None]),
        ("dividends", "cash_usd", [float("nan"), float("-inf"), None]),
    ],
)
def test_actions_without_a_number_that_means_something_are_refused(name, column, values):
    for value in values:
        events = pl.DataFrame(
            {"symbol": ["AAA"], "session": [at(1)], column: [value]}, schema_overrides={column: pl.Float64}
        )
        with pytest.raises(DataQualityError, match="finite"):
            Series.of(bars_of(flat(10, 11, 12)), **{name: events})
    with pytest.raises(DataQualityError, match="Final values"):
        Series.of(bars_of(flat(10)), final_values={"AAA": float("nan")})


@pytest.mark.parametrize(
    "signals",
    [
        np.zeros(3, dtype=np.int64),
        np.zeros(3, dtype=bool),
        np.zeros(2, dtype=np.int8),
        np.zeros((3, 1), dtype=np.int8),
        np.array([0, 4, 0], dtype=np.int8),
        np.array([0, -1, 0], dtype=np.int8),
    ],
)
def test_signals_that_the_kernel_would_misread_are_refused(signals):
    with pytest.raises(ValueError, match="signals must be"):
        run_accounts(Series.of(bars_of(flat(10, 11, 12))), signals)


def test_impact_by_volatility_is_charged_where_volatility_is_given_and_refused_where_not():
    costs = Costs(volatility_mult=0.5)
    moves = pl.Series([0.9, 0.02, 0.9])
    _, trades = run(flat(100, 100, 100), costs=costs, long=[0], volume=1e4, volatility=moves)
    assert trades["slippage_usd"].item() == pytest.approx(10_000 * 0.5 * 0.02 * (100 / 1e4) ** 0.5)
    with pytest.raises(ConfigurationError, match="volatility_mult"):
        run(flat(100, 100, 100), costs=costs, long=[0])
    for wrong in ([0.1, 0.1], [0.1, float("nan"), 0.1], [0.1, -0.1, 0.1]):
        with pytest.raises(DataQualityError, match="Volatilities"):
            Series.of(bars_of(flat(1, 1, 1)), volatility=pl.Series(wrong))


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("leverage", [1.0, 2.0])
@pytest.mark.parametrize("sizing", [Sizing.FRACTION, Sizing.WHOLE_SHARES])
def test_the_leverage_holds_for_what_is_paid_impact_slippage_and_fees_included(sizing, leverage, side):
    rules = AccountRules(sizing=sizing, size=leverage, leverage=leverage, sized_at=SizedAt.FILL)
    costs = Costs(
        impact_frac=0.5,
        slippage_bps=20,
        fee_bps=10,
        volatility_mult=0.2,
        sell_fee_frac=0.001,
        sell_fee_per_share_usd=0.01,
    )
    moves = pl.Series([0.05, 0.05])
    _, trades = run(flat(100, 100), rules, costs, **{side: [0]}, volume=1000, volatility=moves)
    (trade,) = trades.to_dicts()
    paid = trade["left_quantity"] * 100 + trade["slippage_usd"] + trade["fees_usd"]
    assert (
        leverage * 100_000 - (0.01 if sizing == Sizing.FRACTION else 1000)
        < paid
        <= leverage * 100_000 * (1 + 1e-9)
    )


def test_an_order_that_impact_makes_too_dear_is_cut_and_counted_and_a_fixed_number_of_shares_refused():
    costs = Costs(impact_frac=0.5)
    result, trades = run(flat(100, 100), AccountRules(reserve_frac=0), costs, long=[0], volume=1000)
    assert (result.counts[0, 3], trades["left_quantity"].item() < 1000) == (1, True)
    lot = HUNDRED.model_copy(update={"cash_usd": 10_001})
    result, trades = run(flat(100, 100), lot, costs, long=[0], volume=100)
    assert (result.counts[0, 2], trades.height) == (1, 0)
    thin = lot.model_copy(update={"max_volume_frac": 0.5})
    assert run(flat(100, 100), thin, costs, long=[0], volume=100)[1]["left_quantity"].item() == 50


@pytest.mark.parametrize(
    ("side", "rows", "left_usd"),
    [
        ("long", [*flat(100, 100), (60, 60, 40, 45), *flat(90, 90, 90)], -10_000),
        ("short", [*flat(100, 100), (150, 170, 140, 150), *flat(90, 90, 90)], 0),
    ],
)
def test_an_account_worth_nothing_at_a_close_is_closed_there_counted_and_trades_no_more(side, rows, left_usd):
    rules = AccountRules(sizing=Sizing.FRACTION, size=2, leverage=2, sized_at=SizedAt.FILL)
    result, trades = run(rows, rules, **{side: [0, 3, 4]})
    assert trades.select("reason", "exit_session", "exit_price_usd").rows() == [
        ("liquidated", at(2), rows[2][3])
    ]
    assert result.equity_usd[2:].tolist() == pytest.approx([left_usd] * 4)
    assert result.counts[0, 5] == 1
    assert result.counts[0, 2] == 2, "later orders are refused"


@pytest.mark.parametrize(
    ("limits", "costs"),
    [({"max_volume_frac": 0.5}, Costs()), ({}, Costs(impact_frac=0.1)), ({}, Costs(volatility_mult=0.1))],
)
def test_a_bar_without_volume_fills_nothing_where_volume_matters(limits, costs):
    rules = HUNDRED.model_copy(update={**limits, "stop_frac": 0.05, "max_bars": 9})
    bars = bars_of([*flat(100, 100), (100, 101, 90, 99), (97, 98, 96, 97), (96, 97, 80, 90)])
    moves = pl.Series([0.01] * 5)
    dry = bars.with_columns(volume=pl.Series([1e6, 0.0, 1e6, 1e6, 1e6]))
    series = Series.of(dry, volatility=moves)
    result = run_accounts(series, signals_of(series, long=[0]), rules, costs)
    assert (result.trades().height, result.counts[0, 4]) == (0, 1)
    series = Series.of(bars.with_columns(volume=pl.Series([1e6, 1e6, 0.0, 0.0, 1e6])), volatility=moves)
    (trade,) = run_accounts(series, signals_of(series, long=[0], leave=[2]), rules, costs).trades().to_dicts()
    assert (trade["reason"], trade["exit_session"], trade["exit_price_usd"]) == ("signal", at(4), 96.0)
    free = run_accounts(
        series, signals_of(series, long=[0]), HUNDRED.model_copy(update={"stop_frac": 0.05})
    ).trades()
    assert free.select("exit_session", "exit_price_usd").row(0) == (at(2), 95.0), (
        "where it does not, it fills"
    )
