"""Wording: a filter tree written as the English that the parser reads back into the same tree."""

from __future__ import annotations

from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import And, Between, Comparison, Cross, Filter, In, Not, Or, Query, Term


def describe(node: Filter) -> str:
    """Write a filter in words.

    Examples
    --------
    >>> describe(Comparison(field="close", operator=">", value=Term(field="sma_200")))
    'price > 200 sma'
    """
    match node:
        case Comparison():
            return f"{_field(node.field, node.sessions_ago)} {node.operator} {_value(node.value)}"
        case Between():
            return f"{_field(node.field, node.sessions_ago)} between {node.low:,.10g} and {node.high:,.10g}"
        case Cross():
            return f"{FIELDS[node.field].label} crossed {node.direction} {_value(node.value)} within {node.within} sessions"
        case In():
            return f"{node.field} is {' or '.join(node.values)}"
        case Not():
            return f"not ({describe(node.filter)})"
        case And() | Or():
            return f" {node.kind} ".join(
                f"({describe(child)})" if isinstance(child, And | Or) else describe(child)
                for child in node.filters
            )


def _field(name: str, ago: int) -> str:
    return FIELDS[name].label + (f" {ago} sessions ago" if ago else "")


def _value(value: float | Term) -> str:
    if isinstance(value, Term):
        factor = "" if value.factor == 1 else f"{value.factor:g} x "
        return factor + _field(value.field, value.sessions_ago)
    return f"{value:,.10g}"


def write(query: Query) -> str:
    """Write a query as one English sentence."""
    parts = [describe(query.where)] if query.where else []
    if query.sort and query.top:
        parts.append(
            f"{'top' if query.sort.descending else 'bottom'} {query.top} by {_field(query.sort.field, 0)}"
        )
    elif query.sort:
        order = "descending" if query.sort.descending else "ascending"
        parts.append(f"sorted by {_field(query.sort.field, 0)} {order}")
    return ", ".join(parts) or "everything"
