"""The screener's English: any query survives being written and read, and no sentence is ever half understood."""

from __future__ import annotations

import math

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trading_assets.errors import NotUnderstoodError
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_SESSIONS_AGO,
    MAX_TOP,
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
)
from trading_assets.screener.lexer import tokens
from trading_assets.screener.macros import MACROS
from trading_assets.screener.parse import parse, understand
from trading_assets.screener.vocabulary import vocabulary
from trading_assets.screener.wording import write
from trading_assets.screener.words import TEXT_VALUES
from trading_assets.sectors import SECTORS

NUMBERS = [field.name for field in FIELDS.values() if field.kind == "number"]
TEXTS = [field.name for field in FIELDS.values() if field.kind == "text"]
number_fields = st.sampled_from(NUMBERS)
ago = st.one_of(st.just(0), st.integers(0, MAX_SESSIONS_AGO))


def values(field: str) -> st.SearchStrategy[float]:
    """Any float that the field can have, and the round ones that people write."""
    low, high = FIELDS[field].valid_range
    round_numbers = [0.0, 0.03, 0.155, 0.5, 1.0, 30.0, 1e6, 2.5e9, 1234567.0, 1e300, 5e-324, -0.2, -30.0]
    fitting = [
        number
        for number in round_numbers
        if (low is None or number >= low) and (high is None or number <= high)
    ]
    return st.one_of(
        st.sampled_from(fitting),
        st.floats(low, high, allow_nan=False, allow_infinity=False),
    )


def terms(sessions: st.SearchStrategy[int]) -> st.SearchStrategy[Term]:
    factors = st.one_of(
        st.sampled_from([1.0, 0.95, 1.1, 2.0, 0.5, -1.0, 0.0]),
        st.floats(allow_nan=False, allow_infinity=False),
    )
    return st.builds(Term, field=number_fields, sessions_ago=sessions, factor=factors)


comparisons = number_fields.flatmap(
    lambda field: st.builds(
        Comparison,
        field=st.just(field),
        sessions_ago=ago,
        operator=st.sampled_from(["<", "<=", ">", ">="]),
        value=st.one_of(values(field), terms(ago)),
    )
)
betweens = number_fields.flatmap(
    lambda field: st.tuples(values(field), values(field), ago).map(
        lambda t: Between(field=field, low=min(t[:2]), high=max(t[:2]), sessions_ago=t[2])
    )
)
crosses = number_fields.flatmap(
    lambda field: st.builds(
        Cross,
        field=st.just(field),
        direction=st.sampled_from(["above", "below"]),
        value=st.one_of(values(field), terms(st.just(0))),
        within=st.integers(1, 63),
    )
)
words = st.one_of(
    st.sampled_from(
        ["Energy", "Information Technology", "AAPL", "BRK.B", "OR", "IT", "A", "XNAS", "ETF", "", '"', "CS"]
    ),
    st.text(),
)
memberships = st.builds(
    In, field=st.sampled_from(TEXTS), values=st.lists(words, min_size=1, max_size=4).map(tuple)
)
leaves = st.one_of(comparisons, betweens, crosses, memberships)
trees = st.recursive(
    leaves,
    lambda child: st.one_of(
        st.builds(And, filters=st.lists(child, min_size=2, max_size=4).map(tuple)),
        st.builds(Or, filters=st.lists(child, min_size=2, max_size=4).map(tuple)),
        st.builds(Not, filter=child),
    ),
    max_leaves=12,
)


def depth(node) -> int:
    return 1 + max((depth(child) for child in children(node)), default=0)


@st.composite
def queries(draw) -> Query:
    where = draw(st.one_of(st.none(), trees))
    assume(where is None or depth(where) <= MAX_DEPTH)
    sort = draw(st.one_of(st.none(), st.builds(Sort, field=number_fields, descending=st.booleans())))
    top = draw(st.one_of(st.none(), st.integers(1, MAX_TOP))) if sort else None
    return Query(where=where, sort=sort, top=top)


def bits(query: Query) -> str:
    return query.model_dump_json()


@settings(max_examples=400, deadline=None)
@given(queries())
def test_any_query_is_read_back_from_its_sentence_bit_for_bit(query):
    written = write(query)
    understood = understand(written)
    assert understood.problems == (), written
    assert understood.query == query, written
    assert bits(understood.query) == bits(query), written
    assert understood.canonical == written
