"""Filter tree: typed conditions on one session's features, with an exact JSON form; a screen is a tree with a sort."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from trading_assets.screener.fields import known_field

MAX_DEPTH = 12
MAX_NODES = 200

NumberField = Annotated[str, AfterValidator(lambda name: known_field(name, "number"))]
TextField = Annotated[str, AfterValidator(lambda name: known_field(name, "text"))]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Comparison(_Node):
    """A field against a number or against another field, which may be scaled by ``factor``."""

    kind: Literal["comparison"] = "comparison"
    field: NumberField
    operator: Literal["<", "<=", ">", ">="]
    value: Number | NumberField
    factor: Number = 1.0


class Between(_Node):
    """A field within two numbers, both included."""

    kind: Literal["between"] = "between"
    field: NumberField
    low: Number
    high: Number

    @model_validator(mode="after")
    def _check_order(self) -> Between:
        if self.low > self.high:
            raise ValueError(f"between {self.low} and {self.high} is empty: swap them")
        return self


class In(_Node):
    """A text field equal to one of several values."""

    kind: Literal["in"] = "in"
    field: TextField
    values: tuple[str, ...] = Field(min_length=1)


class And(_Node):
    """All of the filters."""

    kind: Literal["and"] = "and"
    filters: tuple[Filter, ...] = Field(min_length=1)


class Or(_Node):
    """At least one of the filters."""

    kind: Literal["or"] = "or"
    filters: tuple[Filter, ...] = Field(min_length=1)


class Not(_Node):
    """Not the filter; a symbol that lacks the data passes neither."""

    kind: Literal["not"] = "not"
    filter: Filter


Predicate = Comparison | Between | In
Filter = Annotated[Comparison | Between | In | And | Or | Not, Field(discriminator="kind")]


class Screen(_Node):
    """A named filter with the order of its results."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    description: str = ""
    where: Filter
    sort_by: NumberField
    descending: bool = True
    top: int | None = Field(default=None, ge=1, description="keep only the first this many; symbols")

    @model_validator(mode="after")
    def _check_size(self) -> Screen:
        depth, nodes = _measure(self.where)
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise ValueError(
                f"the filter has {nodes} conditions {depth} deep; at most {MAX_NODES}, {MAX_DEPTH}"
            )
        return self


def _measure(node: Filter) -> tuple[int, int]:
    children = node.filters if isinstance(node, And | Or) else (node.filter,) if isinstance(node, Not) else ()
    measured = [_measure(child) for child in children]
    return 1 + max((depth for depth, _ in measured), default=0), 1 + sum(nodes for _, nodes in measured)


def predicates(node: Filter) -> list[Predicate]:
    """List the conditions of a tree, left to right."""
    if isinstance(node, And | Or):
        return [leaf for child in node.filters for leaf in predicates(child)]
    if isinstance(node, Not):
        return predicates(node.filter)
    return [node]


def describe(node: Filter) -> str:
    """Write a filter in words.

    Examples
    --------
    >>> describe(Comparison(field="close", operator=">", value="sma_200"))
    'close > sma_200'
    """
    match node:
        case Comparison():
            factor = "" if node.factor == 1 or not isinstance(node.value, str) else f"{node.factor:g} x "
            value = node.value if isinstance(node.value, str) else f"{node.value * node.factor:,.10g}"
            return f"{node.field} {node.operator} {factor}{value}"
        case Between():
            return f"{node.field} between {node.low:,.10g} and {node.high:,.10g}"
        case In():
            return f"{node.field} in ({', '.join(node.values)})"
        case Not():
            return f"not ({describe(node.filter)})"
        case And() | Or():
            return f" {node.kind} ".join(
                f"({describe(child)})" if isinstance(child, And | Or) else describe(child)
                for child in node.filters
            )


for model in (And, Or, Not, Screen):
    model.model_rebuild()
