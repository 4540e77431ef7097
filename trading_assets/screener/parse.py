"""Sentences: English about shares to a query of the screener, or every place where it was not understood."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.errors import NotUnderstoodError, Problem
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import And, Comparison, Filter, Query
from trading_assets.screener.wording import write

OPERATORS = ("<=", ">=", "<", ">")


@dataclass(frozen=True)
class Understood:
    """What a sentence was understood as: the query with its canonical English, or the problems."""

    query: Query | None
    problems: tuple[Problem, ...]
    canonical: str | None


def parse(text: str) -> Query:
    """Read a sentence.

    Raises
    ------
    NotUnderstoodError
        If any word of it is not understood.
    """
    conditions = [_condition(text, part.strip()) for part in text.split(" and ")]
    return Query(where=conditions[0] if len(conditions) == 1 else And(filters=tuple(conditions)))


def understand(text: str) -> Understood:
    """Read a sentence and write it back, or say what was not understood."""
    try:
        query = parse(text)
    except NotUnderstoodError as error:
        return Understood(None, error.problems, None)
    return Understood(query, (), write(query))


def _condition(text: str, part: str) -> Filter:
    for operator in OPERATORS:
        words, found, number = part.partition(f" {operator} ")
        for field in FIELDS.values():
            if found and field.kind == "number" and words.lower() in {field.name, field.label.lower()}:
                try:
                    return Comparison(field=field.name, operator=operator, value=float(number))
                except ValueError as error:
                    start = text.index(part)
                    raise NotUnderstoodError(
                        (Problem(start, start + len(part), part, str(error)),)
                    ) from error
    start = text.index(part)
    raise NotUnderstoodError((Problem(start, start + len(part), part, f"{part!r} is not understood"),))
