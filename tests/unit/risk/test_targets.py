"""Every symbol with a signal or a holding gets a decision, and the rule that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest

from trading_assets.errors import DataQualityError
from trading_assets.portfolio.netting import net
from trading_assets.portfolio.sizing import FixedFractional
from trading_assets.portfolio.wishes import Mandate, Shown, View, wishes
from trading_assets.risk.limits import RiskLimits
from trading_assets.risk.targets import TARGET_SCHEMA, Book, Market, target_positions, target_rows

POLICY = RiskLimits(max_position_frac=Decimal("0.2"), max_gross_frac=Decimal("0.9"), max_positions=3)
SIZING = FixedFractional(position_frac=Decimal("0.1"))


def of_one_strategy(
    views: pl.DataFrame, account: Book, seen: Market, sizing: FixedFractional = SIZING, **limits: RiskLimits
) -> pl.DataFrame:
    signals = {symbol: View(*rest) for symbol, *rest in views.iter_rows()}
    mandate = Mandate("momentum", sizing=sizing)
    wanted = wishes(
        mandate,
        signals,
        account.quantities,
        equity_usd=account.equity_usd,
        shown=Shown(seen.traded, seen.last_close, seen.volatility, seen.begun_anew),
    )
    return target_rows(target_positions(net(wanted), account, seen, **limits), account)


def signals(**sides: str | tuple[str, float]) -> pl.DataFrame:
    rows = [
        (symbol, *((side, 0.5) if isinstance(side, str) else side), "why") for symbol, side in sides.items()
    ]
    schema = {"symbol": pl.String, "side": pl.String, "strength": pl.Float64, "reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def book(cash: int = 100_000, equity: int = 100_000, **quantities: int) -> Book:
    return Book(
        {symbol: Decimal(held) for symbol, held in quantities.items()}, Decimal(equity), Decimal(cash)
    )


def market(closes: Mapping[str, float], untraded: str = "", volume: float = 1e9) -> Market:
    return Market(closes, frozenset(closes) - set(untraded.split()), dict.fromkeys(closes, volume))


def decide(views: pl.DataFrame, account: Book, seen: Market, policy: RiskLimits = POLICY) -> dict[str, tuple]:
    rows = of_one_strategy(views, account, seen, limits=policy)
    assert rows.schema == TARGET_SCHEMA
    return {
        row["symbol"]: (int(row["quantity"]), row["outcome"], row["rule"])
        for row in rows.iter_rows(named=True)
    }


def with_limits(**limits: object) -> RiskLimits:
    return POLICY.model_copy(update=limits)


def test_an_entry_buys_the_fraction_in_whole_shares():
    assert decide(signals(AAA="enter_long"), book(), market({"AAA": 300.0})) == {"AAA": (33, "trade", None)}


def test_a_holding_is_kept_while_the_strategy_keeps_it_and_sold_when_not():
    views = signals(AAA="enter_long", BBB="hold_long", CCC="exit_long")
    decisions = decide(
        views, book(AAA=10, BBB=20, CCC=30, DDD=40), market(dict.fromkeys(["AAA", "BBB", "CCC", "DDD"], 50.0))
    )
    assert decisions == {
        "AAA": (10, "hold", None),
        "BBB": (20, "hold", None),
        "CCC": (0, "trade", None),
        "DDD": (0, "trade", "signal_gone"),
    }


def test_signals_without_a_position_to_hold_or_exit_are_recorded():
    decisions = decide(signals(AAA="hold_long", BBB="exit_long"), book(), market({"AAA": 50.0, "BBB": 50.0}))
    assert decisions == {"AAA": (0, "hold", "not_held"), "BBB": (0, "hold", "not_held")}


def test_missing_data_sells_nothing():
    closes = {"AAA": 50.0, "BBB": 50.0}
    assert decide(signals(AAA="hold_long"), book(AAA=1, BBB=1), market(closes, untraded="BBB"))["BBB"] == (
        1,
        "hold",
        "no_bar",
    )
    assert decide(signals(), book(AAA=1), market(closes)) == {"AAA": (1, "hold", "no_signals")}
    # back after a month without a bar: its features are not there yet
    anew = replace(market(closes), begun_anew=frozenset({"BBB"}))
    assert decide(signals(AAA="hold_long"), book(AAA=1, BBB=1), anew)["BBB"] == (1, "hold", "begun_anew")
    assert decide(signals(BBB="exit_long"), book(BBB=1), anew)["BBB"] == (0, "trade", None)


def test_an_exit_is_allowed_without_a_bar_and_while_new_risk_is_blocked():
    seen = replace(market({"AAA": 50.0, "BBB": 50.0}, untraded="AAA"), new_risk_blocked="completeness failed")
    decisions = decide(signals(AAA="exit_long", BBB="enter_long"), book(AAA=5), seen)
    assert decisions == {"AAA": (0, "trade", None), "BBB": (0, "blocked", "new_risk_blocked")}


@pytest.mark.parametrize(
    ("rule", "account", "seen", "policy"),
    [
        ("no_bar", book(), market({"AAA": 50.0}, untraded="AAA"), POLICY),
        ("no_bar", book(), market({}), POLICY),
        ("restricted", book(), replace(market({"AAA": 50.0}), restricted={"AAA": "foreign order"}), POLICY),
        ("min_price", book(), market({"AAA": 4.99}), POLICY),
        ("liquidity_unknown", book(), replace(market({"AAA": 50.0}), dollar_volume={}), POLICY),
        ("liquidity", book(), market({"AAA": 50.0}, volume=100.0), POLICY),
        ("no_equity", book(equity=0), market({"AAA": 50.0}), POLICY),
        ("buying_power", book(cash=2_000), market({"AAA": 50.0}), POLICY),
        ("position_size", book(), market({"AAA": 12_000.0}), POLICY),
        ("max_order", book(), market({"AAA": 50.0}), with_limits(max_order_usd=Decimal(40))),
        ("max_positions", book(B1=1, B2=1, B3=1), market(dict.fromkeys(["AAA", "B1", "B2", "B3"], 50.0)), POLICY),
        ("max_gross", book(B1=1800, equity=100_000), market({"AAA": 50.0, "B1": 50.0}), with_limits(max_position_frac=Decimal(1))),
    ],
)  # fmt: skip
def test_each_rule_blocks_an_entry_and_is_named(rule, account, seen, policy):
    views = signals(AAA="enter_long", **dict.fromkeys(account.quantities, "hold_long"))
    assert decide(views, account, seen, policy)["AAA"] == (0, "blocked", rule)


SECTORS = {"AAA": "Energy", "BBB": "Energy", "CCC": "Utilities"}


def of_three(policy: RiskLimits, account: Book | None = None, **sides: str) -> dict[str, tuple]:
    closes = dict.fromkeys(["AAA", "BBB", "CCC", "DDD", "EEE"], 50.0)
    seen = replace(market(closes), sector=SECTORS)
    given = sides or {"AAA": ("enter_long", 0.9), "BBB": ("enter_long", 0.8), "CCC": ("enter_long", 0.7)}
    return decide(signals(**given), account or book(), seen, policy)


def test_a_sector_takes_no_more_than_its_part_and_unknown_ones_are_a_sector_together():
    policy = with_limits(max_sector_frac=Decimal("0.15"), max_positions=9)
    assert of_three(policy) == {
        "AAA": (200, "trade", None),
        "BBB": (100, "trade", "max_sector"),
        "CCC": (200, "trade", None),
    }
    assert of_three(policy, DDD=("enter_long", 0.9), EEE=("enter_long", 0.8))["EEE"] == (
        100,
        "trade",
        "max_sector",
    )
    held = of_three(policy, book(AAA=300), AAA="hold_long", BBB="enter_long")
    assert held == {"AAA": (300, "hold", None), "BBB": (0, "blocked", "max_sector")}


def test_a_session_opens_so_many_positions_at_most():
    assert [item[2] for item in of_three(with_limits(max_new_positions=1)).values()] == [
        None,
        "max_new_positions",
        "max_new_positions",
    ]
    assert of_three(with_limits(max_new_positions=0))["AAA"] == (0, "blocked", "max_new_positions")


def test_purchases_stop_at_the_turnover_of_a_session_and_exits_do_not():
    policy = with_limits(max_daily_turnover_frac=Decimal("0.08"))
    assert of_three(policy) == {
        "AAA": (200, "trade", None),
        "BBB": (120, "trade", "max_turnover"),
        "CCC": (0, "blocked", "max_turnover"),
    }
    sold = of_three(policy, book(CCC=400), AAA="enter_long", CCC="exit_long")
    assert sold == {"AAA": (0, "blocked", "max_turnover"), "CCC": (0, "trade", None)}


def test_small_purchases_are_not_made():
    policy = with_limits(min_order_usd=Decimal(9_000), max_order_usd=Decimal(8_000))
    assert of_three(policy)["AAA"] == (0, "blocked", "min_order")
    assert of_three(with_limits(min_order_usd=Decimal(10_000)))["AAA"] == (200, "trade", None)


def test_a_position_is_cut_only_beyond_the_band():
    policy = with_limits(no_trade_frac=Decimal("0.05"))
    assert of_three(policy, book(AAA=500), AAA="hold_long")["AAA"] == (500, "hold", None)
    assert of_three(policy, book(AAA=501), AAA="hold_long")["AAA"] == (400, "trade", "max_position")


def test_no_plan_allows_more_than_twice_the_equity():
    assert RiskLimits(max_gross_frac=Decimal(2)).max_gross_frac == 2
    with pytest.raises(ValueError, match="less than or equal to 2"):
        RiskLimits(max_gross_frac=Decimal("2.01"))


def test_limits_cut_an_entry_before_they_block_it():
    seen = market({"AAA": 50.0}, volume=200_000.0)
    rows = of_one_strategy(signals(AAA="enter_long"), book(), seen, limits=POLICY)
    assert rows.select("quantity", "outcome", "rule").row(0) == (Decimal(40), "trade", "liquidity")
    assert rows["reason"][0] == "cut to 1 % of the mean dollar volume; why"


def test_the_strongest_get_the_cash_and_ties_go_by_symbol():
    views = signals(AAA=("enter_long", 0.5), BBB=("enter_long", 0.9), CCC=("enter_long", 0.5))
    decisions = decide(views, book(cash=22_000), market(dict.fromkeys(["AAA", "BBB", "CCC"], 50.0)))
    assert decisions == {
        "AAA": (200, "trade", None),
        "BBB": (200, "trade", None),
        "CCC": (0, "blocked", "buying_power"),
    }


def test_proceeds_of_exits_are_not_spent_in_the_same_session():
    decisions = decide(
        signals(AAA="exit_long", BBB="enter_long"), book(cash=0, AAA=500), market({"AAA": 50.0, "BBB": 50.0})
    )
    assert decisions["BBB"] == (0, "blocked", "buying_power")


def test_a_position_that_outgrew_its_limit_is_cut_and_the_weakest_go_first_for_the_gross_limit():
    assert decide(signals(AAA="hold_long"), book(AAA=500), market({"AAA": 50.0})) == {
        "AAA": (400, "trade", "max_position")
    }
    views = signals(AAA=("hold_long", 0.9), BBB=("hold_long", 0.1))
    loose = with_limits(max_position_frac=Decimal(1))
    assert decide(views, book(AAA=1000, BBB=1000), market({"AAA": 50.0, "BBB": 50.0}), loose) == {
        "AAA": (1000, "hold", None),
        "BBB": (800, "trade", "max_gross"),
    }


def test_a_held_symbol_without_any_price_is_an_error_that_names_it():
    with pytest.raises(DataQualityError, match="AAA"):
        decide(signals(), book(AAA=1), market({}))


def test_nothing_is_planned_in_a_frozen_symbol_neither_exit_nor_cut_nor_entry():
    views = signals(AAA="exit_long", BBB="hold_long", CCC="enter_long")
    closes = market({"AAA": 100.0, "BBB": 100.0, "CCC": 100.0})
    frozen = dict.fromkeys(("AAA", "BBB", "CCC"), ("split_ahead", "it splits"))
    decisions = decide(views, book(AAA=10, BBB=900), replace(closes, frozen=frozen))
    assert decisions == {
        "AAA": (10, "hold", "split_ahead"),
        "BBB": (900, "hold", "split_ahead"),
        "CCC": (0, "blocked", "split_ahead"),
    }
