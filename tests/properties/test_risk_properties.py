"""Whatever the signals, books and prices: limits hold after the decision, and the decision is repeatable."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.portfolio.netting import net
from trading_assets.portfolio.sizing import FixedFractional, InverseVolatility, VolatilityTarget
from trading_assets.portfolio.wishes import Mandate, Shown, View, wishes
from trading_assets.risk.limits import RiskLimits
from trading_assets.risk.targets import Book, Market, target_positions, target_rows

SYMBOLS = [f"S{number}" for number in range(8)]

# generous prices, volumes and cash, so that most decisions are made by a limit and not by missing data
fractions = st.sampled_from([Decimal("0.05"), Decimal("0.1"), Decimal("0.3"), Decimal(1)])
bounds = {"min_frac": st.sampled_from([Decimal(0), Decimal("0.02")]), "max_frac": fractions}
sizings = st.one_of(
    st.builds(FixedFractional, position_frac=fractions),
    st.builds(
        VolatilityTarget, kind=st.just("volatility_target"), risk_frac=st.just(Decimal("0.02")), **bounds
    ),
    st.builds(InverseVolatility, kind=st.just("inverse_volatility"), **bounds),
)
policies = st.tuples(
    sizings,
    st.builds(
        RiskLimits,
        max_position_frac=fractions,
        max_positions=st.integers(1, 6),
        max_gross_frac=st.sampled_from([Decimal("0.2"), Decimal("0.5"), Decimal(1), Decimal(3)]),
        max_order_usd=st.sampled_from([Decimal(10**7), Decimal(50_000), Decimal(900)]),
    ),
)
signal_rows = st.dictionaries(
    st.sampled_from(SYMBOLS),
    st.tuples(
        st.sampled_from(["enter_long", "enter_long", "enter_long", "enter_long", "hold_long", "exit_long"]),
        st.sampled_from([0.0, 0.5, 1.0]),
    ),
    min_size=5,
)
holdings = st.dictionaries(
    st.sampled_from(SYMBOLS),
    st.one_of(st.integers(100, 30_000).map(Decimal), st.just(Decimal("0.000000001"))),
    max_size=4,
)
prices = st.fixed_dictionaries(
    dict.fromkeys(SYMBOLS, st.sampled_from([7.77, 20.0, 50.0, 333.33, 4000.0, 3.0]))
)
volumes = st.dictionaries(st.sampled_from(SYMBOLS), st.sampled_from([0.0, 1e5]), max_size=1).map(
    lambda thin: {symbol: thin.get(symbol, 1e9) for symbol in SYMBOLS}
)
volatilities = st.dictionaries(st.sampled_from(SYMBOLS), st.sampled_from([0.08, 0.4, 1.7, 0.0]), min_size=6)
cash = st.sampled_from(
    [*map(Decimal, (1_000_000, 500_000, 300_000, 70_000)), Decimal("30000.55"), Decimal(-10_000)]
)
traded = st.sets(st.sampled_from(SYMBOLS), max_size=1).map(lambda missing: frozenset(SYMBOLS) - missing)


def decide(rows, held, close, volume, money, bars, policy, calm):
    value = sum((held[s] * Decimal(repr(close[s])) for s in held), Decimal(0))
    views = {symbol: View(side, strength, "why") for symbol, (side, strength) in rows.items()}
    account = Book(held, value + money, money)
    sizing, limits = policy
    mandate = Mandate("s", sizing=sizing)
    wanted = wishes(mandate, views, held, equity_usd=account.equity_usd, shown=Shown(bars, close, calm))
    targets = target_rows(
        target_positions(net(wanted), account, Market(close, bars, volume), limits), account
    )
    return account, targets


@settings(max_examples=250, deadline=None)
@given(signal_rows, holdings, prices, volumes, cash, traded, policies, volatilities)
def test_decisions_respect_every_limit(rows, held, close, volume, money, bars, policy, calm):
    account, targets = decide(rows, held, close, volume, money, bars, policy, calm)
    limits, equity = policy[1], max(account.equity_usd, Decimal(0))
    assert targets["symbol"].to_list() == sorted({*rows, *held})

    gross = stuck = spent = Decimal(0)
    opened = 0
    for row in targets.iter_rows(named=True):
        symbol, quantity, current = row["symbol"], row["quantity"], row["current_quantity"]
        value = quantity * row["reference_price_usd"]
        gross += value
        stuck += value if symbol not in bars else 0
        opened += quantity > 0 and current == 0
        assert quantity >= 0
        assert (row["outcome"] == "trade") == (quantity != current)
        assert row["rule"] is not None or row["outcome"] != "blocked"
        if quantity > current:
            assert rows[symbol][0] == "enter_long"
            assert symbol in bars
            assert current == 0
            assert quantity == quantity.to_integral_value()
            assert row["reference_price_usd"] >= limits.min_price_usd
            assert value <= limits.max_order_usd
            assert calm.get(symbol, 0) > 0 or not policy[0].needs_volatility
            assert value <= equity * getattr(policy[0], "max_frac", Decimal(1))
            assert value <= Decimal(repr(volume[symbol])) * limits.max_volume_frac + Decimal("0.000001")
            spent += value
        if symbol in bars:
            assert value <= equity * limits.max_position_frac
        if symbol in held and rows.get(symbol, ("",))[0] == "exit_long":
            assert quantity == 0
    assert gross <= max(equity * limits.max_gross_frac, stuck)
    assert spent <= max(money, Decimal(0))
    assert opened == 0 or targets.filter(pl.col("quantity") > 0).height <= limits.max_positions


@settings(max_examples=150, deadline=None)
@given(
    signal_rows,
    holdings,
    prices,
    volumes,
    cash,
    traded,
    policies,
    volatilities,
    st.randoms(use_true_random=False),
)
def test_the_order_of_signals_and_holdings_does_not_matter(
    rows, held, close, volume, money, bars, policy, calm, random
):
    def shuffled(mapping):
        return dict(random.sample(list(mapping.items()), len(mapping)))

    _, first = decide(rows, held, close, volume, money, bars, policy, calm)
    _, second = decide(shuffled(rows), shuffled(held), shuffled(close), volume, money, bars, policy, calm)
    assert first.equals(second)
