"""Pairs trading: two legs that bet on a spread coming back to its mean; one row per (pair, formation, session, leg).

Not registered as a strategy: a signal of the contract is about one symbol and long, and a pair is two symbols of which one is
sold short. The rules are here, so that a contract with legs has only to call them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from math import ceil
from typing import Any, Literal

import polars as pl
from pydantic import Field, model_validator

from trading_assets.features.seams import begins_anew
from trading_assets.strategies.contract import StrategyParameters

LEG_SCHEMA = pl.Schema(
    {
        "session": pl.Date(),
        "pair": pl.String(),
        "formed": pl.Date(),
        "symbol": pl.String(),
        "leg": pl.String(),
        "action": pl.String(),
        "side": pl.String(),
        "weight": pl.Float64(),
        "z_score": pl.Float64(),
        "reason": pl.String(),
    }
)
"""Columns of legs. ``pair``: both symbols, in the alphabet's order. ``formed``: session of the formation that the trade began
with. ``leg``: dependent or other. ``action``: enter, hold or exit. ``side``: long or short, also of an exit: what is closed.
``weight``: the leg's share of the pair's gross value; those of a pair sum to 1."""

Action = Literal["enter", "hold", "exit"]


class PairsParameters(StrategyParameters):
    """Which pairs are traded, and at which spreads."""

    entry_z: float = Field(default=2.0, gt=0, description="enter from this distance on; standard deviations")
    exit_z: float = Field(
        default=0.5, ge=0, description="leave at this distance or nearer; standard deviations"
    )
    stop_z: float = Field(
        default=4.0, gt=0, description="leave at this distance or farther; standard deviations"
    )
    holding_half_lives: float = Field(
        default=3.0, gt=0, description="leave after so long; half-lives of the spread"
    )
    max_adjusted_p: float = Field(
        default=0.05, gt=0, le=1, description="largest corrected p-value of a pair; fraction"
    )
    max_half_life_sessions: float = Field(
        default=42.0, gt=0, description="longest half-life of a pair; sessions"
    )
    max_pairs: int = Field(default=10, ge=1, description="pairs of a formation, the best ones; pairs")

    @model_validator(mode="after")
    def _in_order(self) -> PairsParameters:
        if not self.exit_z < self.entry_z < self.stop_z:
            raise ValueError("exit_z must be below entry_z, and entry_z below stop_z")
        return self


@dataclass(frozen=True)
class _Pair:
    name: str
    formed: date
    dependent: str
    other: str
    hedge_ratio: float
    longest: int  # sessions that a trade may last

    @classmethod
    def of(cls, name: str, row: Mapping[str, Any], limits: PairsParameters) -> _Pair:
        is_first = row["dependent_symbol"] == row["symbol"]
        other = row["other_symbol"] if is_first else row["symbol"]
        longest = max(1, ceil(limits.holding_half_lives * row["half_life_sessions"]))
        return cls(name, row["session"], row["dependent_symbol"], other, row["hedge_ratio"], longest)


@dataclass(frozen=True)
class _Trade:
    pair: _Pair
    since: int  # number of the session at whose close it was entered
    direction: int  # 1: long the spread, which is below its mean; -1: short

    def legs(self, day: date, action: Action, z: float, reason: str) -> Iterator[tuple[object, ...]]:
        pair, ratio = self.pair, self.pair.hedge_ratio
        gross = 1.0 + abs(ratio)
        other = -self.direction if ratio > 0 else self.direction
        for symbol, leg, direction, weight in (
            (pair.dependent, "dependent", self.direction, 1.0 / gross),
            (pair.other, "other", other, abs(ratio) / gross),
        ):
            side = "long" if direction > 0 else "short"
            yield day, pair.name, pair.formed, symbol, leg, action, side, weight, z, reason


def traded_pairs(formations: pl.DataFrame, parameters: PairsParameters) -> pl.DataFrame:
    """Return the pairs of each formation that may be traded: significant, coming back soon enough, known by then, the best.

    Parameters
    ----------
    formations
        Rows of ``pair_statistics``.
    parameters
        Limits.

    Returns
    -------
    pl.DataFrame
        Some of the rows, by session and rank.
    """
    may_be = (
        (pl.col("adjusted_p_value") <= parameters.max_adjusted_p)
        & (pl.col("half_life_sessions") <= parameters.max_half_life_sessions)
        & (pl.col("spread_std") > 0)
        & (pl.col("hedge_ratio") != 0)
        & (pl.col("sector_session") <= pl.col("last_session"))
    )
    best = formations.filter(may_be).sort("session", "rank")
    return best.group_by("session", maintain_order=True).head(parameters.max_pairs)


def pair_legs(formations: pl.DataFrame, prices: pl.DataFrame, parameters: PairsParameters) -> pl.DataFrame:
    """Say for each session which legs of which pairs to enter, hold and leave.

    From its formation's session until the next formation a pair is entered when its spread is ``entry_z`` or more standard
    deviations from its mean, and less than ``stop_z``: short the spread above it, long below it. It is left at the first of: the
    spread within ``exit_z`` or on the other side (reverted), ``stop_z`` or farther (stopped), ``holding_half_lives`` over
    (expired). Mean, deviation, hedge ratio and half-life stay those of the formation that it was entered with. A pair that
    stopped or expired is not entered again before the next formation, and never twice at one time. A session in which one of the
    two has no price changes nothing and has no rows of the pair.

    Parameters
    ----------
    formations
        Rows of ``pair_statistics``: ``session, symbol, other_symbol, dependent_symbol, hedge_ratio, spread_mean, spread_std,
        half_life_sessions, adjusted_p_value, rank, sector_session, last_session``.
    prices
        ``symbol, session, close, price_factor`` of ``daily_features``, from the first ``last_session`` of the formations on.
    parameters
        Limits.

    Returns
    -------
    pl.DataFrame
        Rows of ``LEG_SCHEMA``, two for each pair that is in the market or leaves it, sorted by session, pair, formation and leg.
        Look-ahead: a row reads prices up to its session and formations of its session or earlier ones, which read the sessions
        before their own.
    """
    days: list[date] = prices["session"].unique().sort().to_list()
    formed: list[date] = formations["session"].unique().sort().to_list()
    wanted = traded_pairs(formations, parameters).sort("symbol", "other_symbol", "session")
    spreads = _spreads(wanted, prices)
    rows: list[tuple[object, ...]] = []
    for name, same in groupby(
        wanted.iter_rows(named=True), lambda row: f"{row['symbol']}/{row['other_symbol']}"
    ):
        pairs = {row["session"]: _Pair.of(name, row, parameters) for row in same}
        rows += _legs(pairs, days, formed, spreads, parameters)
    return pl.DataFrame(rows, schema=LEG_SCHEMA, orient="row").sort("session", "pair", "formed", "leg")


def _spreads(wanted: pl.DataFrame, prices: pl.DataFrame) -> Mapping[tuple[str, date], Mapping[date, float]]:
    # Of each pair and formation: the z-score of each session on which both have a price. What begins after a long silence is
    # another instrument than the one that was paired: it has no price here.
    symbols = pl.concat([wanted["symbol"], wanted["other_symbol"]]).unique()
    rows = prices.filter(pl.col("symbol").is_in(symbols.implode())).sort("symbol", "session")
    rows = rows.with_columns(seam=begins_anew(rows).cast(pl.Int64).cum_sum())
    key = ["symbol", "seam"]
    scale = rows.select(*key, last_session="session", scale="price_factor")
    adjusted = (
        rows.select(*key, "session", price=pl.col("close") / pl.col("price_factor"))
        .join(scale.join(wanted.select("last_session").unique(), on="last_session", how="semi"), on=key)
        .select("symbol", "last_session", "session", price=(pl.col("price") * pl.col("scale")).log())
    )
    independent = (
        pl.when(pl.col("dependent_symbol") == pl.col("symbol")).then("other_symbol").otherwise("symbol")
    )
    asked = wanted.select(
        "symbol", "other_symbol", "dependent_symbol", "hedge_ratio", "spread_mean", "spread_std", "last_session",
        independent=independent, formed="session",
    )  # fmt: skip
    both = asked.join(
        adjusted, left_on=["dependent_symbol", "last_session"], right_on=["symbol", "last_session"]
    ).join(
        adjusted.rename({"price": "other_price"}),
        left_on=["independent", "last_session", "session"],
        right_on=["symbol", "last_session", "session"],
    )
    spread = pl.col("price") - pl.col("hedge_ratio") * pl.col("other_price") - pl.col("spread_mean")
    name = pl.format("{}/{}", "symbol", "other_symbol")
    found: dict[tuple[str, date], dict[date, float]] = defaultdict(dict)
    columns = both.select(name, "formed", "session", z=spread / pl.col("spread_std")).iter_rows()
    for pair, formed, session, z in columns:
        found[pair, formed][session] = z
    return found


def _legs(
    pairs: Mapping[date, _Pair],
    days: Sequence[date],
    formed: Sequence[date],
    spreads: Mapping[tuple[str, date], Mapping[date, float]],
    limits: PairsParameters,
) -> Iterator[tuple[object, ...]]:
    # One pair through all sessions: out of the market, or in one trade.
    trade: _Trade | None = None
    spent: date | None = None  # formation in which a trade stopped or expired
    for number, day in enumerate(days):
        newest = formed[place - 1] if (place := bisect_right(formed, day)) else None
        pair = trade.pair if trade else pairs.get(newest) if newest and newest != spent else None
        z = spreads.get((pair.name, pair.formed), {}).get(day) if pair else None
        if pair is None or z is None:
            continue
        if trade is None:
            if limits.entry_z <= abs(z) < limits.stop_z:
                trade = _Trade(pair, number, -1 if z > 0 else 1)
                yield from trade.legs(day, "enter", z, f"{abs(z):.2f} deviations from the mean")
            continue
        action, reason, is_spent = _judged(trade, number - trade.since, z, limits)
        yield from trade.legs(day, action, z, reason)
        spent = newest if is_spent else spent
        trade = trade if action == "hold" else None


def _judged(trade: _Trade, sessions: int, z: float, limits: PairsParameters) -> tuple[Action, str, bool]:
    # What becomes of a trade, why, and whether the pair is left alone until the next formation.
    away = -trade.direction * z
    if away <= limits.exit_z:
        return "exit", f"reverted to {z:.2f} deviations", False
    if away >= limits.stop_z:
        return "exit", f"stopped at {z:.2f} deviations", True
    if sessions >= trade.pair.longest:
        return "exit", f"expired after {sessions} sessions", True
    return "hold", f"{abs(z):.2f} deviations from the mean", False
