"""Ranges: which values of a field a condition with numbers lets through, and whether that is none, or all it can have."""

from __future__ import annotations

import math

from trading_assets.screener.fields import FIELDS, range_in_words
from trading_assets.screener.filters import And, Between, Comparison, Cross, Filter, Term


def never_or_always(node: Filter) -> str | None:
    """Say why a condition asks nothing: no value of the field meets it, or every one does; None where it asks something.

    Examples
    --------
    >>> never_or_always(Comparison(field="rsi_14", operator="<", value=0))
    'RSI is always between 0 and 100: none lies there'
    """
    if isinstance(node, Between):
        low, high = FIELDS[node.field].valid_range
        whole = low is not None and node.low <= low and high is not None and node.high >= high
        return _said(node.field, "all") if whole else None
    if not isinstance(node, Comparison | Cross):
        return None
    if isinstance(node.value, Term):
        return _beyond_extreme(node, node.value)
    low, high = FIELDS[node.field].valid_range
    operator = node.operator if isinstance(node, Comparison) else {"above": ">", "below": "<"}[node.direction]
    end = high if operator in {">", "<="} else low
    if end is None or node.value != end:
        return None
    return _said(node.field, "none" if operator in {"<", ">"} else "all")


def _beyond_extreme(node: Comparison | Cross, term: Term) -> str | None:
    # the highest high of 52 weeks is that of the session itself at least
    ago = node.sessions_ago if isinstance(node, Comparison) else 0
    if node.field != "close" or term.sessions_ago != ago:
        return None
    way = node.operator if isinstance(node, Comparison) else {"above": ">", "below": "<"}[node.direction]
    if term.field == "high_252" and way == ">" and term.factor >= 1:
        return 'the price is never above a 52-week high that it is part of: say "new 52-week high"'
    if term.field == "low_252" and way == "<" and 0 <= term.factor <= 1:
        return 'the price is never below a 52-week low that it is part of: say "new 52-week low"'
    return None


def _said(field: str, which: str) -> str:
    lies = "none lies there" if which == "none" else "all lie there"
    return f"{FIELDS[field].label} is always {range_in_words(field)}: {lies}"


def interval(node: Filter | None) -> tuple[tuple[str, int], float, float] | None:
    """Return the value that a condition reads and the limits it sets; None unless they are numbers, of one session."""
    if isinstance(node, Comparison | Between) and node.in_each > 1:
        return None
    if isinstance(node, Between):
        return (node.field, node.sessions_ago), node.low, node.high
    if not isinstance(node, Comparison) or isinstance(node.value, Term):
        return None
    below = node.operator in {"<", "<="}
    limits = (-math.inf, node.value) if below else (node.value, math.inf)
    return (node.field, node.sessions_ago), *limits


def exclude(first: Filter, second: Filter) -> bool:
    """Say whether limits by numbers on one value, that both filters set, leave nothing that meets both."""
    pairs = ((interval(one), interval(other)) for one in _required(first) for other in _required(second))
    return any(
        one is not None
        and other is not None
        and one[0] == other[0]
        and (one[2] <= other[1] or other[2] <= one[1])
        for one, other in pairs
    )


def _required(node: Filter) -> tuple[Filter, ...]:
    return node.filters if isinstance(node, And) else (node,)


def relation(first: Filter | None, second: Filter | None) -> str | None:
    """Say how two conditions on one value lie to each other: ``apart``, ``within`` (one in the other), or ``across``.

    None where they are not both limits of the same value by numbers.
    """
    one, other = interval(first), interval(second)
    if one is None or other is None or one[0] != other[0]:
        return None
    (_, low, high), (_, least, most) = one, other
    if high < least or most < low:
        return "apart"
    if (low <= least and most <= high) or (least <= low and high <= most):
        return "within"
    return "across"
