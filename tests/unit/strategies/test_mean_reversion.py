"""Mean reversion enters after a sharp fall, holds, and leaves when it has worn off or the time is up."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from trading_assets.errors import ConfigurationError
from trading_assets.sessions import sessions_between
from trading_assets.strategies.contract import checked_signals
from trading_assets.strategies.mean_reversion import MeanReversion, MeanReversionParameters
from trading_assets.strategies.registry import build_strategy

DAYS = sessions_between(date(2024, 1, 2), date(2024, 3, 1))


def features(*rsi: float | None, close: float = 50.0, symbol: str = "AAA") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "symbol": symbol,
            "session": DAYS[: len(rsi)],
            "close": close,
            "sma_200": 40.0,
            "rsi_14": rsi,
            "dollar_volume_20": 1e8,
        },
        schema_overrides={"rsi_14": pl.Float64},
    )


def sides(frame: pl.DataFrame, **parameters: object) -> list[tuple[int, str]]:
    rows = checked_signals(MeanReversion(MeanReversionParameters(**parameters)), frame)
    return [(DAYS.index(session), side) for session, side in rows.select("session", "side").iter_rows()]


def test_it_enters_holds_and_leaves_when_the_fall_has_worn_off():
    assert sides(features(50, 29, 35, 50, 56, 60, 40)) == [
        (1, "enter_long"),
        (2, "hold_long"),
        (3, "hold_long"),
        (4, "exit_long"),
    ]


def test_it_leaves_when_the_time_is_up():
    found = sides(features(29, *[40] * 6), max_holding_sessions=3)
    assert found == [(0, "enter_long"), (1, "hold_long"), (2, "hold_long"), (3, "exit_long")]


def test_another_fall_while_it_holds_is_another_entry():
    found = sides(features(29, 40, 28, 40, 40, 40), max_holding_sessions=3)
    assert found == [(0, "enter_long"), (1, "hold_long"), (2, "enter_long"), (3, "hold_long"), (4, "hold_long"), (5, "exit_long")]  # fmt: skip


def test_an_unknown_rsi_is_no_reason_to_leave():
    assert sides(features(29, None, 40)) == [(0, "enter_long"), (1, "hold_long"), (2, "hold_long")]


@pytest.mark.parametrize("close", [4.0, 39.0])
def test_it_does_not_enter_what_is_cheap_or_below_its_average(close):
    assert sides(features(29, 28, close=close)) == []


def test_the_deeper_the_fall_the_stronger_the_signal():
    frame = pl.concat([features(29, symbol="AAA"), features(15, symbol="BBB")])
    rows = checked_signals(MeanReversion(), frame)
    assert rows["symbol"].to_list() == ["AAA", "BBB"]
    assert rows["strength"].to_list() == pytest.approx([1 / 30, 0.5])
    assert rows["reason"][1] == "RSI 15.0, below 30, above its 200-session average"


def test_limits_that_contradict_each_other_are_refused():
    with pytest.raises(ConfigurationError, match="exit_rsi must be above entry_rsi"):
        build_strategy("mean_reversion", {"entry_rsi": 60})
