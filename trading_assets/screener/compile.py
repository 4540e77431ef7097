"""Screener results: one row per symbol that passes a screen in a session, compiled to one polars expression."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

import polars as pl

from trading_assets.schemas import SCREENER_RESULTS
from trading_assets.screener.filters import (
    DEFAULT_SORT,
    And,
    Between,
    Comparison,
    Cross,
    Filter,
    In,
    Not,
    Or,
    Screen,
    Term,
    predicates,
)
from trading_assets.screener.wording import describe

OVERSOLD_BELOW = 30.0
OVERBOUGHT_ABOVE = 70.0


@dataclass(frozen=True)
class PredicateCount:
    """What one condition did on its own: how many symbols fail it, and how many lack the data for it."""

    condition: str
    removed: int
    missing: int


@dataclass(frozen=True)
class Evaluation:
    """Results of a screen: rows of ``screener_results``, and what each condition removed."""

    rows: pl.DataFrame
    screened: int
    conditions: tuple[PredicateCount, ...]


def expression(node: Filter) -> pl.Expr:
    """Compile a filter to a Boolean expression over feature columns.

    Three-valued: null where the data to decide is missing (``or`` is true if any side is, ``not`` null stays null);
    the screen counts null as not passed.
    """
    match node:
        case Comparison():
            return _comparison(node)
        case Cross():
            raise NotImplementedError
        case Between():
            return _number(node.field).is_between(node.low, node.high)
        case In():
            return pl.col(node.field).is_in(node.values)
        case Not():
            return ~expression(node.filter)
        case And():
            return reduce(lambda left, right: left & right, map(expression, node.filters))
        case Or():
            return reduce(lambda left, right: left | right, map(expression, node.filters))


def badge() -> pl.Expr:
    """Name the state of a symbol, the first that applies.

    ``Oversold``: RSI(14) below 30. ``Overbought``: RSI(14) above 70. ``Bullish``: close above SMA(50) above SMA(200) and
    a positive MACD histogram. ``Bearish``: close below SMA(50) below SMA(200) and a negative MACD histogram. ``Neutral``:
    all else, missing data included.
    """
    close, middle, slow = _number("close"), _number("sma_50"), _number("sma_200")
    rsi, momentum = _number("rsi_14"), _number("macd_histogram")
    return (
        pl.when(rsi < OVERSOLD_BELOW)
        .then(pl.lit("Oversold"))
        .when(rsi > OVERBOUGHT_ABOVE)
        .then(pl.lit("Overbought"))
        .when((close > middle) & (middle > slow) & (momentum > 0))
        .then(pl.lit("Bullish"))
        .when((close < middle) & (middle < slow) & (momentum < 0))
        .then(pl.lit("Bearish"))
        .otherwise(pl.lit("Neutral"))
    )


def evaluate(screen: Screen, features: pl.DataFrame, previous_members: Collection[str]) -> Evaluation:
    """Run a screen over one session.

    Parameters
    ----------
    screen
        Filter, sort and number of results.
    features
        Rows of ``daily_features`` of one session.
    previous_members
        Symbols that passed the same screen in the session before.

    Returns
    -------
    Evaluation
        ``rows``: rank 1 is the best by the screen's sort; ties by symbol; a symbol without a value to sort by comes
        last. Look-ahead: the session's close.
    """
    rows = evaluate_sessions([screen], features, {screen.name: previous_members})
    return Evaluation(rows, features.height, _counts(screen.where, features))


def evaluate_sessions(
    screens: Iterable[Screen], features: pl.DataFrame, previous_members: Mapping[str, Collection[str]]
) -> pl.DataFrame:
    """Run screens over several sessions at once.

    Parameters
    ----------
    screens
        The screens, under different names.
    features
        Rows of ``daily_features`` of sessions that follow each other.
    previous_members
        Per screen the symbols that passed it in the session before the first.

    Returns
    -------
    pl.DataFrame
        Rows of ``screener_results`` sorted by its key: the same as session by session. Look-ahead: each session's close.
    """
    rows = [_results(screen, features, previous_members.get(screen.name, ())) for screen in screens]
    return pl.concat([pl.DataFrame(schema=SCREENER_RESULTS.schema), *rows]).sort(SCREENER_RESULTS.key)


def _results(screen: Screen, features: pl.DataFrame, previous_members: Collection[str]) -> pl.DataFrame:
    sort = screen.sort or DEFAULT_SORT
    number = pl.col("session").rank("dense").cast(pl.Int32).alias("number")
    passed = features.with_columns(number).filter(
        (expression(screen.where) if screen.where else pl.lit(True)).fill_null(value=False)
    )
    ranked = (
        passed.with_columns(_number(sort.field).alias("order"))
        .sort("session", "order", "symbol", descending=[False, sort.descending, False], nulls_last=True)
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("session"))
        .filter(pl.col("rank") <= (screen.top or passed.height))
    )
    before = pl.concat(
        [
            pl.DataFrame({"symbol": sorted(previous_members)}, schema={"symbol": pl.String}).with_columns(
                number=pl.lit(1, dtype=pl.Int32)
            ),
            ranked.select("symbol", pl.col("number") + 1),
        ]
    ).with_columns(event=pl.lit("stayed"))
    return (
        ranked.join(before, on=["symbol", "number"], how="left")
        .with_columns(
            pl.col("event").fill_null("entered"),
            screen=pl.lit(screen.name),
            screen_version=pl.lit(""),
            badge=badge(),
        )
        .select(SCREENER_RESULTS.columns.keys())
        .cast(SCREENER_RESULTS.schema)
    )


def _number(name: str) -> pl.Expr:
    # NaN compares as the largest number in polars; to a screen it is missing data
    return pl.col(name).fill_nan(None)


def _comparison(node: Comparison) -> pl.Expr:
    left = _number(node.field)
    right = (
        _number(node.value.field) * node.value.factor if isinstance(node.value, Term) else pl.lit(node.value)
    )
    match node.operator:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right


def _counts(where: Filter | None, features: pl.DataFrame) -> tuple[PredicateCount, ...]:
    leaves = predicates(where)
    results = features.select(expression(leaf).alias(str(place)) for place, leaf in enumerate(leaves))
    return tuple(
        PredicateCount(describe(leaf), int((~column).sum()), column.null_count())
        for leaf, column in zip(leaves, results.iter_columns(), strict=True)
    )
