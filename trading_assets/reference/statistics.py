"""Reference of the statistics in Markdown, for docs/statistics.md: one line a statistic, by group."""

from __future__ import annotations

from trading_assets.reference.markdown import table
from trading_assets.statistics.definitions import DEFINITIONS, Definition


def statistic_reference() -> str:
    """Return the unit, formula and source of every statistic."""
    groups = list(dict.fromkeys(definition.group for definition in DEFINITIONS.values()))
    parts = []
    for group in groups:
        rows = (_row(name, one) for name, one in DEFINITIONS.items() if one.group == group)
        head = ("statistic", "unit", "formula", "the same figures as", "in")
        parts += [f"## {group[0].upper()}{group[1:]}", "", table(head, rows)]
    return "\n".join(parts)


def _row(name: str, definition: Definition) -> tuple[str, ...]:
    module = definition.function.__module__.rpartition(".")[2]
    return f"`{name}`", definition.unit, definition.formula, definition.source, f"`{module}`"
