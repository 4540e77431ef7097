"""Any filter tree survives JSON, and agrees with deciding each symbol by hand, over splits, halts and missing values."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.screener.decide import fails, passes
from trading_assets.screener.evaluate import conjuncts, count_matches, evaluate, ranked, screen_version
from trading_assets.screener.fields import is_comparable
from trading_assets.screener.filters import (
    And,
    Between,
    Comparison,
    Cross,
    In,
    Not,
    Or,
    Query,
    Screen,
    Sort,
    Term,
    predicates,
    shifted,
    values_of,
)
from trading_assets.screener.market_frame import BADGE_FIELDS, Market
from trading_assets.screener.screen_file import read_screen, write_screen
from trading_assets.sessions import sessions_between

DAYS = sessions_between(date(2024, 2, 28), date(2024, 3, 6))
SCALES = {"close": "price_factor", "volume": "share_factor", "sma_200": "price_factor", "beta_252": None}
SYMBOLS = ("AAA", "BBB", "CCC")
LONGEST_LOOK_BACK, LONGEST_IN_EACH = 3, 3

fields = st.sampled_from(sorted(SCALES))
numbers = st.sampled_from([0.5, 1.0, 2.0, 4.0])
ago = st.integers(0, LONGEST_LOOK_BACK)
in_each = st.one_of(st.just(1), st.integers(1, LONGEST_IN_EACH))


def terms(field, back):
    alike = st.sampled_from([name for name in sorted(SCALES) if is_comparable(field, name)])
    return st.builds(Term, field=alike, sessions_ago=back, factor=st.sampled_from([1.0, 0.5, 1.1]))


leaves = st.one_of(
    fields.flatmap(
        lambda field: st.builds(
            Comparison,
            field=st.just(field),
            sessions_ago=ago,
            operator=st.sampled_from(["<", "<=", ">", ">="]),
            value=st.one_of(numbers, terms(field, ago)),
            in_each=in_each,
        )
    ),
    st.builds(
        lambda field, back, low, high, each: Between(
            field=field, sessions_ago=back, low=min(low, high), high=max(low, high), in_each=each
        ),
        fields,
        ago,
        numbers,
        numbers,
        in_each,
    ),
    fields.flatmap(
        lambda field: st.builds(
            Cross,
            field=st.just(field),
            direction=st.sampled_from(["above", "below"]),
            value=st.one_of(numbers, terms(field, st.just(0))),
            within=st.integers(1, LONGEST_LOOK_BACK),
        )
    ),
    st.builds(
        In,
        field=st.sampled_from(["symbol", "sector"]),
        values=st.lists(st.sampled_from(["AAA", "BBB", "Energy", "Utilities"]), min_size=1, max_size=2).map(
            tuple
        ),
    ),
)


def above(child):
    several = st.lists(child, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(And, filters=several), st.builds(Or, filters=several), st.builds(Not, filter=child)
    )


trees = st.recursive(leaves, above, max_leaves=8)
A_LITTLE_MORE = 1 + 1e-14, 1 + 1e-10  # equal to one where prices are compared, and not equal
values = st.sampled_from([None, math.nan, -1.0, 0.0, 0.5, 1.0, *A_LITTLE_MORE, 2.0, 4.0])
rows = st.fixed_dictionaries(
    {
        **dict.fromkeys(SCALES, values),
        "sector": st.sampled_from([None, "Energy", "Utilities", "Materials"]),
        "price_factor": st.sampled_from([1.0, 0.5, 0.25, 0.98]),
        "share_factor": st.sampled_from([1.0, 2.0, 4.0]),
    }
)
histories = st.dictionaries(
    st.tuples(st.sampled_from(SYMBOLS), st.sampled_from(DAYS)),
    rows,
    min_size=1,
    max_size=len(SYMBOLS) * len(DAYS),
)


def seen(history, sessions) -> Market:
    columns = {"symbol": pl.String, "session": pl.Date, "sector": pl.String}
    columns |= dict.fromkeys(
        [*SCALES, "price_factor", "share_factor", *BADGE_FIELDS, "dollar_volume_20"], pl.Float64
    )
    listed = [{"symbol": symbol, "session": day, **row} for (symbol, day), row in history.items()]
    return Market(pl.DataFrame(listed, schema=columns), sessions)


class ByHand:
    """Three-valued logic, written out for one symbol at one session."""

    def __init__(self, history, symbol, day) -> None:
        self.rows = {number: history.get((symbol, other)) for number, other in enumerate(DAYS)}
        self.here = DAYS.index(day)
        self.symbol = symbol

    def number(self, node, field, back) -> float | None:
        now, then = self.rows[self.here], self.rows.get(self.here - back)
        value = then[field] if then else None
        if value is None or math.isnan(value):
            return None
        if not back or field == "beta_252":
            return value
        split = now["share_factor"] / then["share_factor"]
        match node:
            case Cross(value=Term()):
                return value  # both sides are of the same session
            case Comparison(value=Term()) if field != "volume":
                return value * now["price_factor"] / then["price_factor"]
        return value * split if field == "volume" else value / split

    def other(self, node, back=0) -> float | None:
        if not isinstance(node.value, Term):
            return node.value
        found = self.number(node, node.value.field, node.value.sessions_ago + back)
        return None if found is None else found * node.value.factor

    def decides(self, node) -> bool | None:
        match node:
            case Comparison(in_each=1):
                return self.compare(
                    node, self.number(node, node.field, node.sessions_ago), node.operator, self.other(node)
                )
            case Between(in_each=1):
                value = self.number(node, node.field, node.sessions_ago)
                return self.all(
                    [self.compare(node, value, ">=", node.low), self.compare(node, value, "<=", node.high)]
                )
            case Comparison() | Between():
                return self.all([self.decides(shifted(node, back)) for back in range(node.in_each)])
            case Cross():
                sign = ">" if node.direction == "above" else "<"
                sides = [
                    self.compare(node, self.number(node, node.field, back), sign, self.other(node, back))
                    for back in range(node.within + 1)
                ]
                crossed = [self.all([side, None if before is None else not before])
                           for side, before in pairwise(sides)]  # fmt: skip
                return self.any(crossed)
            case In():
                value = self.symbol if node.field == "symbol" else self.rows[self.here][node.field]
                return None if value is None else value in node.values
            case Not():
                inner = self.decides(node.filter)
                return None if inner is None else not inner
            case And():
                return self.all([self.decides(child) for child in node.filters])
            case Or():
                return self.any([self.decides(child) for child in node.filters])

    @staticmethod
    def compare(node, left, operator, right) -> bool | None:
        if left is None or right is None:
            return None
        against_field = not isinstance(node, Between) and isinstance(node.value, Term)
        is_rounded = node.field != "beta_252" and (against_field or getattr(node, "sessions_ago", 0) > 0)
        if (isinstance(node, Cross) or is_rounded) and abs(left - right) <= 1e-9 * abs(right):
            return operator in {"<=", ">="}
        return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]

    @staticmethod
    def all(results) -> bool | None:
        return False if False in results else None if None in results else True

    @staticmethod
    def any(results) -> bool | None:
        return True if True in results else None if None in results else False


@settings(max_examples=200, deadline=None)
@given(trees, histories)
def test_a_filter_decides_as_by_hand(tree, history):
    market = seen(history, DAYS)
    expected = [ByHand(history, *key).decides(tree) for key in market.keys.iter_rows()]
    assert passes(tree, market).tolist() == [result is True for result in expected]
    assert fails(tree, market).tolist() == [result is False for result in expected]


@settings(max_examples=100, deadline=None)
@given(trees, histories, st.sampled_from([None, 1, 2]), st.booleans())
def test_sessions_at_once_give_the_same_as_one_by_one_and_every_count_adds_up(tree, history, top, descending):
    query = Query(where=tree, sort=Sort(field="beta_252", descending=descending), top=top)
    asked = DAYS[2:]
    at_once = seen(history, asked)
    one_by_one = [seen(history, [day]) for day in asked]
    assert ranked(query, at_once).equals(pl.concat([ranked(query, market) for market in one_by_one]))
    found = [evaluate(query, market) for market in one_by_one]
    with_rows = [item for item in found if item.screened]
    assert count_matches(query, [at_once])["matched"].to_list() == [item.matched for item in with_rows]
    for item in found:
        remaining = item.screened
        for condition in item.conditions:
            assert condition.passed + condition.failed + condition.missing == item.screened
            assert condition.remaining <= min(remaining, condition.passed)
            remaining = condition.remaining
        assert remaining == item.matched
        assert len(item.conditions) == len(conjuncts(tree))
        assert item.rows.height == (item.matched if top is None else min(item.matched, top))


@settings(max_examples=100, deadline=None)
@given(trees)
def test_any_tree_survives_json_and_keeps_its_fingerprint(tree):
    screen = Screen(name="any", where=tree, sort=Sort(field="close"))
    again = read_screen(write_screen(screen))
    assert again == screen
    assert screen_version(again) == screen_version(screen)
    assert predicates(again.where) == predicates(tree)
    assert all(
        value.sessions_ago < LONGEST_LOOK_BACK + LONGEST_IN_EACH
        for leaf in predicates(tree)
        for value in values_of(leaf)
    )
