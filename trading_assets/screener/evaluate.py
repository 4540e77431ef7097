"""Screen results: one ranked row per (session, symbol) that passes, and what each condition did."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from trading_assets.indicators.crossing import BoolArray
from trading_assets.indicators.kernel import FloatArray
from trading_assets.screener.decide import fails, passes
from trading_assets.screener.english.wording import describe
from trading_assets.screener.filters import (
    DEFAULT_SORT,
    And,
    Filter,
    In,
    Query,
    Sort,
    Value,
    predicates,
    sides_of,
)
from trading_assets.screener.market_frame import Market, columns_needed
from trading_assets.tables.fundamentals import AGE_COLUMN

OVERSOLD_BELOW = 30.0
OVERBOUGHT_ABOVE = 70.0
BADGES = ("Oversold", "Overbought", "Bullish", "Bearish", "Neutral")
COUNTS = pl.Schema({"session": pl.Date(), "screened": pl.Int64(), "matched": pl.Int64()})
_LAST_DAY = 2**16  # days since 1970: the year 2149
ALWAYS_SHOWN = ("symbol", "session", "rank", "badge", "close")


@dataclass(frozen=True)
class Condition:
    """What one condition did: counts of rows, alone (``passed``, ``failed``, ``missing``) and after those before it.

    ``missing`` lack the data to decide; ``remaining`` pass this condition and all before it.
    """

    filter: Filter
    text: str
    passed: int
    failed: int
    missing: int
    remaining: int

    @property
    def removed(self) -> int:
        """Rows that do not pass it, for whatever reason."""
        return self.failed + self.missing


@dataclass(frozen=True)
class Evaluation:
    """Results of a query.

    ``rows`` has ``ALWAYS_SHOWN`` and each field that the query names, as of the row's session, under its name; an earlier
    value is called ``<field>_<N>_ago`` and is the one that decided (``named_values``); and ``name`` if the market has it; and with fundamentals ``fundamentals_age_days``. ``screened`` counts the rows looked at, ``matched`` those that pass (before
    ``top`` cuts), ``undecided`` those that neither pass nor fail because data are missing. ``conditions`` are the sides
    of the outermost ``and``.
    """

    rows: pl.DataFrame
    screened: int
    matched: int
    undecided: int
    conditions: tuple[Condition, ...]


def evaluate(query: Query, market: Market) -> Evaluation:
    """Rank the rows that pass, session by session, and count what each condition did.

    Parameters
    ----------
    query
        Filter, sort and number of results.
    market
        Rows of one session or of many, with ``columns_needed(query)``.

    Returns
    -------
    Evaluation
        Rank 1 is the best of its session by the query's sort; ties are in the order of the symbols, and a symbol without
        a value to sort by comes last. Look-ahead: each session's close.
    """
    conditions, passed, undecided = _counted(query, market)
    return Evaluation(
        rows=_ranked(query, market, passed),
        screened=market.height,
        matched=int(passed.sum()),
        undecided=undecided,
        conditions=conditions,
    )


def ranked(query: Query, market: Market) -> pl.DataFrame:
    """Return the ``rows`` of ``evaluate`` alone, which takes less time over many sessions."""
    return _ranked(query, market, _passing(query, market))


def count_matches(query: Query, markets: Iterable[Market]) -> pl.DataFrame:
    """Count what passes in each session, before ``top`` cuts: ``session``, ``screened``, ``matched``, by session.

    Parameters
    ----------
    query
        Of which ``top`` and ``sort`` play no part.
    markets
        Rows in any number of pieces, with ``columns_decided(query)``.
    """
    screened, matched = np.zeros(_LAST_DAY, dtype=np.int64), np.zeros(_LAST_DAY, dtype=np.int64)
    for market in markets:
        days = market.keys["session"].to_physical().to_numpy()
        if len(days):
            first = days.min()
            for total, counted in ((screened, days), (matched, days[_passing(query, market)])):
                counts = np.bincount(counted - first)
                total[first : first + len(counts)] += counts
    found = np.flatnonzero(screened)
    session = pl.Series(found.astype(np.int32)).cast(pl.Date)
    return pl.DataFrame(
        {"session": session, "screened": screened[found], "matched": matched[found]}, schema=COUNTS
    )


def conjuncts(where: Filter | None) -> tuple[Filter, ...]:
    """Return the conditions that all must hold: the sides of the outermost ``and``."""
    return () if where is None else where.filters if isinstance(where, And) else (where,)


def screen_version(query: Query) -> str:
    """Return a fingerprint of what a query looks for: the same for the same filter, sort and top, whatever the name.

    Values that are the defaults do not count, so that a field which a later version adds changes no fingerprint.
    """
    bare = Query(where=query.where, sort=query.sort or DEFAULT_SORT, top=query.top)
    text = json.dumps(_without_defaults(bare), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def badges(market: Market) -> pl.Series:
    """Name the state of each row, the first that applies.

    ``Oversold``: RSI(14) below 30. ``Overbought``: RSI(14) above 70. ``Bullish``: close above SMA(50) above SMA(200) and
    a positive MACD histogram. ``Bearish``: close below SMA(50) below SMA(200) and a negative MACD histogram. ``Neutral``:
    all else, missing data included.
    """
    return _badges(market, np.arange(market.height))


def named_values(query: Query) -> dict[str, Value]:
    """Return the numbers that a query names, by column; the sort's comes first.

    An earlier price has the basis of the condition that it decides (``filters.basis_of``); where it decides some against a
    number and some against a field, it is the one against the number.
    """
    named = {query.sort.field: Value(query.sort.field, 0, "own")} if query.sort else {}
    leaves = [leaf for leaf in predicates(query.where) if not isinstance(leaf, In)]
    for value in (value for leaf in leaves for value in sides_of(leaf)):
        name = f"{value.field}_{value.sessions_ago}_ago" if value.sessions_ago else value.field
        if name not in named or value.basis == "splits":
            named[name] = value
    return {name: value for name, value in named.items() if name not in ALWAYS_SHOWN}


def _passing(query: Query, market: Market) -> BoolArray:
    if query.where is None:
        return np.ones(market.height, dtype=np.bool_)
    return passes(query.where, market)


def _counted(query: Query, market: Market) -> tuple[tuple[Condition, ...], BoolArray, int]:
    remaining, failed_any = np.ones(market.height, dtype=np.bool_), np.zeros(market.height, dtype=np.bool_)
    conditions = []
    for node in conjuncts(query.where):
        passed, failed = passes(node, market), fails(node, market)
        remaining, failed_any = remaining & passed, failed_any | failed
        yes, no = int(np.count_nonzero(passed)), int(np.count_nonzero(failed))
        left = int(np.count_nonzero(remaining))
        conditions.append(Condition(node, describe(node), yes, no, market.height - yes - no, left))
    undecided = market.height - int(np.count_nonzero(remaining | failed_any))
    return tuple(conditions), remaining, undecided


def _ranked(query: Query, market: Market, passed: BoolArray) -> pl.DataFrame:
    sort = query.sort or DEFAULT_SORT
    place = np.flatnonzero(passed)
    found = market.keys[place].with_columns(
        place=pl.Series(place), order=pl.Series(market.numbers(sort.field)[place], nan_to_null=True)
    )
    found = _in_order(found, sort)
    if query.top is not None:
        found = found.filter(pl.col("rank") <= query.top)
    place = found["place"].to_numpy()
    values = {name: market.numbers(*value)[place] for name, value in named_values(query).items()}
    texts = {"name", *(leaf.field for leaf in predicates(query.where) if isinstance(leaf, In))} - {"symbol"}
    if AGE_COLUMN in columns_needed(query)[0]:
        values[AGE_COLUMN] = market.numbers(AGE_COLUMN)[place]
    return found.select(
        "symbol",
        "session",
        "rank",
        badge=_badges(market, place),
        close=_numbers(market.numbers("close")[place]),
    ).with_columns(
        *(market.text(name).gather(place) for name in sorted(texts) if market.has(name)),
        **{name: _numbers(column) for name, column in values.items()},
    )


def _in_order(found: pl.DataFrame, sort: Sort) -> pl.DataFrame:
    ordered = found.sort(
        "session", "order", "symbol", descending=[False, sort.descending, False], nulls_last=True
    )
    return ordered.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("session"))


def _numbers(values: FloatArray) -> pl.Series:
    return pl.Series(values, nan_to_null=True)


def _badges(market: Market, place: np.ndarray) -> pl.Series:
    close, rsi, middle, slow, momentum = (
        market.numbers(name)[place] for name in ("close", "rsi_14", "sma_50", "sma_200", "macd_histogram")
    )
    number = np.select(
        [
            rsi < OVERSOLD_BELOW,
            rsi > OVERBOUGHT_ABOVE,
            (close > middle) & (middle > slow) & (momentum > 0),
            (close < middle) & (middle < slow) & (momentum < 0),
        ],
        [0, 1, 2, 3],
        4,
    )
    return pl.Series(BADGES, dtype=pl.String).gather(number)


def _without_defaults(node: object) -> object:
    # `kind` is a default too, and the only one that says what the rest means
    if isinstance(node, tuple):
        return [_without_defaults(item) for item in node]
    if not hasattr(node, "model_fields_set"):
        return node
    fields = type(node).model_fields  # type: ignore[attr-defined] # a pydantic model, as it has fields that were set
    return {
        name: _without_defaults(value)
        for name, field in fields.items()
        if (value := getattr(node, name)) != field.default or name == "kind"
    }
