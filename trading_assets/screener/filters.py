"""Filter tree: typed conditions on a session's features, with an exact JSON form; a screen is a named tree with a sort."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from trading_assets.screener.fields import FIELDS, is_comparable, kind_of, known_field, number_in_range

MAX_DEPTH = 12
MAX_NODES = 200
MAX_SESSIONS_AGO = 252
MAX_IN_EACH = 252
"""Sessions in each of which a condition may be asked to hold, the newest included."""
MAX_TOP = 10_000

NumberField = Annotated[str, AfterValidator(lambda name: known_field(name, "number"))]
TextField = Annotated[str, AfterValidator(lambda name: known_field(name, "text"))]
Number = Annotated[float, Field(allow_inf_nan=False)]
SessionsAgo = Annotated[int, Field(ge=0, le=MAX_SESSIONS_AGO)]
InEach = Annotated[
    int,
    Field(
        ge=1, le=MAX_IN_EACH, description="holds in each of the last so many sessions, the newest included"
    ),
]


class _Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Term(_Node):
    """A field to compare with: its value so many sessions ago, in the scale of the session (``basis_of``), times ``factor``."""

    field: NumberField
    sessions_ago: SessionsAgo = 0
    factor: Number = 1.0


def _check_reach(sessions_ago: int, in_each: int) -> None:
    if sessions_ago + in_each - 1 > MAX_SESSIONS_AGO:
        raise ValueError(
            f"the first of the {in_each} sessions lies more than {MAX_SESSIONS_AGO} sessions ago"
        )


def _check_value(field: str, value: float | Term) -> None:
    # a threshold that the field can never reach, or one of another kind, is a slip of the pen in every face of the tree
    if not isinstance(value, Term):
        number_in_range(field, value)
    elif not is_comparable(field, value.field):
        left, right = FIELDS[field], FIELDS[value.field]
        alike = [
            item.label for item in FIELDS.values() if item.name != field and is_comparable(field, item.name)
        ]
        advice = f"; {left.label} compares with {', '.join(alike[:4])}" if alike else ""
        raise ValueError(
            f"{left.label} and {right.label} are of different kinds: {kind_of(left)}, {kind_of(right)}{advice}"
        )


def _ago_of(value: float | Term) -> int:
    return value.sessions_ago if isinstance(value, Term) else 0


class Comparison(_Node):
    """A field, now or some sessions ago, against a number or another field, in each of the last ``in_each`` sessions.

    ``in_each`` asks the same of every one of so many sessions: of the session itself (1, the default), of it and the one
    before (2), ... One session in which it fails is enough to fail; one whose data are missing leaves it undecided,
    and so not met.
    """

    kind: Literal["comparison"] = "comparison"
    field: NumberField
    sessions_ago: SessionsAgo = 0
    operator: Literal["<", "<=", ">", ">="]
    value: Number | Term
    in_each: InEach = 1

    @model_validator(mode="after")
    def _check_range(self) -> Comparison:
        _check_value(self.field, self.value)
        _check_reach(max(self.sessions_ago, _ago_of(self.value)), self.in_each)
        return self


class Between(_Node):
    """A field, now or some sessions ago, within two numbers, both included, in each of the last ``in_each`` sessions."""

    kind: Literal["between"] = "between"
    field: NumberField
    sessions_ago: SessionsAgo = 0
    low: Number
    high: Number
    in_each: InEach = 1

    @model_validator(mode="after")
    def _check_order(self) -> Between:
        if self.low > self.high:
            raise ValueError(f"between {self.low} and {self.high} is empty: swap them")
        _check_value(self.field, self.low)
        _check_value(self.field, self.high)
        _check_reach(self.sessions_ago, self.in_each)
        return self


class Cross(_Node):
    """A field that came to lie above (below) a number or another field within the last ``within`` sessions.

    It did ``k`` sessions ago if it lay above then and not above the session before. The session itself is the first
    of the ``within``.
    """

    kind: Literal["cross"] = "cross"
    field: NumberField
    direction: Literal["above", "below"]
    value: Number | Term
    within: int = Field(default=1, ge=1, le=63, description="sessions, the newest included")

    @model_validator(mode="after")
    def _check_term(self) -> Cross:
        if isinstance(self.value, Term) and self.value.sessions_ago:
            raise ValueError("a crossing is of values of the same session: leave sessions_ago out")
        _check_value(self.field, self.value)
        return self


class In(_Node):
    """A text field equal to one of several values."""

    kind: Literal["in"] = "in"
    field: TextField
    values: tuple[str, ...] = Field(min_length=1)

    @field_validator("values")
    @classmethod
    def _check_values(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(values))


class _Several(_Node):
    filters: tuple[Filter, ...] = Field(min_length=2)

    @field_validator("filters")
    @classmethod
    def _flatten(cls, filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
        # (a and b) and c is a and b and c: one form for one meaning
        return tuple(
            leaf for child in filters for leaf in (child.filters if isinstance(child, cls) else (child,))
        )


class And(_Several):
    """All of the filters."""

    kind: Literal["and"] = "and"


class Or(_Several):
    """At least one of the filters."""

    kind: Literal["or"] = "or"


class Not(_Node):
    """Not the filter; a symbol that lacks the data passes neither."""

    kind: Literal["not"] = "not"
    filter: Filter


Predicate = Comparison | Between | Cross | In
Filter = Annotated[Comparison | Between | Cross | In | And | Or | Not, Field(discriminator="kind")]


class Sort(_Node):
    """Order of the results; symbols without the value come last, ties are in the order of the symbols."""

    field: NumberField
    descending: bool = True


DEFAULT_SORT = Sort(field="dollar_volume_20")
"""Order of results if none is asked for: what trades most first."""


class Query(_Node):
    """What to look for: a filter (everything without one), the order of the results, and how many of them."""

    where: Filter | None = None
    sort: Sort | None = None
    top: int | None = Field(default=None, ge=1, le=MAX_TOP, description="keep only the first this many")

    @model_validator(mode="after")
    def _check(self) -> Query:
        if self.top is not None and self.sort is None:
            raise ValueError(f"top {self.top} by what? Name a field to sort by")
        depth, nodes = _measure(self.where) if self.where else (0, 0)
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise ValueError(
                f"the filter has {nodes} conditions {depth} deep; at most {MAX_NODES}, {MAX_DEPTH}"
            )
        return self


class Screen(Query):
    """A query with a name, as it is saved and shared."""

    format: Literal[1, 2] = 1
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    description: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _say_format(self) -> Screen:
        # the lowest format that can say it, so that earlier versions read all that they understand
        object.__setattr__(self, "format", 2 if any(map(in_each_of, predicates(self.where))) else 1)
        return self

    @property
    def query(self) -> Query:
        """What it looks for, without name and description."""
        return Query(where=self.where, sort=self.sort, top=self.top)


def _measure(node: Filter) -> tuple[int, int]:
    measured = [_measure(child) for child in children(node)]
    return 1 + max((depth for depth, _ in measured), default=0), 1 + sum(nodes for _, nodes in measured)


def children(node: Filter) -> tuple[Filter, ...]:
    """Return the filters directly below a node."""
    return node.filters if isinstance(node, And | Or) else (node.filter,) if isinstance(node, Not) else ()


def predicates(node: Filter | None) -> list[Predicate]:
    """List the conditions of a tree, left to right."""
    if node is None:
        return []
    if isinstance(node, And | Or | Not):
        return [leaf for child in children(node) for leaf in predicates(child)]
    return [node]


Basis = Literal["splits", "total_return", "own"]
"""How an earlier price or share count is brought into the scale of the session that is looked at; see ``basis_of``."""


class Value(NamedTuple):
    """What a condition reads: a field, so many market sessions ago, on a basis."""

    field: str
    sessions_ago: int
    basis: Basis


def basis_of(predicate: Predicate) -> Basis:
    """Say in which scale a condition reads earlier prices and share counts.

    ``splits``: against a number, an earlier price is what was paid then, with splits alone undone: a dividend in between
    does not lower it. ``total_return``: against another field, prices before a dividend, split or spin-off are in the
    scale of those after it, so that ``price > price 5 sessions ago`` says what ``5-day return > 0`` says. ``own``: a
    crossing of two fields compares values of one session, in its scale. Of share counts splits are all that counts.
    """
    if isinstance(predicate, Comparison | Cross) and isinstance(predicate.value, Term):
        return "own" if isinstance(predicate, Cross) else "total_return"
    return "splits"


def values_of(predicate: Predicate) -> Iterator[Value]:
    """Name every value that a condition reads: the field, how many sessions ago, and on which basis."""
    basis = basis_of(predicate)
    if isinstance(predicate, Cross):
        names = [predicate.field, *([predicate.value.field] if isinstance(predicate.value, Term) else [])]
        yield from (Value(name, ago, basis) for name in names for ago in range(predicate.within + 1))
    elif isinstance(predicate, In):
        yield Value(predicate.field, 0, basis)
    else:
        for value in sides_of(predicate):
            yield from (
                value._replace(sessions_ago=value.sessions_ago + back) for back in range(predicate.in_each)
            )


def in_each_of(predicate: Predicate) -> bool:
    """Say whether a condition is asked of several sessions, each of which has to meet it."""
    return isinstance(predicate, Comparison | Between) and predicate.in_each > 1


def shifted(predicate: Comparison | Between, back: int) -> Comparison | Between:
    """Return what a condition asks of the session so many before, alone; that session is not further back than ``in_each`` reaches."""
    changed: dict[str, object] = {"sessions_ago": predicate.sessions_ago + back, "in_each": 1}
    if isinstance(predicate, Comparison) and isinstance(predicate.value, Term):
        term = predicate.value
        changed["value"] = term.model_copy(update={"sessions_ago": term.sessions_ago + back})
    return predicate.model_copy(update=changed)


def sides_of(predicate: Comparison | Between | Cross) -> list[Value]:
    """List the fields on either side of a condition on numbers; of a crossing their present values alone."""
    basis = basis_of(predicate)
    sides = [Value(predicate.field, 0 if isinstance(predicate, Cross) else predicate.sessions_ago, basis)]
    if not isinstance(predicate, Between) and isinstance(predicate.value, Term):
        sides.append(Value(predicate.value.field, predicate.value.sessions_ago, basis))
    return sides


for model in (And, Or, Not, Query, Screen):
    model.model_rebuild()
