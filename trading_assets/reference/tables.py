"""Reference of the tables in Markdown, for docs/tables.md: every table of the lake and of Postgres, one line a column."""

from __future__ import annotations

from collections.abc import Iterable

from trading_assets.reference.markdown import table
from trading_assets.tables.companies import COMPANY_TABLES
from trading_assets.tables.features import DAILY_FEATURES, HOURLY_FEATURES
from trading_assets.tables.registry import DATABASE_TABLES, TABLES, schema_of
from trading_assets.tables.table import Relation

_ELSEWHERE = {
    **dict.fromkeys(COMPANY_TABLES, "[company data](company_data.md)"),
    DAILY_FEATURES.name: "[features](features.md)",
    HOURLY_FEATURES.name: "[features](features.md)",
}
"""Tables whose columns another page describes."""


def table_reference() -> str:
    """Return the lists of all tables, and the columns of those that no other page describes."""
    described = [kept for kept in TABLES.values() if kept.name not in _ELSEWHERE]
    return "\n".join(
        [
            "## Tables of the lake", "", _overview(TABLES.values()),
            "## Tables of Postgres", "", _overview(DATABASE_TABLES.values()),
            *map(section, [*described, *DATABASE_TABLES.values()]),
        ]
    )  # fmt: skip


def section(described: Relation) -> str:
    """Return the grain, the key and the columns of one table."""
    columns = (
        (f"`{name}`", column.type_name, column.unit, "" if column.nullable else "never", column.description)
        for name, column in described.columns.items()
    )
    head = ("column", "type", "unit", "null", "meaning")
    return f"## {described.name}\n\n{described.grain}. Key: {_key(described)}.\n\n{table(head, columns)}"


def _overview(listed: Iterable[Relation]) -> str:
    rows = ((_link(kept.name), schema_of(kept.name), kept.grain, _key(kept)) for kept in listed)
    return table(("table", "schema", "grain", "key"), rows)


def _link(name: str) -> str:
    return f"`{name}`: {_ELSEWHERE[name]}" if name in _ELSEWHERE else f"[`{name}`](#{name})"


def _key(described: Relation) -> str:
    return ", ".join(f"`{name}`" for name in described.key)
