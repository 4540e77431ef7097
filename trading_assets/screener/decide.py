"""Decisions: one verdict per row of a market and condition: it passes, it fails, or the data to decide are missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
import polars as pl

from trading_assets.indicators.crossing import BoolArray, Operator, compare
from trading_assets.indicators.kernel import FloatArray
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import (
    And,
    Between,
    Comparison,
    Cross,
    Filter,
    In,
    Not,
    Or,
    Term,
    basis_of,
    sides_of,
)
from trading_assets.screener.market_frame import Market

LONG_DASH, SHORT_DASH = "—", " - "
"""Two ways in which the vendor writes one industry ("Banks—Regional" until 2023, "Banks - Regional" since): they are the same."""

_EXACTLY: dict[Operator, Callable[[FloatArray, FloatArray | float], BoolArray]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_OPPOSITE: dict[Operator, Operator] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def passes(node: Filter, market: Market) -> BoolArray:
    """Say which rows pass a filter.

    The logic has three values: a row that lacks the data to decide neither passes nor fails. ``and`` passes if all do
    and fails if any fails; ``or`` the opposite; ``not`` passes what fails.

    A condition that is asked in each of several sessions passes if it does in all of them, and fails if it does in one; the
    data of a session that are missing leave it undecided, unless another session fails.

    Prices and share counts are brought from one scale into another, which rounds their last digits: where they are
    compared with another field's, or are those of an earlier session, two that are equal within
    ``crossing.EQUAL_WITHIN`` are equal (``>`` fails, ``>=`` passes), and so are the two sides of every crossing. All other
    numbers are compared as they are.

    Returns
    -------
    np.ndarray
        One Boolean per row asked for.
    """
    match node:
        case And() | Or():
            combine = np.logical_and if isinstance(node, And) else np.logical_or
            return reduce(combine, (passes(child, market) for child in node.filters))
        case Not():
            return fails(node.filter, market)
        case Comparison() | Between():
            return reduce(np.logical_and, (_meets(node, market, back) for back in range(node.in_each)))
        case Cross():
            return _crossings(node, market)[0]
        case In():
            return _found(node, market).fill_null(value=False).to_numpy()


def fails(node: Filter, market: Market) -> BoolArray:
    """Say which rows fail a filter: not those that lack the data to decide; see ``passes``."""
    match node:
        case And() | Or():
            combine = np.logical_or if isinstance(node, And) else np.logical_and
            return reduce(combine, (fails(child, market) for child in node.filters))
        case Not():
            return passes(node.filter, market)
        case Comparison() | Between():
            return reduce(np.logical_or, (_misses(node, market, back) for back in range(node.in_each)))
        case Cross():
            return _crossings(node, market)[1]
        case In():
            return (~_found(node, market)).fill_null(value=False).to_numpy()


def _meets(node: Comparison | Between, market: Market, back: int) -> BoolArray:
    # whether the condition holds so many sessions before
    if isinstance(node, Comparison):
        return _compare(node, node.operator, market, back)
    value, rounded = _left(node, market, back), _is_rounded(node, back)
    return _holds(value, ">=", node.low, rounded) & _holds(value, "<=", node.high, rounded)


def _misses(node: Comparison | Between, market: Market, back: int) -> BoolArray:
    # whether it surely does not
    if isinstance(node, Comparison):
        return _compare(node, _OPPOSITE[node.operator], market, back)
    value, rounded = _left(node, market, back), _is_rounded(node, back)
    return _holds(value, "<", node.low, rounded) | _holds(value, ">", node.high, rounded)


def _compare(node: Comparison, operator: Operator, market: Market, back: int) -> BoolArray:
    # every comparison with NaN is false, so that neither it nor its opposite holds where a value is missing
    right = _compared_with(node, market, back)
    return _holds(_left(node, market, back), operator, right, _is_rounded(node, back))


def _left(node: Comparison | Between, market: Market, back: int) -> FloatArray:
    return market.numbers(node.field, node.sessions_ago + back, basis_of(node))


def _crossings(node: Cross, market: Market) -> tuple[BoolArray, BoolArray]:
    # Of each row whether it crossed at one of the last sessions, and whether it surely did not at any.
    beyond: Operator = ">" if node.direction == "above" else "<"
    basis = basis_of(node)

    def sides(ago: int) -> tuple[BoolArray, BoolArray]:
        left, right = market.numbers(node.field, ago, basis), _compared_with(node, market, ago)
        return compare(left, beyond, right), compare(left, _OPPOSITE[beyond], right)

    crossed, did_not = np.zeros(market.height, dtype=np.bool_), np.ones(market.height, dtype=np.bool_)
    is_beyond, is_not = sides(0)
    for ago in range(1, node.within + 1):
        was_beyond, was_not = sides(ago)
        crossed |= is_beyond & was_not
        did_not &= is_not | was_beyond
        is_beyond, is_not = was_beyond, was_not
    return crossed, did_not


def _compared_with(node: Comparison | Cross, market: Market, ago: int = 0) -> FloatArray | float:
    # a number, or another field's value (missing where NaN) times its factor
    if not isinstance(node.value, Term):
        return node.value
    term = node.value
    return market.numbers(term.field, term.sessions_ago + ago, basis_of(node)) * term.factor


def _is_rounded(node: Comparison | Between, back: int) -> bool:
    is_scaled = FIELDS[node.field].scale != "none"
    is_against_field = isinstance(node, Comparison) and isinstance(node.value, Term)
    looks_back = bool(back) or any(value.sessions_ago for value in sides_of(node))
    return is_scaled and (is_against_field or looks_back)


def _holds(left: FloatArray, operator: Operator, right: FloatArray | float, is_rounded: bool) -> BoolArray:
    return compare(left, operator, right) if is_rounded else _EXACTLY[operator](left, right)


def _found(node: In, market: Market) -> pl.Series:
    column = market.text(node.field)
    if node.field != "industry":
        return column.is_in(list(node.values))
    return column.str.replace_all(LONG_DASH, SHORT_DASH, literal=True).is_in(
        [_one_dash(value) for value in node.values]
    )


def _one_dash(value: str) -> str:
    return value.replace(LONG_DASH, SHORT_DASH)
