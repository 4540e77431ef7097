"""docs/tables.md lists the tables of the lake and of Postgres as they are declared."""

from __future__ import annotations

from pathlib import Path

from trading_assets.reference.markdown import with_reference
from trading_assets.reference.tables import table_reference
from trading_assets.tables.registry import DATABASE_TABLES, TABLES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "tables.md"


def test_the_page_is_what_the_declarations_say():
    page = PAGE.read_text(encoding="utf-8")
    assert with_reference(page, table_reference()) == page, "run: python -m trading_assets.reference"


def test_every_table_is_listed_and_every_column_of_postgres_is_described():
    page = PAGE.read_text(encoding="utf-8")
    for table in (*TABLES.values(), *DATABASE_TABLES.values()):
        assert f"`{table.name}`" in page
    for table in DATABASE_TABLES.values():
        lines = page.partition(f"## {table.name}\n")[2].partition("\n## ")[0].splitlines()
        assert [line.split("`")[1] for line in lines if line.startswith("| `")] == list(table.columns)
        assert all(len(column.description) > 2 for column in table.columns.values())
