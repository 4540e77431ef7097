"""docs/company_data.md lists the columns as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from trading_assets.reference.company_data import company_reference
from trading_assets.reference.markdown import with_reference
from trading_assets.tables.companies import COMPANY_TABLES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "company_data.md"


def test_the_page_is_what_the_tables_say():
    page = PAGE.read_text(encoding="utf-8")
    assert with_reference(page, company_reference()) == page, "run: python -m trading_assets.reference"


@pytest.mark.parametrize("table", COMPANY_TABLES.values(), ids=lambda table: table.name)
def test_every_column_is_described_with_its_unit_in_its_name(table):
    units = {"usd": "USD", "frac": "fraction", "shares": "shares", "reported": "reporting currency"}
    for name, column in table.columns.items():
        assert len(column.description) > 2
        ending = name.rpartition("_")[2]
        if ending in units and name != "shares_outstanding":
            assert column.unit == units[ending], name
    assert table.key[:2] == ("symbol", "session")
    assert table.versioned


def test_there_are_more_than_fifty_key_statistics():
    assert len(COMPANY_TABLES["key_statistics"].value_columns) > 50
