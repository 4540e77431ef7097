"""Strategies that cheat, each in a way that flatters a backtest; what they buy is beside the point."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import polars as pl

from trading_assets.strategies.contract import SIGNAL_SCHEMA, StrategyParameters


def buys(rows: pl.DataFrame, **changed: object) -> pl.DataFrame:
    """Buy every row."""
    words = {"side": "enter_long", "strength": 0.5, "reason": "I know", "inputs": "{}"} | changed
    return rows.select(
        "symbol", "session", *(pl.lit(value).alias(name) for name, value in words.items())
    ).cast(SIGNAL_SCHEMA)


def of_symbol(expression: pl.Expr) -> pl.Expr:
    return expression.over("symbol", order_by="session")


@dataclass(frozen=True)
class Honest:
    """Buys what closed above the day before."""

    name: ClassVar[str] = "honest"
    feature_columns: ClassVar[tuple[str, ...]] = ("close",)
    lookback_sessions: ClassVar[int] = 1
    parameters: StrategyParameters = field(default_factory=StrategyParameters)

    def signals(self, features: pl.DataFrame) -> pl.DataFrame:
        days = features.select("symbol", "close", order=pl.col("session").rank("dense") + 1)
        rows = features.with_columns(order=pl.col("session").rank("dense"))
        both = rows.join(days, on=["symbol", "order"], how="inner", suffix="_before")
        return buys(both.filter(pl.col("close") > pl.col("close_before")))


class FutureShift(Honest):
    """Buys what closes higher tomorrow."""

    def signals(self, features):
        return buys(features.filter(of_symbol(pl.col("close").shift(-1)) > pl.col("close")))


class WholeSample(Honest):
    """Buys what is cheap against the mean of all sessions given, later ones included."""

    def signals(self, features):
        score = (pl.col("close") - pl.col("close").mean().over("symbol")) / pl.col("close").std().over(
            "symbol"
        )
        return buys(features.filter(score < -1))


class CentredWindow(Honest):
    """Buys what is below a smoothed price whose window reaches into the future."""

    lookback_sessions: ClassVar[int] = 5

    def signals(self, features):
        return buys(
            features.filter(pl.col("close") < of_symbol(pl.col("close").rolling_mean(5, center=True)))
        )


class Survivors(Honest):
    """Buys only what is still there in the end."""

    def signals(self, features):
        alive = features.filter(pl.col("session") == pl.col("session").max())["symbol"]
        return Honest.signals(self, features.filter(pl.col("symbol").is_in(alive.implode())))


class EverListed(Honest):
    """Buys the less, the more symbols there ever were."""

    def signals(self, features):
        return buys(features.filter(pl.col("close") > 3 * features["symbol"].n_unique()))


class NewestRatio(Honest):
    """Judges the past by the newest report, as a table of restated figures does."""

    feature_columns: ClassVar[tuple[str, ...]] = ("pe",)

    def signals(self, features):
        return buys(features.filter(of_symbol(pl.col("pe").drop_nulls().last()) < 15))


class FilledBackward(Honest):
    """Knows a report before it was published."""

    feature_columns: ClassVar[tuple[str, ...]] = ("pe",)
    lookback_sessions: ClassVar[int] = 0

    def signals(self, features):
        return buys(features.filter(of_symbol(pl.col("pe").fill_null(strategy="backward")) < 15))


class BackAdjusted(Honest):
    """Compares a price in the scale of the newest session with a number: a split that is to come makes it cheap."""

    feature_columns: ClassVar[tuple[str, ...]] = ("close", "price_factor")
    lookback_sessions: ClassVar[int] = 0

    def signals(self, features):
        adjusted = pl.col("close") * of_symbol(pl.col("price_factor").last()) / pl.col("price_factor")
        return buys(features.filter(adjusted < 60))


class TieNoise(Honest):
    """Ranks what is equal by where it stands in the table."""

    lookback_sessions: ClassVar[int] = 0

    def signals(self, features):
        place = (pl.col("close") / 20).round(0).rank("ordinal").over("session")
        return buys(features.filter(place <= 10))


class Remembers(Honest):
    """Buys every symbol once in its life."""

    def __init__(self, parameters: StrategyParameters) -> None:
        object.__setattr__(self, "parameters", parameters)
        object.__setattr__(self, "bought", set())

    def signals(self, features):
        rows = Honest.signals(self, features)
        new = rows.filter(~pl.col("symbol").is_in(list(self.bought)))
        self.bought.update(rows["symbol"])
        return new


class RemembersInItsClass(Honest):
    """Keeps what it knows where every instance finds it."""

    calls: ClassVar[list[int]] = []

    def signals(self, features):
        self.calls.append(1)
        return buys(features.filter(pl.col("close") > 60 + len(self.calls) % 7))


class WaitsADay(Honest):
    """Says nothing of a session if it was asked of the one before: silent live, loud in a backtest."""

    def __init__(self, parameters: StrategyParameters) -> None:
        object.__setattr__(self, "parameters", parameters)
        object.__setattr__(self, "asked", [])

    def signals(self, features):
        days = features["session"].unique().sort().to_list()
        is_next = self.asked[-1:] == days[-2:-1]
        self.asked.extend(days[-1:])
        return buys(features.clear()) if is_next else Honest.signals(self, features)


class CountsRows(Honest):
    """Behaves when it is given little, as live."""

    def signals(self, features):
        return Honest.signals(
            self, features if features.height < 1000 else features.filter(pl.col("close") > 60)
        )


class SinceTheBeginning(Honest):
    """Averages everything since the first session given, and declares five of them."""

    lookback_sessions: ClassVar[int] = 5

    def signals(self, features):
        number = of_symbol(pl.int_range(1, pl.len() + 1))
        return buys(features.filter(pl.col("close") < of_symbol(pl.col("close").cum_sum()) / number))


class Forgetful(Honest):
    """Needs the session before and does not say so."""

    lookback_sessions: ClassVar[int] = 0


class FirstSession(Honest):
    """Buys in the first session that it is given."""

    lookback_sessions: ClassVar[int] = 0

    def signals(self, features):
        return buys(features.filter(pl.col("session") == pl.col("session").min()))


class NeedsCompany(Honest):
    """Breaks when there are few sessions."""

    def signals(self, features):
        days = features["session"].unique().sort()
        if 0 < len(days) < 5:
            raise IndexError("less than five sessions")
        return Honest.signals(self, features)


class SeededNoise(Honest):
    """Draws the same numbers each time, for whatever row comes first."""

    lookback_sessions: ClassVar[int] = 0

    def signals(self, features):
        noise = np.random.default_rng(1).random(features.height)
        return buys(features.filter(pl.Series(noise) > 0.9))


class Silent(Honest):
    """Never says anything, and so never says anything wrong."""

    def signals(self, features):
        return buys(features.clear())


class TooStrong(Honest):
    """Is surer than sure."""

    def signals(self, features):
        return buys(features, strength=1.5)


class Undeclared(Honest):
    """Reads a column that it does not declare."""

    def signals(self, features):
        return buys(features.filter(pl.col("rsi_14") < 30))


class SaysItTwice(Honest):
    """Gives two signals on one symbol."""

    def signals(self, features):
        return pl.concat([buys(features), buys(features, side="exit_long")])


class OfNothing(Honest):
    """Breaks where there are no rows."""

    def signals(self, features):
        return buys(features.filter(pl.col("close") > features["close"][0]))


class EndlessMemory(Honest):
    """Looks back on more than there is."""

    lookback_sessions: ClassVar[int] = 10_000
