"""Strategies keep their contract, and none of them sees the future."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from trading_assets.errors import ConfigurationError, DataQualityError
from trading_assets.sessions import sessions_between
from trading_assets.strategies.contract import (
    SIGNAL_SCHEMA,
    Strategy,
    StrategyParameters,
    checked_signals,
    parameter_hash,
    strategy_version,
)
from trading_assets.strategies.lookahead import look_ahead
from trading_assets.strategies.momentum import Momentum, MomentumParameters
from trading_assets.strategies.registry import STRATEGIES, build_strategy
from trading_assets.tables.features import DAILY_FEATURES

SESSIONS = sessions_between(date(2024, 1, 2), date(2024, 2, 29))


def features_of_a_drifting_market(symbols: int = 60) -> pl.DataFrame:
    """Random walks of every feature: ranks change from session to session, some values are missing."""
    random = np.random.default_rng(11)
    rows = symbols * len(SESSIONS)
    steps = random.normal(0, 0.05, (symbols, len(SESSIONS))).cumsum(axis=1)
    columns = {
        "symbol": np.repeat([f"S{number:03d}" for number in range(symbols)], len(SESSIONS)),
        "session": SESSIONS * symbols,
    }
    for name in DAILY_FEATURES.columns:
        if name not in columns:
            columns[name] = random.lognormal(3, 0.3, rows)
    columns["momentum_12_1"] = (random.normal(0, 0.3, (symbols, 1)) + steps).ravel()
    columns["dollar_volume_20"] = random.lognormal(16.5, 0.5, rows)
    frame = pl.DataFrame(columns).with_columns(
        momentum_12_1=pl.when(pl.int_range(pl.len()) % 37 == 0).then(None).otherwise(pl.col("momentum_12_1"))
    )
    return frame.filter(pl.int_range(pl.len()) % 41 != 0)  # some symbols did not trade


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


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_no_registered_strategy_sees_the_future(name):
    needed = {"screen": {"entry": "RSI below 25", "exit": "RSI above 30", "max_holding_sessions": 5}}
    assert look_ahead(build_strategy(name, needed.get(name)), features_of_a_drifting_market()) == []


def buys(features: pl.DataFrame) -> pl.DataFrame:
    words = {"side": "enter_long", "strength": 1.0, "reason": "I know", "inputs": "{}"}
    columns = [pl.lit(value).alias(name) for name, value in words.items()]
    return features.select("symbol", "session", *columns).cast(SIGNAL_SCHEMA)


@dataclass(frozen=True)
class Clairvoyant:
    """Buys what will rise: the strategy that the check exists for."""

    name: ClassVar[str] = "clairvoyant"
    feature_columns: ClassVar[tuple[str, ...]] = ("close",)
    lookback_sessions: ClassVar[int] = 0
    parameters: StrategyParameters = field(default_factory=MomentumParameters)

    def signals(self, features: pl.DataFrame) -> pl.DataFrame:
        tomorrow = pl.col("close").shift(-1).over("symbol", order_by="session")
        return buys(features.filter(tomorrow > pl.col("close")))


class Forgetful(Clairvoyant):
    """Needs yesterday's close and does not say so."""

    def signals(self, features: pl.DataFrame) -> pl.DataFrame:
        yesterday = pl.col("close").shift(1).over("symbol", order_by="session")
        return buys(features.filter(pl.col("close") > yesterday))


def test_the_check_catches_a_strategy_that_looks_ahead():
    found = look_ahead(Clairvoyant(), features_of_a_drifting_market())
    assert {"future removed", "future corrupted"} <= {finding.how for finding in found}


def test_the_check_catches_a_strategy_that_needs_more_history_than_it_declares():
    found = look_ahead(Forgetful(), features_of_a_drifting_market())
    assert {finding.how for finding in found} == {"only 0 earlier sessions given"}


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
    assert strategy_version(Momentum) != strategy_version(Clairvoyant)
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
    with pytest.raises(ConfigurationError, match="there are ma_crossover, mean_reversion, momentum, screen"):
        build_strategy("momentun")
    with pytest.raises(ConfigurationError, match="entry_rank"):
        build_strategy("momentum", {"entry_rank": 0})
    with pytest.raises(ConfigurationError, match="enter_rank"):
        build_strategy("momentum", {"enter_rank": 5})


def test_missing_feature_columns_are_named():
    strategy: Strategy = Momentum()
    with pytest.raises(ConfigurationError, match="sma_200"):
        checked_signals(strategy, ranked(("AAA", SESSIONS[0], 0.5)).drop("sma_200"))
