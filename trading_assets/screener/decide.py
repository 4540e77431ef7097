"""Decisions: one verdict per row of a market and condition: it passes, it fails, or the data to decide are missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.indicators.kernel import FloatArray
from trading_assets.screener.filters import And, Between, Comparison, Cross, Filter, In, Not, Or, Term
from trading_assets.screener.market import Market

BoolArray = NDArray[np.bool_]

_COMPARE: dict[str, Callable[[FloatArray, FloatArray | float], BoolArray]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def passes(node: Filter, market: Market) -> BoolArray:
    """Say which rows pass a filter.

    The logic has three values: a row that lacks the data to decide neither passes nor fails. ``and`` passes if all do
    and fails if any fails; ``or`` the opposite; ``not`` passes what fails.

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
        case Comparison():
            return _compare(node, node.operator, market)
        case Between():
            value = market.numbers(node.field, node.sessions_ago)
            return (value >= node.low) & (value <= node.high)
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
        case Comparison():
            return _compare(node, _OPPOSITE[node.operator], market)
        case Between():
            value = market.numbers(node.field, node.sessions_ago)
            return (value < node.low) | (value > node.high)
        case Cross():
            return _crossings(node, market)[1]
        case In():
            return (~_found(node, market)).fill_null(value=False).to_numpy()


def compared_with(value: float | Term, market: Market, ago: int = 0) -> FloatArray | float:
    """Return what a field is compared with: a number, or another field's value (missing where NaN) times its factor."""
    if not isinstance(value, Term):
        return value
    return market.numbers(value.field, value.sessions_ago + ago) * value.factor


def _compare(node: Comparison, operator: str, market: Market) -> BoolArray:
    # every comparison with NaN is false, so that neither it nor its opposite holds where a value is missing
    left = market.numbers(node.field, node.sessions_ago)
    return _COMPARE[operator](left, compared_with(node.value, market))


def _crossings(node: Cross, market: Market) -> tuple[BoolArray, BoolArray]:
    # Of each row whether it crossed at one of the last sessions, and whether it surely did not at any.
    beyond, not_beyond = (">", "<=") if node.direction == "above" else ("<", ">=")

    def sides(ago: int) -> tuple[BoolArray, BoolArray]:
        left, right = market.numbers(node.field, ago), compared_with(node.value, market, ago)
        return _COMPARE[beyond](left, right), _COMPARE[not_beyond](left, right)

    crossed, did_not = np.zeros(market.height, dtype=np.bool_), np.ones(market.height, dtype=np.bool_)
    is_beyond, is_not = sides(0)
    for ago in range(1, node.within + 1):
        was_beyond, was_not = sides(ago)
        crossed |= is_beyond & was_not
        did_not &= is_not | was_beyond
        is_beyond, is_not = was_beyond, was_not
    return crossed, did_not


def _found(node: In, market: Market) -> pl.Series:
    return market.text(node.field).is_in(list(node.values))
