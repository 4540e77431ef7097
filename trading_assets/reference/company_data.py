"""Reference of the company tables in Markdown, for docs/company_data.md: one section a table, one line a column."""

from __future__ import annotations

from trading_assets.reference.tables import section
from trading_assets.tables.companies import COMPANY_TABLES


def company_reference() -> str:
    """Return the reference of every company table."""
    return "\n".join(map(section, COMPANY_TABLES.values()))
