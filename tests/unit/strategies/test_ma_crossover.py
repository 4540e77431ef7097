"""The crossover enters on a cross above, holds while not below, exits on a cross below, and ties are on neither side."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest

from trading_assets.errors import ConfigurationError
from trading_assets.sessions import sessions_between
from trading_assets.strategies.contract import checked_signals
from trading_assets.strategies.registry import build_strategy

DAYS = sessions_between(date(2024, 1, 2), date(2024, 1, 31))


def features(
    *fast: float | None, symbol: str = "AAA", close: float = 50.0, volume: float = 1e8
) -> pl.DataFrame:
    """A row a session: the fast average against a slow one of 100; None is a session without a bar."""
    rows = [
        {"symbol": symbol, "session": day, "close": close, "dollar_volume_20": volume, "sma_20": value, "sma_50": 100.0}
        for day, value in zip(DAYS, fast, strict=False)
        if value is not None
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"sma_20": pl.Float64})


def sides(frame: pl.DataFrame, **parameters: object) -> list[str]:
    """The side of each session, `-` for none."""
    said = checked_signals(build_strategy("ma_crossover", parameters), frame)
    found = dict(said.select("session", "side").iter_rows())
    return [found.get(day, "-").removesuffix("_long") for day in DAYS[: frame["session"].n_unique()]]


@pytest.mark.parametrize(
    ("fast", "expected"),
    [
        ((99, 101, 102, 99, 98), ["-", "enter", "hold", "exit", "-"]),
        ((101, 102), ["hold", "hold"]),  # whether it crossed before is not known: nothing is bought
        ((99, 100, 101), ["-", "hold", "enter"]),  # over a tie: when it is above
        ((99, 100, 99), ["-", "hold", "exit"]),
        ((101, 100, 100, 101, 99), ["hold", "hold", "hold", "enter", "exit"]),
        ((99, 100 + 1e-9, 100 - 1e-9, 99), ["-", "hold", "hold", "exit"]),  # rounding crosses nothing
    ],
)
def test_the_side_of_each_session(fast, expected):
    assert sides(features(*fast)) == expected


def test_a_session_without_a_bar_hides_the_cross_and_what_is_below_is_not_named():
    frame = pl.concat([features(101, None, 99, 101), features(1, 1, 1, 1, symbol="BBB")])
    said = checked_signals(build_strategy("ma_crossover"), frame)
    assert said.select("session", "side").rows() == [(DAYS[0], "hold_long"), (DAYS[3], "enter_long")]


@pytest.mark.parametrize("lack", [{"close": 4.0}, {"volume": 1e5}])
def test_what_is_too_cheap_or_thin_is_not_entered_and_what_is_held_stays(lack):
    assert sides(features(99, 101, 102, 99, **lack)) == ["-", "hold", "hold", "exit"]


def test_the_averages_are_parameters_and_columns_that_are_read():
    strategy = build_strategy("ma_crossover", {"fast": "ema_12", "slow": "sma_200"})
    assert set(strategy.feature_columns) == {"close", "dollar_volume_20", "ema_12", "sma_200"}
    frame = features(99, 101).rename({"sma_20": "ema_12", "sma_50": "sma_200"})
    (row,) = checked_signals(strategy, frame).to_dicts()
    assert row["reason"] == "ema_12 crossed above sma_200 (1.0 %)"
    assert row["strength"] == pytest.approx(0.01)
    assert json.loads(row["inputs"])["ema_12_before"] == 99


@pytest.mark.parametrize(
    ("fast", "slow"), [("sma_50", "sma_20"), ("sma_50", "ema_50"), ("sma_20", "sma_20"), ("sma_10", "sma_20")]
)
def test_averages_in_the_wrong_order_or_not_stored_are_refused(fast, slow):
    with pytest.raises(ConfigurationError, match="fast"):
        build_strategy("ma_crossover", {"fast": fast, "slow": slow})
