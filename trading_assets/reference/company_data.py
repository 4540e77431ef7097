"""Reference of the company tables in Markdown, for docs/company_data.md: one section a table, one line a column."""

from __future__ import annotations

from trading_assets.reference.markdown import table
from trading_assets.tables.companies import COMPANY_TABLES
from trading_assets.tables.table import Table


def company_reference() -> str:
    """Return the reference of every company table."""
    return "\n".join(_section(table) for table in COMPANY_TABLES.values())


def _section(described: Table) -> str:
    columns = (
        (f"`{name}`", column.type_name, column.unit, column.description)
        for name, column in described.columns.items()
    )
    key = ", ".join(f"`{name}`" for name in described.key)
    head = ("column", "type", "unit", "meaning")
    return f"## {described.name}\n\n{described.grain}. Key: {key}.\n\n{table(head, columns)}"
