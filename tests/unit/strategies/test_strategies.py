"""Strategies keep their contract, and none of them sees the future."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest

from trading_assets.errors import ConfigurationError, DataQualityError
from trading_assets.sessions import sessions_between
from trading_assets.strategies.contract import (
    Strategy,
    checked_signals,
    parameter_hash,
    strategy_version,
)
from trading_assets.strategies.mean_reversion import MeanReversion
from trading_assets.strategies.momentum import Momentum, MomentumParameters
from trading_assets.strategies.registry import build_strategy

SESSIONS = sessions_between(date(2024, 1, 2), date(2024, 2, 29))


def ranked(*momenta: tuple[str, date, float | None], close: float = 50.0) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "symbol": symbol,
                "session": session,
                "close": close,
                "sma_200": 40.0,
                "momentum_12_1": momentum,
                "dollar_volume_20": 1e8,
            }
            for symbol, session, momentum in momenta
        ],
        schema_overrides={"momentum_12_1": pl.Float64},
    )


def test_momentum_enters_the_best_holds_the_next_and_exits_what_fell_out():
    first, second = SESSIONS[:2]
    strategy = Momentum(MomentumParameters(entry_rank=1, hold_rank_multiple=2))
    features = ranked(
        ("AAA", first, 0.9), ("BBB", first, 0.5), ("CCC", first, 0.1),
        ("AAA", second, 0.2), ("BBB", second, 0.6), ("CCC", second, 0.3),
    )  # fmt: skip
    rows = checked_signals(strategy, features)
    assert rows.select("session", "symbol", "side").rows() == [
        (first, "AAA", "enter_long"),
        (first, "BBB", "hold_long"),
        (second, "AAA", "exit_long"),
        (second, "BBB", "enter_long"),
        (second, "CCC", "hold_long"),
    ]
    assert rows["strength"].to_list() == [1.0, 0.5, 0.0, 1.0, 0.5]
    out = rows.row(2, named=True)
    assert out["reason"] == "was rank 1, now rank 3, past the hold rank"
    assert json.loads(out["inputs"])["previous_rank"] == 1


def test_momentum_needs_an_up_trend_liquidity_a_price_and_a_full_year():
    session = SESSIONS[0]
    good = ranked(("GOOD", session, 0.5))
    bad = pl.concat(
        [
            ranked(("DOWN", session, 0.9)).with_columns(sma_200=pl.lit(60.0)),
            ranked(("THIN", session, 0.9)).with_columns(dollar_volume_20=pl.lit(1e5)),
            ranked(("CENT", session, 0.9), close=0.5).with_columns(sma_200=pl.lit(0.4)),
            ranked(("YOUNG", session, None)),
        ]
    )
    assert checked_signals(Momentum(), pl.concat([good, bad]))["symbol"].to_list() == ["GOOD"]
    assert checked_signals(Momentum(), bad).is_empty()


def test_a_symbol_that_did_not_trade_is_not_sold_for_it():
    first, second = SESSIONS[:2]
    features = ranked(("AAA", first, 0.9), ("BBB", first, 0.5), ("BBB", second, 0.5))
    rows = checked_signals(Momentum(), features)
    assert rows.filter(pl.col("session") == second)["symbol"].to_list() == ["BBB"]


def test_equal_momentum_is_ranked_by_symbol():
    session = SESSIONS[0]
    features = ranked(("ZZZ", session, 0.5), ("AAA", session, 0.5), ("MMM", session, 0.5))
    rows = checked_signals(Momentum(MomentumParameters(entry_rank=1, hold_rank_multiple=1)), features)
    assert rows["symbol"].to_list() == ["AAA"]


def test_versions_name_the_code_and_the_parameters():
    assert strategy_version(Momentum) == strategy_version(Momentum())
    assert strategy_version(Momentum) != strategy_version(MeanReversion)
    assert parameter_hash(MomentumParameters()) == parameter_hash(MomentumParameters(entry_rank=20))
    assert parameter_hash(MomentumParameters()) != parameter_hash(MomentumParameters(entry_rank=21))


@pytest.mark.parametrize(
    ("column", "value"),
    [("side", "short"), ("strength", 1.5), ("reason", None), ("session", date(2030, 1, 2))],
)
def test_output_that_breaks_the_contract_is_refused(column, value):
    class Broken(Momentum):
        def signals(self, features: pl.DataFrame) -> pl.DataFrame:
            rows = super().signals(features)
            return rows.with_columns(pl.lit(value, dtype=rows.schema[column]).alias(column))

    with pytest.raises(DataQualityError, match="break the contract"):
        checked_signals(Broken(), ranked(("AAA", SESSIONS[0], 0.5)))


def test_a_wrong_name_or_parameter_is_named():
    with pytest.raises(
        ConfigurationError, match=r"there are .*ma_crossover, mean_reversion, momentum,.*screen"
    ):
        build_strategy("momentun")
    with pytest.raises(ConfigurationError, match="entry_rank"):
        build_strategy("momentum", {"entry_rank": 0})
    with pytest.raises(ConfigurationError, match="enter_rank"):
        build_strategy("momentum", {"enter_rank": 5})


def test_missing_feature_columns_are_named():
    strategy: Strategy = Momentum()
    with pytest.raises(ConfigurationError, match="sma_200"):
        checked_signals(strategy, ranked(("AAA", SESSIONS[0], 0.5)).drop("sma_200"))
