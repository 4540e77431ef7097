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
SECTORS = {"S0": "Energy", "S1": "Energy", "S2": "Energy", "S3": "Utilities"}

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
        max_gross_frac=st.sampled_from([Decimal("0.2"), Decimal("0.5"), Decimal(1), Decimal(2)]),
        max_order_usd=st.sampled_from([Decimal(10**7), Decimal(50_000), Decimal(900)]),
        max_sector_frac=st.sampled_from([None, Decimal("0.4")]),
        max_new_positions=st.sampled_from([None, 0, 2]),
        max_daily_turnover_frac=st.sampled_from([None, Decimal("0.3")]),
        min_order_usd=st.sampled_from([Decimal(0), Decimal(1000)]),
        no_trade_frac=st.sampled_from([Decimal(0), Decimal("0.05")]),
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
        target_positions(net(wanted), account, Market(close, bars, volume, sector=SECTORS), limits), account
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
            assert value >= limits.min_order_usd
            sector = SECTORS.get(symbol)
            alike = targets.filter(pl.col("symbol").replace_strict(SECTORS, default=None).eq_missing(sector))
            if limits.max_sector_frac is not None:
                worth = (alike["quantity"] * alike["reference_price_usd"]).sum()
                assert worth <= equity * limits.max_sector_frac + Decimal("0.001")
        if symbol in bars:
            assert value <= equity * (limits.max_position_frac + (limits.no_trade_frac if current else 0))
        if symbol in held and rows.get(symbol, ("",))[0] == "exit_long":
            assert quantity == 0
    assert gross <= max(equity * limits.max_gross_frac, stuck)
    assert spent <= max(money, Decimal(0))
    changed = sum(
        abs(row["quantity"] - row["current_quantity"]) * row["reference_price_usd"]
        for row in targets.iter_rows(named=True)
    )
    if spent and limits.max_daily_turnover_frac is not None:
        assert changed <= 2 * equity * limits.max_daily_turnover_frac
    assert limits.max_new_positions is None or opened <= limits.max_new_positions
    assert opened == 0 or targets.filter(pl.col("quantity") > 0).height <= limits.max_positions


OPTIONAL = {
    "max_position_frac": Decimal(1), "max_positions": 1000, "max_gross_frac": Decimal(2), "min_price_usd": Decimal(0),
    "max_volume_frac": Decimal(1), "max_order_usd": Decimal(10**12), "cash_buffer_frac": Decimal(0),
    "max_sector_frac": None, "max_new_positions": None, "max_daily_turnover_frac": None, "min_order_usd": Decimal(0),
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    signal_rows, holdings, prices, volumes, cash, traded, policies, volatilities, st.sets(st.sampled_from(sorted(OPTIONAL)))
)  # fmt: skip
def test_removing_limits_never_makes_the_first_decision_stricter(
    rows, held, close, volume, money, bars, policy, calm, removed
):
    # what the strongest entry no longer leaves over may be missing to those after it: the first is the one to compare
    entries = [(-strength, symbol) for symbol, (side, strength) in rows.items() if side == "enter_long"]
    first = min(((rank, name) for rank, name in entries if name not in held), default=None)
    if first is None:
        return
    sizing, limits = policy
    looser = (sizing, limits.model_copy(update={name: OPTIONAL[name] for name in removed}))
    strict = decide(rows, held, close, volume, money, bars, policy, calm)[1]
    loose = decide(rows, held, close, volume, money, bars, looser, calm)[1]
    quantity = [table.filter(symbol=first[1])["quantity"].item() for table in (strict, loose)]
    if sum(held.values()) == 0 or not removed & {"max_position_frac", "max_gross_frac"}:
        assert quantity[1] >= quantity[0]


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
