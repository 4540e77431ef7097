"""Each way to size positions gives what its formula says, within its bounds."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.portfolio.sizing import Capital, FixedFractional, InverseVolatility, VolatilityTarget
from trading_assets.portfolio.wishes import Mandate, Shown, View, wishes

CAPITAL = Capital(Decimal(100_000), Decimal(60_000))
CALM_AND_WILD = {"CALM": 0.1, "MID": 0.2, "WILD": 0.4}


def test_a_fixed_fraction_is_the_same_for_all():
    sizes = FixedFractional(position_frac=Decimal("0.04")).notionals_usd(["A", "B"], CAPITAL, {})
    assert sizes == {"A": 4000, "B": 4000}


def test_a_volatility_target_gives_every_position_the_same_risk_within_its_bounds():
    sizing = VolatilityTarget(
        kind="volatility_target", risk_frac="0.01", min_frac="0.03", max_frac=Decimal("0.08")
    )
    assert sizing.notionals_usd(["CALM", "MID", "WILD"], CAPITAL, CALM_AND_WILD) == {
        "CALM": 8000,  # 10,000 without the bound
        "MID": 5000,
        "WILD": 3000,  # 2,500 without the bound
    }


def test_inverse_volatility_shares_the_free_capital():
    sizing = InverseVolatility(kind="inverse_volatility", invested_frac=Decimal("0.75"), max_frac=Decimal(1))
    sizes = sizing.notionals_usd(["CALM", "MID", "WILD"], CAPITAL, CALM_AND_WILD)
    assert sizes == {"CALM": 20_000, "MID": 10_000, "WILD": 5_000}  # of 60,000 - 25,000
    assert sizing.notionals_usd(["CALM"], Capital(Decimal(100_000), Decimal(9)), CALM_AND_WILD) == {"CALM": 0}


def test_the_weakest_is_left_out_while_a_position_would_be_too_small():
    sizing = InverseVolatility(kind="inverse_volatility", invested_frac=1, min_frac="0.2", max_frac=1)
    assert sizing.notionals_usd(["CALM", "MID", "WILD"], CAPITAL, CALM_AND_WILD) == {
        "CALM": pytest.approx(Decimal(40_000)),
        "MID": pytest.approx(Decimal(20_000)),
    }
    views = {name: View("enter_long", 1 - risk, "why") for name, risk in CALM_AND_WILD.items()}
    mandate = Mandate("s", sizing=sizing)
    shown = Shown(set(views), volatility=CALM_AND_WILD)
    found = wishes(mandate, views, {}, equity_usd=Decimal(100_000), shown=shown)
    assert [wish.rule for wish in found] == [None, None, "min_position"]
    assert "no capital of s is left" in found[-1].reason


@pytest.mark.parametrize("volatility", [{}, {"A": 0.0}, {"A": float("nan")}])
def test_a_symbol_without_volatility_is_refused_by_a_named_rule(volatility):
    mandate = Mandate("s", sizing=VolatilityTarget(kind="volatility_target"), max_positions=1)
    views = {"A": View("enter_long", 0.9, "why"), "B": View("enter_long", 0.1, "why")}
    shown = Shown({"A", "B"}, volatility={"B": 0.2, **volatility})
    first, second = wishes(mandate, views, {}, equity_usd=Decimal(1000), shown=shown)
    assert (first.rule, first.is_refused, first.enters) == ("volatility_unknown", True, False)
    assert (second.rule, second.notional_usd) == (None, 50), "it takes no place"


@given(
    st.dictionaries(st.sampled_from("ABCDEFGH"), st.floats(0.01, 5)),
    st.decimals(0, 10**7, places=2),
    st.decimals(-(10**6), 10**7, places=2),
    st.sampled_from([Decimal(0), Decimal("0.05"), Decimal("0.3")]),
    st.sampled_from([Decimal("0.3"), Decimal(1)]),
)
def test_shared_capital_is_never_more_than_is_free(volatility, equity, free, least, most):
    sizing = InverseVolatility(kind="inverse_volatility", invested_frac=1, min_frac=least, max_frac=most)
    sizes = sizing.notionals_usd(sorted(volatility), Capital(equity, free), volatility)
    assert sum(sizes.values()) <= max(free, Decimal(0)) + Decimal("0.000001")
    assert all(equity * least <= size <= equity * most for size in sizes.values())
