"""Reference of the company tables in Markdown, for docs/company_data.md: one section a table, one line a column."""

from __future__ import annotations

from trading_assets.tables.companies import COMPANY_TABLES
from trading_assets.tables.table import Table

START = "<!-- reference: written by `python -m trading_assets.companies.reference docs/company_data.md` -->"


def company_reference() -> str:
    """Return the reference of every company table."""
    return "\n".join(_section(table) for table in COMPANY_TABLES.values())


def with_reference(page: str) -> str:
    """Return a page with everything after the mark replaced by the reference."""
    return f"{page.partition(START)[0]}{START}\n\n{company_reference()}"


def _section(table: Table) -> str:
    lines = [
        f"## {table.name}",
        "",
        f"{table.grain}. Key: {', '.join(f'`{name}`' for name in table.key)}.",
        "",
        "| column | type | unit | meaning |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{name}` | {column.type_name} | {column.unit} | {column.description} |"
        for name, column in table.columns.items()
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    import sys
    from pathlib import Path

    page = Path(sys.argv[1])
    page.write_text(with_reference(page.read_text(encoding="utf-8")), encoding="utf-8")
