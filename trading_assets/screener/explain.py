"""Why a symbol is or is not in a screen: one verdict per (symbol, condition), with the values that decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trading_assets.screener.decide import fails, passes
from trading_assets.screener.display import bound, shown
from trading_assets.screener.english.wording import describe, in_each
from trading_assets.screener.evaluate import conjuncts, evaluate
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import (
    Between,
    Comparison,
    Filter,
    In,
    Predicate,
    Query,
    Term,
    Value,
    predicates,
    shifted,
    sides_of,
    values_of,
)
from trading_assets.screener.market_frame import Market
from trading_assets.sessions import shift

Outcome = Literal["passes", "fails", "missing"]
NOT_THERE = "no accepted bar at the session"


@dataclass(frozen=True)
class Verdict:
    """What one condition says of a symbol: the outcome, and why in words."""

    filter: Filter
    condition: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class Explanation:
    """Why a symbol is in the results, or is not.

    ``is_there`` says whether the market has a row of it at all; ``rank`` is its place if it passes, even beyond ``top``.
    """

    symbol: str
    is_there: bool
    is_in: bool
    rank: int | None
    summary: str
    verdicts: tuple[Verdict, ...]


def explain(query: Query, market: Market, symbol: str) -> Explanation:
    """Say of each condition whether a symbol passes, and with which values.

    Parameters
    ----------
    query
        As evaluated.
    market
        The market of one session.
    symbol
        Symbol to explain.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> rows = {"symbol": ["ABC"], "session": [date(2024, 5, 2)], "rsi_14": [47.1]}
    >>> names = ("close", "sma_50", "sma_200", "macd_histogram", "dollar_volume_20")
    >>> market = Market(pl.DataFrame(rows | {name: [1.0] for name in names}), [date(2024, 5, 2)])
    >>> explain(Query(where=Comparison(field="rsi_14", operator="<", value=30)), market, "ABC").verdicts[0].reason
    'RSI is 47.10, not < 30'
    """
    found = np.flatnonzero((market.keys["symbol"] == symbol).to_numpy())
    if not len(found):
        return Explanation(symbol, False, False, None, f"{symbol} has {NOT_THERE}", ())
    row = int(found[0])
    verdicts = tuple(_verdict(node, market.only([row])) for node in conjuncts(query.where))
    failed = [verdict.reason for verdict in verdicts if verdict.outcome != "passes"]
    if failed:
        return Explanation(symbol, True, False, None, f"{symbol}: {'; '.join(failed)}", verdicts)
    everyone = evaluate(query.model_copy(update={"top": None}), market).rows
    rank = int(everyone.filter(everyone["symbol"] == symbol)["rank"][0])
    is_in = query.top is None or rank <= query.top
    beyond = "" if is_in else f", and the screen keeps the top {query.top}"
    summary = f"{symbol} passes, number {rank} of {everyone.height}{beyond}"
    return Explanation(symbol, True, is_in, rank, summary, verdicts)


def reasons(query: Query, market: Market) -> list[str | None]:
    """Say of each row why it does not pass: the first condition that it does not, with the values; None if it passes."""
    said: list[str | None] = [None] * market.height
    undecided = np.arange(market.height)
    for node in conjuncts(query.where):
        left = market.only(undecided)
        stays = passes(node, left)
        for number in undecided[~stays]:
            said[number] = _verdict(node, market.only([number])).reason
        undecided = undecided[stays]
    return said


def _verdict(node: Filter, row: Market) -> Verdict:
    outcome: Outcome = "passes" if passes(node, row)[0] else "fails" if fails(node, row)[0] else "missing"
    return Verdict(node, describe(node), outcome, _reason(node, row, outcome))


def _reason(node: Filter, row: Market, outcome: Outcome) -> str:
    leaves = predicates(node)
    if outcome == "missing":
        lacks = dict.fromkeys(name for leaf in leaves for name in _lacking(leaf, row))
        return f"lacks {' and '.join(lacks)}"
    negation = "" if outcome == "passes" else "not "
    if isinstance(node, Comparison | Between) and node.in_each > 1:
        return _reason_in_each(node, row, outcome)
    if isinstance(node, Comparison):
        return f"{_said(sides_of(node)[0], row)}, {negation}{node.operator} {_right(node, row)}"
    values = dict.fromkeys(text for leaf in leaves for text in _values(leaf, row))
    return f"{', '.join(values)}, {negation}{describe(node)}"


def _reason_in_each(node: Comparison | Between, row: Market, outcome: Outcome) -> str:
    # the newest session that fails, with its date and values; or the session's own values where all of them pass
    each = [shifted(node, back) for back in range(node.in_each)]
    failed = [back for back, one in enumerate(each) if fails(one, row)[0]]
    if outcome == "passes" or not failed:
        return f"{_reason(each[0], row, 'passes')}, and so{in_each(node.in_each)}"
    newest = failed[0]
    day = shift(row.keys["session"][0], -newest) if newest else row.keys["session"][0]
    others = f", and {len(failed) - 1} more of the {node.in_each} fail" if len(failed) > 1 else ""
    return f"in session {day} {_reason(each[newest], row, 'fails')}{others}"


def _right(node: Comparison, row: Market) -> str:
    if not isinstance(node.value, Term):
        return bound(node.field, node.value)
    term = node.value
    times = "" if term.factor == 1 else f"{term.factor:g} x "
    value = sides_of(node)[1]
    return f"{times}{_name(value)} ({_shown(value, row)})"


def _values(leaf: Predicate, row: Market) -> list[str]:
    if isinstance(leaf, In):
        text = row.text(leaf.field)[0]
        return [f"{FIELDS[leaf.field].label} is {'unknown' if text is None else text}"]
    return [_said(value, row) for value in sides_of(leaf)]


def _lacking(leaf: Predicate, row: Market) -> list[str]:
    if isinstance(leaf, In):
        return [FIELDS[leaf.field].label] if row.text(leaf.field)[0] is None else []
    return [_name(value) for value in dict.fromkeys(values_of(leaf)) if np.isnan(row.numbers(*value)[0])]


def _said(value: Value, row: Market) -> str:
    return f"{_name(value)} is {_shown(value, row)}"


def _shown(value: Value, row: Market) -> str:
    # the value that decides
    return shown(value.field, float(row.numbers(*value)[0])) or "unknown"


def _name(value: Value) -> str:
    ago = value.sessions_ago
    sessions = "session" if ago == 1 else "sessions"
    return FIELDS[value.field].label + (f" {ago} {sessions} ago" if ago else "")
