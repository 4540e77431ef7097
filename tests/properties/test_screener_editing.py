"""Editing a query by hand ends where writing it would: one condition changes, the rest stays, and the tree stays well formed."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trading_assets.screener.edit import (
    conditions,
    node_at,
    with_change,
    with_condition,
    with_order,
    without,
)
from trading_assets.screener.filters import (
    And,
    Between,
    Comparison,
    Cross,
    In,
    Not,
    Or,
    Query,
    Sort,
    Term,
    children,
    predicates,
)

PRICES = ("close", "sma_50", "sma_200")
leaves = st.one_of(
    st.builds(
        Comparison, field=st.sampled_from(PRICES), operator=st.sampled_from(["<", "<=", ">", ">="]),
        value=st.one_of(st.integers(0, 99).map(float), st.builds(Term, field=st.sampled_from(PRICES))),
        sessions_ago=st.integers(0, 3),
    ),
    st.tuples(st.sampled_from(PRICES), st.integers(0, 9), st.integers(10, 20)).map(
        lambda told: Between(field=told[0], low=told[1], high=told[2])
    ),
    st.builds(Cross, field=st.sampled_from(PRICES), direction=st.sampled_from(["above", "below"]), value=st.just(7.0)),
    st.lists(st.sampled_from(["AAA", "BBB"]), min_size=1).map(lambda names: In(field="symbol", values=tuple(names))),
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda child: st.one_of(
        st.lists(child, min_size=2, max_size=3).map(lambda nodes: And(filters=tuple(nodes))),
        st.lists(child, min_size=2, max_size=3).map(lambda nodes: Or(filters=tuple(nodes))),
        st.builds(Not, filter=child),
    ),
    max_leaves=6,
)
orders = st.sampled_from(
    [(None, None), (Sort(field="close"), None), (Sort(field="close", descending=False), 5)]
)
queries = st.builds(
    lambda where, order: Query(where=where, sort=order[0], top=order[1]), st.one_of(st.none(), trees), orders
)


def is_well_formed(node) -> bool:
    """Nothing is lonely, and no group is inside one of its own kind, as if it had been written that way."""
    below = children(node)
    alone = isinstance(node, And | Or) and len(below) < 2
    nested = isinstance(node, And | Or) and any(type(child) is type(node) for child in below)
    return not alone and not nested and all(map(is_well_formed, below))


@settings(max_examples=150, deadline=None)
@given(queries)
def test_the_paths_lead_to_the_conditions_in_their_order(query):
    listed = conditions(query)
    assert [node for _, node in listed] == predicates(query.where)
    assert [node_at(query, path) for path, _ in listed] == predicates(query.where)


@settings(max_examples=150, deadline=None)
@given(queries, st.data())
def test_taking_a_condition_out_leaves_the_others_in_their_order(query, data):
    listed = conditions(query)
    assume(listed)
    number = data.draw(st.integers(0, len(listed) - 1))
    left = without(query, listed[number][0])
    expected = [node for _, node in listed]
    del expected[number]
    assert predicates(left.where) == expected
    assert (left.sort, left.top) == (query.sort, query.top)
    assert left.where is None or is_well_formed(left.where)
    assert Query.model_validate_json(left.model_dump_json()) == left


@settings(max_examples=150, deadline=None)
@given(queries, leaves, st.data())
def test_changing_a_condition_and_back_gives_the_same_query(query, new, data):
    listed = conditions(query)
    assume(listed)
    path, old = data.draw(st.sampled_from(listed))
    changed = with_change(query, path, new)
    assert node_at(changed, path) == new
    assert with_change(changed, path, old) == query


@settings(max_examples=150, deadline=None)
@given(queries, leaves)
def test_an_added_condition_must_hold_as_well_and_is_there_once(query, new):
    added = with_condition(query, new)
    together = added.where.filters if isinstance(added.where, And) else (added.where,)
    before = query.where.filters if isinstance(query.where, And) else (query.where,) if query.where else ()
    assert together == (before if new in before else (*before, new))
    assert with_condition(added, new) == added


@given(queries, trees, st.data())
def test_any_node_can_be_put_anywhere_and_the_tree_stays_well_formed(query, new, data):
    listed = conditions(query)
    assume(listed)
    path, _ = data.draw(st.sampled_from(listed))
    assert is_well_formed(with_change(query, path[:-1], new).where)
    assert is_well_formed(with_change(query, path, new).where)


def test_taking_all_out_leaves_everything():
    one = Comparison(field="close", operator=">", value=1)
    assert without(Query(where=Not(filter=one)), (0,)) == Query()
    assert without(Query(where=Or(filters=(one, Not(filter=one)))), (1, 0)) == Query(where=one)


def test_a_path_that_leads_nowhere_is_refused():
    query = Query(where=Comparison(field="close", operator=">", value=1))
    for edit in (without, lambda query, path: with_change(query, path, query.where)):
        with pytest.raises(LookupError, match="nothing stands"):
            edit(query, (3,))
    with pytest.raises(LookupError):
        without(Query(), ())


def test_another_order_keeps_the_conditions():
    query = Query(where=Comparison(field="close", operator=">", value=1), sort=Sort(field="close"), top=3)
    assert with_order(query, Sort(field="rsi_14"), 5) == Query(
        where=query.where, sort=Sort(field="rsi_14"), top=5
    )
    assert with_order(query, None, None) == Query(where=query.where)
    with pytest.raises(ValueError, match="top 5 by what"):
        with_order(query, None, 5)
