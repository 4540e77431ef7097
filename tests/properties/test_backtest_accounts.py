"""Whatever the prices, signals and costs: money is neither made nor lost by accounting, and no account goes further than allowed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.backtest.account_kernel import LONG, NOTHING, SHORT
from trading_assets.backtest.accounts import LARGEST_LEVERAGE, AccountRules, SizedAt, Sizing, run_accounts
from trading_assets.backtest.costs import Costs
from trading_assets.backtest.series import Series, splits_since

seeds = st.integers(0, 2**32 - 1)
fractions = st.sampled_from([0.0, 0.02, 0.1, 0.5])
rules = st.builds(
    AccountRules,
    cash_usd=st.sampled_from([1_000.0, 100_000.0]),
    sizing=st.sampled_from(Sizing),
    size=st.sampled_from([0.5, 1.0]),
    sized_at=st.sampled_from(SizedAt),
    stop_frac=fractions,
    target_frac=fractions,
    trail_frac=fractions,
    max_bars=st.sampled_from([0, 1, 7]),
    max_volume_frac=st.sampled_from([0.0, 0.01, 0.5]),
    leverage=st.sampled_from([0.5, 1.0, LARGEST_LEVERAGE]),
)
costs = st.builds(
    Costs,
    fee_bps=st.sampled_from([0.0, 5.0]),
    fee_per_share_usd=st.sampled_from([0.0, 0.005]),
    sell_fee_frac=st.sampled_from([0.0, 2e-5]),
    slippage_bps=st.sampled_from([0.0, 10.0]),
    impact_frac=st.sampled_from([0.0, 0.1]),
    borrow_frac=st.sampled_from([0.0, 0.1]),
    margin_frac=st.sampled_from([0.0, 0.06]),
)


def market(
    seed: int, *, symbols: int = 3, with_actions: bool = True, calm: bool = True
) -> tuple[Series, np.ndarray]:
    rng = np.random.default_rng(seed)
    frames, splits, dividends = [], [], []
    for number in range(symbols):
        bars = int(rng.integers(1, 80))
        close = np.maximum(
            rng.uniform(1, 300) * np.exp(np.cumsum(rng.standard_t(3, bars) * (0.03 if calm else 0.2))), 0.01
        )
        open_ = close * np.exp(rng.normal(0, 0.03, bars))
        symbol = f"S{number}"
        days = [date(2024, 1, 2) + timedelta(days=int(day)) for day in np.cumsum(rng.integers(1, 4, bars))]
        frames.append(
            pl.DataFrame(
                {
                    "symbol": [symbol] * bars, "session": days, "open": open_,
                    "high": np.maximum(open_, close) * 1.01, "low": np.minimum(open_, close) / 1.01, "close": close,
                    "volume": (rng.integers(0, 10_000, bars) * (rng.random(bars) > 0.02)).astype(float),
                }
            )
        )  # fmt: skip
        if with_actions:
            for day in days[1:]:
                if rng.random() < 0.03:
                    splits.append((symbol, day, float(rng.choice([2.0, 0.1, 1.5]))))
                if rng.random() < 0.05:
                    dividends.append((symbol, day, float(rng.uniform(0, 1))))
    ends = {"S0": 0.0} if rng.random() < 0.3 else {}
    columns = ["symbol", "session"]
    series = Series.of(
        pl.concat(frames),
        splits=pl.DataFrame(splits, schema=[*columns, "ratio"], orient="row") if splits else None,
        dividends=pl.DataFrame(dividends, schema=[*columns, "cash_usd"], orient="row") if dividends else None,
        final_values=ends,
    )
    return series, rng.choice(np.arange(4, dtype=np.int8), series.rows, p=[0.7, 0.1, 0.1, 0.1])


@settings(max_examples=150, deadline=None)
@given(seeds, rules, costs)
def test_what_an_account_has_is_what_it_began_with_and_what_its_trades_made(seed, wanted, charged) -> None:
    series, signals = market(seed)
    result = run_accounts(series, signals, wanted, charged, keeps_equity=True)
    trades = result.trades()
    for name in ("profit_usd", "fees_usd", "slippage_usd", "quantity", "exit_price_usd"):
        assert trades[name].is_finite().all()
    assert np.isfinite(result.equity_usd).all()
    made = trades.group_by("symbol").agg(pl.col("profit_usd").sum())
    profit = dict(made.iter_rows())
    for place, symbol in enumerate(series.symbols):
        expected = wanted.cash_usd + profit.get(symbol, 0.0)
        scale = max(1.0, abs(trades.filter(symbol=symbol)["profit_usd"]).sum() + wanted.cash_usd)
        assert abs(result.final_equity_usd[place] - expected) <= 1e-9 * scale
        assert result.equity_usd[series.starts[place + 1] - 1] == result.final_equity_usd[place]
    again = run_accounts(series, signals, wanted, charged, keeps_equity=True, threads=1)
    assert np.array_equal(again.equity_usd, result.equity_usd), "threads change nothing"
    if wanted.sizing != Sizing.FRACTION and not len(series.split):
        assert (
            (trades["quantity"] + trades["left_quantity"]) % 1 == 0
        ).all() or wanted.sizing == Sizing.SHARES


@settings(max_examples=150, deadline=None)
@given(seeds, rules, costs)
def test_no_entry_takes_up_more_than_the_leverage_and_none_is_filled_on_the_bar_of_its_signal(
    seed, wanted, charged
) -> None:
    series, signals = market(seed, with_actions=False)
    # no reserve and twice the equity asked for: the limit is what holds it back
    wanted = wanted.model_copy(
        update={"reserve_frac": 0.0, "size": 400.0 if wanted.sizing == Sizing.SHARES else 2.0}
    )
    result = run_accounts(series, signals, wanted, charged)
    has = dict.fromkeys(series.symbols, wanted.cash_usd)
    for (row, _, side, _), trade in zip(result.placed, result.trades().iter_rows(named=True), strict=True):
        symbol = trade["symbol"]
        taken = trade["quantity"] * trade["entry_price_usd"]
        if trade["exit_session"] is None and trade["quantity"] == trade["left_quantity"]:
            taken += trade["fees_usd"] + trade["slippage_usd"]  # those of the entry alone
        assert taken <= has[symbol] * wanted.leverage * (1 + 1e-9)
        has[symbol] += trade["profit_usd"]
        first = series.starts[series.symbols.index(symbol)]
        told = signals[first:row][signals[first:row] != NOTHING]
        assert told.size, "an entry needs a signal of an earlier bar"
        assert told[-1] == (LONG if side > 0 else SHORT), "the last one of the bars before is what is filled"


@settings(max_examples=150, deadline=None)
@given(seeds, rules, costs)
def test_an_account_falls_below_nothing_only_from_one_close_to_the_next_and_stays_out_of_the_market(
    seed, wanted, charged
) -> None:
    series, signals = market(seed, calm=False)
    wanted = wanted.model_copy(update={"leverage": LARGEST_LEVERAGE, "size": 2.0, "sizing": Sizing.FRACTION})
    result = run_accounts(series, signals, wanted, charged, keeps_equity=True)
    fills_all = wanted.max_volume_frac == charged.impact_frac == 0
    for first, end in itertools.pairwise(series.starts):
        ruined = np.flatnonzero(result.equity_usd[first:end] <= 0)
        if ruined.size and fills_all:
            later = result.equity_usd[first + ruined[0] : end]
            assert (later == later[0]).all()
            entered = result.placed[(result.placed[:, 0] >= first) & (result.placed[:, 0] < end), 0]
            assert (entered <= first + ruined[0]).all()


@settings(max_examples=80, deadline=None)
@given(seeds, rules, costs)
def test_with_a_fixed_number_of_shares_costs_can_be_taken_off_afterwards(seed, wanted, charged) -> None:
    series, signals = market(seed)
    series = replace(
        series, volume=np.maximum(series.volume, 1.0)
    )  # without volume impact has no fill, and no cost
    wanted = wanted.model_copy(update={"sizing": Sizing.SHARES, "size": 10.0, "cash_usd": 1e9})
    gross = run_accounts(series, signals, wanted, Costs()).trades()
    net = run_accounts(series, signals, wanted, charged).trades()
    same = ["symbol", "entry_session", "entry_price_usd", "exit_session", "exit_price_usd", "quantity"]
    assert gross.select(same).equals(net.select(same))
    taken = net["fees_usd"] + net["slippage_usd"] + net["borrow_usd"]
    assert np.allclose(gross["profit_usd"] - taken, net["profit_usd"], rtol=1e-9, atol=1e-6)


@settings(max_examples=80, deadline=None)
@given(seeds, fractions, fractions)
def test_a_split_is_no_profit_raw_prices_and_adjusted_ones_give_the_same_equity(seed, stop, trail) -> None:
    raw, signals = market(seed)
    raw = Series(**{**vars(raw), "dividend": np.zeros(raw.rows if len(raw.split) else 0)})
    if not len(raw.split):
        return
    since = splits_since(raw.split, raw.starts)
    last = raw.final_value
    adjusted = Series(
        raw.symbols, raw.starts, raw.days, raw.prices / since[:, None], raw.volume * since, raw.signal_close,
        final_value=last,
    )  # fmt: skip
    wanted = AccountRules(sizing=Sizing.FRACTION, sized_at=SizedAt.FILL, stop_frac=stop, trail_frac=trail)
    one, two = (run_accounts(series, signals, wanted, keeps_equity=True) for series in (raw, adjusted))
    assert np.allclose(one.equity_usd, two.equity_usd, rtol=1e-9)
