"""Wording: a query written as the English that the parser reads back into the same query, bit for bit."""

from __future__ import annotations

import re

from trading_assets.screener.english.quantities.amounts import written, written_factor, written_limits
from trading_assets.screener.english.vocabulary import spoken, vocabulary
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
    Predicate,
    Query,
    Term,
    in_each_of,
)

_TICKER = re.compile(r"[A-Z]{1,5}(?:[.-][A-Z]{1,2})?")


def write(query: Query) -> str:
    """Write a query as one sentence.

    Examples
    --------
    >>> from trading_assets.screener.filters import Sort
    >>> write(Query(where=Comparison(field="rsi_14", operator="<", value=30), sort=Sort(field="market_cap"), top=20))
    'RSI < 30, top 20 by market cap'
    """
    parts = []
    if query.where is not None:
        parts.append(_nested(query.where, Or) if query.sort else describe(query.where))
    if query.sort and query.top:
        parts.append(
            f"{'top' if query.sort.descending else 'bottom'} {query.top} by {_field(query.sort.field, 0)}"
        )
    elif query.sort:
        order = "descending" if query.sort.descending else "ascending"
        parts.append(f"sorted by {_field(query.sort.field, 0)} {order}")
    return ", ".join(parts) or "everything"


def describe(node: Filter) -> str:
    """Write a filter in words.

    Examples
    --------
    >>> describe(Comparison(field="close", operator=">", value=Term(field="sma_200")))
    'price > 200-day SMA'
    """
    match node:
        case And() | Or():
            return f" {node.kind} ".join(map(_enclosed, node.filters))
        case Not():
            return _negation(node)
    return _condition(node)


def _condition(node: Predicate) -> str:
    match node:
        case Comparison():
            said = f"{_field(node.field, node.sessions_ago)} {node.operator} {_value(node.value, node.field)}"
            return said + in_each(node.in_each)
        case Between():
            low, high = written_limits(node.low, node.high, node.field)
            return f"{_field(node.field, node.sessions_ago)} between {low} and {high}{in_each(node.in_each)}"
        case Cross():
            window = f" in the last {node.within} sessions" if node.within > 1 else ""
            return (
                f"{_field(node.field, 0)} crossed {node.direction} {_value(node.value, node.field)}{window}"
            )
        case In():
            return f"{FIELDS[node.field].label} is {' or '.join(_texts(node))}"


def _negation(node: Not) -> str:
    inner = node.filter
    if not isinstance(inner, In):
        return f"not ({describe(inner)})"
    label, texts = FIELDS[inner.field].label, _texts(inner)
    return f"{label} is not {texts[0]}" if len(texts) == 1 else f"{label} is neither {' nor '.join(texts)}"


def _enclosed(node: Filter) -> str:
    # in parentheses what has an "and" or "or" of its own, so that nobody has to know which binds stronger, and what is asked
    # of several sessions, so that nobody has to know of how many conditions that is said
    several = isinstance(node, And | Or) or (isinstance(node, In) and len(node.values) > 1)
    is_held = not isinstance(node, And | Or | Not) and in_each_of(node)
    return f"({describe(node)})" if several or is_held else describe(node)


def in_each(sessions: int) -> str:
    """Write of how many sessions a condition is asked, after it; nothing for the session alone."""
    return f" in each of the last {sessions} sessions" if sessions > 1 else ""


def _nested(node: Filter, kind: type) -> str:
    return f"({describe(node)})" if isinstance(node, kind) else describe(node)


def _field(name: str, ago: int) -> str:
    return FIELDS[name].label + (f" {ago} session{'s' if ago > 1 else ''} ago" if ago else "")


def _value(value: float | Term, field: str) -> str:
    if isinstance(value, Term):
        return written_factor(value.factor) + _field(value.field, value.sessions_ago)
    return written(value, field)


def _texts(node: In) -> list[str]:
    return [_text(node.field, value) for value in node.values]


def _text(field: str, value: str) -> str:
    words = spoken(field, value)
    if words is not None:
        return words
    if field == "symbol" and _TICKER.fullmatch(value) and not vocabulary().begins(value.lower()):
        return value
    return '"' + value.replace('"', '""') + '"'
