"""Any filter tree survives JSON, and agrees with deciding each symbol by hand."""

from __future__ import annotations

import math

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.screener.compile import expression
from trading_assets.screener.filters import And, Between, Comparison, In, Not, Or, Screen, predicates

NUMBERS = ("close", "rsi_14", "sma_200")
numbers = st.sampled_from([-1.0, 0.0, 1.0, 2.0])
leaves = st.one_of(
    st.builds(
        Comparison,
        field=st.sampled_from(NUMBERS),
        operator=st.sampled_from(["<", "<=", ">", ">="]),
        value=st.one_of(numbers, st.sampled_from(NUMBERS)),
        factor=st.sampled_from([1.0, 0.5]),
    ),
    st.tuples(st.sampled_from(NUMBERS), numbers, numbers).map(
        lambda t: Between(field=t[0], low=min(t[1:]), high=max(t[1:]))
    ),
    st.builds(
        In, field=st.just("symbol"), values=st.lists(st.sampled_from(["AAA", "BBB"]), min_size=1).map(tuple)
    ),
)
trees = st.recursive(
    leaves,
    lambda child: st.one_of(
        st.builds(And, filters=st.lists(child, min_size=1, max_size=3).map(tuple)),
        st.builds(Or, filters=st.lists(child, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, filter=child),
    ),
    max_leaves=8,
)
rows = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["AAA", "BBB"]),
        **dict.fromkeys(NUMBERS, st.sampled_from([None, math.nan, -1.0, 0.0, 0.5, 1.0, 2.0])),
    }
)


def compare(left: float, operator: str, right: float) -> bool:
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]


def by_hand(node, row) -> bool | None:
    """Three-valued logic, written out."""

    def number(name):
        value = row[name]
        return None if value is None or math.isnan(value) else value

    match node:
        case Comparison():
            right = number(node.value) if isinstance(node.value, str) else node.value
            left = number(node.field)
            return (
                None if left is None or right is None else compare(left, node.operator, right * node.factor)
            )
        case Between():
            value = number(node.field)
            return None if value is None else node.low <= value <= node.high
        case In():
            return row[node.field] in node.values
        case Not():
            inner = by_hand(node.filter, row)
            return None if inner is None else not inner
        case And() | Or():
            results = [by_hand(child, row) for child in node.filters]
            decisive = isinstance(node, Or)
            return decisive if decisive in results else None if None in results else not decisive


@settings(max_examples=200, deadline=None)
@given(trees, st.lists(rows, min_size=1, max_size=6))
def test_the_compiled_filter_decides_as_by_hand(tree, market):
    frame = pl.DataFrame(market, schema={"symbol": pl.String, **dict.fromkeys(NUMBERS, pl.Float64)})
    assert frame.select(expression(tree).alias("passes"))["passes"].to_list() == [
        by_hand(tree, row) for row in market
    ]


@settings(max_examples=100, deadline=None)
@given(trees)
def test_any_tree_survives_json(tree):
    screen = Screen(name="any", where=tree, sort_by="close")
    again = Screen.model_validate_json(screen.model_dump_json())
    assert again == screen
    assert predicates(again.where) == predicates(tree)
